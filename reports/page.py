"""``summary.md``: a judged run on one page, in plain words, from a template."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from e2e.analysis.catalogue import Judgement
from e2e.analysis.frames import Run
from reports.summary import Summary

_HEADLINES = {
    "broken": "the suite could not look at everything",
    "inconclusive": "too little was seen to judge",
}


def headline(summary: Summary) -> str:
    """The run in one line: the causes when something failed, else what was shown, and no more than that."""
    verdicts = {c.name: c.verdict for c in summary.checks}
    failed = sum(verdict == "fail" for verdict in verdicts.values())
    if failed:
        causes = ", ".join(c.name for c in summary.causes)
        return f"{causes}: {failed} of {len(verdicts)} checks failed"
    said = _HEADLINES.get(summary.outcome) or _shown(verdicts)
    thin = sum(verdict == "inconclusive" for verdict in verdicts.values())
    if thin and summary.outcome == "pass":
        return f"{said} ({thin} of {len(verdicts)} checks inconclusive)"
    return said


def worth_of(summary: Summary) -> dict[str, list[str]]:
    """What green is worth -> the checks that it is said of: several checks of one run are worth the same."""
    worth: dict[str, list[str]] = {}
    for check in summary.checks:
        if check.verdict == "pass" and check.worth:
            worth.setdefault(check.worth, []).append(check.name)
    return worth


def _shown(verdicts: Mapping[str, str]) -> str:
    """What the green verdicts allow to say: neither rotation nor spread is claimed when its check did not pass."""
    said = []
    if verdicts.get("rotation.sent_id_is_fresh") == "pass":
        said.append("every new chat went on with a session ID of its own")
    if verdicts.get("provider.varies") == "pass":
        fits = verdicts.get("provider.balanced") == "pass"
        said.append(
            "the sessions spread over the providers as expected"
            if fits
            else "the sessions reach several providers"
        )
    return ", and ".join(said) or "nothing is wrong with what could be judged"


def summary_page(run: Run, judgement: Judgement, summary: Summary, evidence: Sequence[str]) -> str:
    """The Markdown of ``summary.md``. ``evidence`` names the run's folders, as a reader finds them."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown, not HTML
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    meta = run.metas[0]
    facts = [
        f"{k} {v}"
        for k, v in meta.environment.items()
        if k in ("browser", "commit", "fault", "id-pattern", "transport")
    ]
    return environment.get_template("summary.md.j2").render(
        s=summary,
        title=meta.title,
        url=meta.url,
        headline=headline(summary),
        began=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(meta.started)),
        environment=", ".join(facts),
        causes=judgement.causes,
        answered=sum(summary.providers.values()),
        worth=worth_of(summary),
        evidence=evidence,
        traces=[f"{folder}/{m.trace}" for folder, m in zip(evidence, run.metas, strict=True) if m.trace],
        trace_note=(
            "; it holds session IDs in the clear, so it is not part of the report" if meta.masked else ""
        ),
    )
