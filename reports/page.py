"""``summary.md``: a judged run on one page, in plain words, from a template."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from e2e.analysis.catalogue import Judgement
from e2e.analysis.frames import Run
from reports.summary import Summary

HEADLINES = {
    "pass": "every new chat gets a session of its own, and the sessions spread",
    "fail": "something is wrong",
    "broken": "the suite could not look at everything",
    "inconclusive": "too little was seen to judge",
}


def headline(summary: Summary) -> str:
    """The run in one line: the causes when something failed, else the outcome."""
    failed = [c.name for c in summary.checks if c.verdict == "fail"]
    if not failed:
        said = HEADLINES[summary.outcome]
        thin = sum(c.verdict == "inconclusive" for c in summary.checks)
        return (
            f"{said} ({thin} of {len(summary.checks)} checks inconclusive)"
            if thin and summary.outcome == "pass"
            else said
        )
    causes = ", ".join(c.name for c in summary.causes)
    return f"{causes}: {len(failed)} of {len(summary.checks)} checks failed"


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
        worth=[(v.name, v.worth) for v in judgement.verdicts if v.outcome == "pass" and v.worth],
        evidence=evidence,
        traces=[f"{folder}/{m.trace}" for folder, m in zip(evidence, run.metas, strict=True) if m.trace],
    )
