"""``summary.md``: a judged run on one page, in plain words, from a template."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence

from e2e.analysis.causes.definition import PRIORITIES
from e2e.analysis.diagnosis.known_issues import accepted, lapsed
from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import Run
from e2e.records.records import RunMeta
from reports.charts.flow import LAYERS as FLOW_LAYERS
from reports.charts.flow import failing_chat, flow_of
from reports.summary.backend_state import backend_now, four_tests, id_patterns
from reports.summary.layers import standings
from reports.summary.recommendations import most_urgent, recommendation
from reports.summary.summary import Summary
from reports.templates.rendering import template

_MARKS = {
    "works": "✔",
    "does not work": "✘",
    "suspected": "?",
    "not judged": "–",
    "pass": "✔",
    "fail": "✘",
    "inconclusive": "–",
}
_HEADLINES = {
    "broken": "the suite could not look at everything",
    "inconclusive": "too little was seen to judge",
}


def headline(summary: Summary) -> str:
    """The run in one line: the causes when something failed, else what was shown, and no more than that."""
    verdicts = {c.name: c.verdict for c in summary.checks}
    failed = sum(c.verdict == "fail" and not c.accepted for c in summary.checks)
    known = sum(bool(c.accepted) for c in summary.checks)
    if failed:
        causes = ", ".join(c.name for c in summary.causes if c.accepted_until is None or not known)
        return f"{causes}: {failed} of {len(verdicts)} checks failed"
    said = _HEADLINES.get(summary.outcome) or _shown(verdicts)
    thin = sum(verdict == "inconclusive" for verdict in verdicts.values())
    beside = [f"{thin} of {len(verdicts)} checks inconclusive"] if thin and summary.outcome == "pass" else []
    beside += [f"{known} failed for causes that are accepted"] if known else []
    return said + (f" ({'; '.join(beside)})" if beside else "")


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


def summary_page(
    run: Run, judgement: Judgement, summary: Summary, evidence: Sequence[str], since: Sequence[str] = ()
) -> str:
    """The Markdown of ``summary.md``. ``evidence`` names the run's folders, as a reader finds them; ``since`` is the history's word."""
    meta = run.metas[0]
    facts = [
        f"{k} {v}"
        for k, v in meta.environment.items()
        if k in ("browser", "commit", "fault", "id-pattern", "transport")
    ]
    failing = failing_chat(run)
    now = backend_now(run)
    shown = {**summary.providers, **{name: 0 for name in now.counts if name not in summary.providers}}
    return template("summary.md.j2").render(
        s=summary,
        title=meta.title,
        url=meta.url,
        headline=headline(summary),
        began=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(meta.started)),
        environment=", ".join(facts),
        layers=standings(judgement),
        since=since,
        accepted=accepted(run),
        lapsed=[one for cause, one in lapsed(run).items() if cause in {c.name for c in judgement.causes}],
        causes=judgement.causes,
        flow=flow_of(run, failing) if failing is not None else None,
        tests=four_tests(run),
        patterns=id_patterns(run),
        backend_now=now.said,
        backend_counts=now.counts,
        providers=shown,
        recommendations=[(c, recommendation(c.name)) for c in most_urgent(judgement.causes)],
        again=again(meta),
        conclusion=conclusion(summary),
        answered=sum(summary.providers.values()),
        worth=worth_of(summary),
        evidence=evidence,
        traces=[f"{folder}/{m.trace}" for folder, m in zip(evidence, run.metas, strict=True) if m.trace],
        trace_note=(
            "; it holds session IDs in the clear, so it is not part of the report" if meta.masked else ""
        ),
        MARKS=_MARKS,
        FLOW_LAYERS=FLOW_LAYERS,
    )


def release_note(judged_run: Run, summary: Summary, link: str = "") -> str:
    """A pull request's comment: yes or no, why, and where."""
    return template("release.md.j2").render(
        s=summary,
        headline=headline(summary),
        conclusion=conclusion(summary),
        layers=standings(judge(judged_run)),
        link=link,
    )


def conclusion(summary: Summary) -> str:
    """What follows from the run for whoever decides about a release; no more than was seen."""
    failed = [c.name for c in summary.checks if c.verdict == "fail" and not c.accepted]
    if failed:
        counting = [c for c in summary.causes if set(c.checks) & set(failed)]
        priority = min((c.priority for c in counting), key=PRIORITIES.index, default="high")
        return f"Not to be released as it is: {len(failed)} of {len(summary.checks)} checks failed, priority **{priority}**."
    thin = [c.name for c in summary.checks if c.verdict == "inconclusive"]
    if summary.outcome == "broken":
        return "Nothing can be said about a release: the suite could not look at everything, and what it saw is no fault."
    if summary.outcome == "inconclusive":
        return f"Nothing can be said about a release yet: {', '.join(thin[:4])} could not be judged."
    said = "Nothing stands against a release: no check failed, and no action is needed."
    known = [c.accepted for c in summary.checks if c.accepted]
    if known:
        said = "Nothing new stands against a release; known: " + "; ".join(dict.fromkeys(known)) + "."
    return said + (f" Not judged: {', '.join(thin)}." if thin else "")


def again(meta: RunMeta) -> str:
    """The command that looks again after a change, as it can be pasted into a shell at the repository's root."""
    said = dict(meta.invocation)
    if not said and meta.target != "reference":  # recorded before the command was
        said = {"TARGET": meta.target}
    if any(
        "'" in value or "$" in value for value in said.values()
    ):  # the Makefile puts values in single quotes
        options = (f"--{name.lower().replace('_', '-')} {shlex.quote(value)}" for name, value in said.items())
        return " ".join([".venv/bin/python -m pytest e2e/specs", *options])
    return " ".join(["make e2e", *(f"{name}={shlex.quote(value)}" for name, value in said.items())])
