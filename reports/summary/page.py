"""``summary.md``: a judged run on one page, from a template."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence

from e2e.analysis.diagnosis.known_issues import accepted, lapsed
from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import Run
from e2e.records.records import RunMeta
from reports.charts.flow import LAYERS as FLOW_LAYERS
from reports.charts.flow import failing_chat, flow_of
from reports.summary.backend_state import backend_now, four_tests, id_patterns
from reports.summary.layers import standings
from reports.summary.recommendations import most_urgent, recommendation
from reports.summary.schema import Summary
from reports.summary.verdict import conclusion, detection_limits, executive_summary, headline
from reports.templates.rendering import bounded, template

__all__ = ["again", "conclusion", "headline", "release_note", "summary_page"]

_MARKS = {
    "works": "✔",
    "does not work": "✘",
    "suspected": "?",
    "not judged": "–",
    "pass": "✔",
    "fail": "✘",
    "inconclusive": "–",
}


def summary_page(
    run: Run, judgement: Judgement, summary: Summary, evidence: Sequence[str], since: Sequence[str] = ()
) -> str:
    """The Markdown of ``summary.md``. ``evidence`` lists the run's folders; ``since`` has the alarms of the run history."""
    meta = run.metas[0]
    facts = [
        f"{k} {v}"
        for k, v in meta.environment.items()
        if k in ("browser", "wire", "commit", "fault", "id-pattern", "transport")
    ]
    failing = failing_chat(run)
    now = backend_now(run)
    shown = {**summary.providers, **{name: 0 for name in now.counts if name not in summary.providers}}
    page = template("summary.md.j2").render(
        s=summary,
        title=meta.title,
        url=meta.url,
        headline=headline(summary),
        executive=executive_summary(summary),
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
        backend_now=now.text,
        backend_counts=now.counts,
        providers=shown,
        recommendations=[(c, recommendation(c.name)) for c in most_urgent(judgement.causes)],
        again=again(meta),
        conclusion=conclusion(summary),
        answered=sum(summary.providers.values()),
        limits=detection_limits(summary),
        evidence=evidence,
        traces=[f"{folder}/{m.trace}" for folder, m in zip(evidence, run.metas, strict=True) if m.trace],
        trace_note=(
            "; it contains session IDs in the clear, so it is not part of the report" if meta.masked else ""
        ),
        MARKS=_MARKS,
        FLOW_LAYERS=FLOW_LAYERS,
    )
    return bounded(page)


def release_note(judged_run: Run, summary: Summary, link: str = "") -> str:
    """The comment of a pull request: decision, reason, code location."""
    return template("release.md.j2").render(
        s=summary,
        headline=headline(summary),
        executive=executive_summary(summary),
        layers=standings(judge(judged_run)),
        link=link,
    )


def again(meta: RunMeta) -> str:
    """The command that repeats the run after a change, for a shell at the repository's root."""
    options = dict(meta.invocation)
    if not options and meta.target != "reference":  # recorded by a version that did not keep the command
        options = {"TARGET": meta.target}
    if any("'" in value or "$" in value for value in options.values()):  # the Makefile quotes values with '
        flags = (
            f"--{name.lower().replace('_', '-')} {shlex.quote(value)}" for name, value in options.items()
        )
        return " ".join([".venv/bin/python -m pytest e2e/specs", *flags])
    return " ".join(["make e2e", *(f"{name}={shlex.quote(value)}" for name, value in options.items())])
