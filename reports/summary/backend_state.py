"""Results of the backend's API, as tables of ``summary.md``."""

from __future__ import annotations

from typing import NamedTuple

from e2e.analysis.checks import session_ids
from e2e.analysis.checks.backend import ONE_BY_CONSTRUCTION
from e2e.analysis.checks.registry import CHECKS
from e2e.analysis.facts.backend_probes import probe_rows
from e2e.analysis.facts.freshness import ids_of_chats
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow
from e2e.analysis.model.verdict import Verdict
from e2e.analysis.model.wording import key_of, plural

TESTS = ("backend.assigns", "backend.persists", "backend.cleans_up", "backend.state")


class Test(NamedTuple):
    """One of the four tests of the backend."""

    verdict: str
    question: str
    result: str
    evidence: str


class Pattern(NamedTuple):
    """One way to create session IDs, with the providers that it reaches."""

    name: str
    ids: int
    unique: int
    providers: int
    verdict: str


class Now(NamedTuple):
    """The state of the backend at the end of the run."""

    text: str
    counts: dict[str, int]


def four_tests(run: Run) -> list[Test]:
    """The four tests of the backend, in the order of a session's life."""
    titles = {c.name: c.title for c in CHECKS}
    verdicts = {v.name: v for v in judge(run).verdicts}
    return [
        Test(v.outcome, titles[v.name], v.headline, _evidence(v)) for v in map(verdicts.__getitem__, TESTS)
    ]


def _evidence(verdict: Verdict) -> str:
    """Findings of a failure, what an inconclusive verdict needs, or the detection limit of a pass."""
    if verdict.outcome == "fail":
        return "; ".join(verdict.actual[:3])
    return verdict.needs if verdict.outcome == "inconclusive" else verdict.detection_limit


def id_patterns(run: Run) -> list[Pattern]:
    """The pattern of the frontend first, then the patterns that the suite tried at the backend."""
    verdicts = {v.name: v for v in judge(run).verdicts}
    ids, own = session_ids.describe(run), verdicts["session_ids.pattern"]
    fresh = verdicts["rotation.sent_id_is_fresh"]
    found = []
    if ids.distinct_sent:
        texts = {"pass": "good", "fail": f"problematic: {own.headline}", "inconclusive": own.headline}
        observed = {
            key_of(c): c for c in run.every(ChatRow) if c.scenario == "plain" and c.status == "observed"
        }
        first = {key: ids[0] for key, ids in ids_of_chats(run, "sent").items() if ids and key in observed}
        verdict = texts[own.outcome]
        if own.outcome != "fail" and fresh.outcome == "fail":
            wrong = "old IDs were sent" if fresh.numbers["reused"] else "chats were sent without one"
            verdict = f"good when created, but {wrong}" if own.outcome == "pass" else wrong
        who = {observed[key].provider for key in first} - {None}
        unique = len(set(first.values()))
        found.append(Pattern(f"this chat: {ids.pattern}", len(first), unique, len(who), verdict))
    numbers = verdicts["backend.assigns"].numbers
    for name in [key.removesuffix(".unique") for key in numbers if key.endswith(".unique")]:
        n, unique, providers = (int(numbers[f"{name}.{what}"]) for what in ("ids", "unique", "providers"))
        verdict = "good"
        if unique == 1:
            known = " by construction" if name in ONE_BY_CONSTRUCTION else ""
            verdict = f"problematic: one ID for all chats{known}"
        found.append(Pattern(name, n, unique, providers, verdict))
    return found


def backend_now(run: Run) -> Now:
    """Sessions and their distribution by the backend's last report."""
    verdict = next(v for v in judge(run).verdicts if v.name == "backend.state")
    reports = [
        (b.distribution, b.active)
        for b in probe_rows(run)
        if b.distribution is not None and b.active is not None
    ]
    if not reports:
        return Now(f"Unknown: {verdict.headline}.", {})
    distribution, active = reports[-1]
    counts = {str(name): int(n) for name, n in distribution.items()}
    busy = sum(1 for n in counts.values() if n)
    text = f"{plural(active, 'active session')} on {plural(busy, 'provider')}."
    if verdict.numbers.get("probes_left_out"):
        text += f" The suite itself assigned {verdict.numbers['probes_left_out']} of them."
    if verdict.outcome == "fail":
        text += f" This state is wrong: {verdict.headline}."
    return Now(text, dict(sorted(counts.items(), key=lambda item: -item[1])))
