"""A run judged by all checks, with the causes of its failures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from e2e.analysis.checks.registry import CHECKS
from e2e.analysis.diagnosis import diagnose as diagnosis
from e2e.analysis.diagnosis.known_issues import accepted, is_accepted
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, ProblemRow
from e2e.analysis.model.verdict import Cause, Verdict
from e2e.records.selection import collector_paused, keep_from_collector

__all__ = ["CHECKS", "Judgement", "explained", "judge"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """All verdicts of a run, in report order, and what explains the failures."""

    verdicts: tuple[Verdict, ...]
    causes: tuple[Cause, ...]
    outcome: Literal["pass", "fail", "broken", "inconclusive"]

    def verdict(self, name: str) -> Verdict:
        """Raises ``KeyError`` when there is no such check."""
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict
        raise KeyError(name)


def judge(run: Run) -> Judgement:
    """Judge ``run`` by every check and name the causes; kept with the run, so asking again costs nothing."""
    with collector_paused():
        return run.once("judgement", lambda: _judge(run))


def explained(run: Run, verdict: Verdict) -> Verdict:
    """The same verdict; a failure of one of the registered checks with its causes."""
    return judge(run).verdict(verdict.name) if verdict.outcome == "fail" else verdict


def _judge(run: Run) -> Judgement:
    plain = [check(run) for check in CHECKS]
    keep_from_collector(len(run.every(ChatRow)))
    causes = diagnosis.diagnose(run, plain)
    keep_from_collector(len(run.every(ChatRow)))
    counted = [diagnosis.with_unseen(run, v) for v in plain]
    verdicts = tuple(_with_acceptance(run, replace(v, causes=diagnosis.explain(v, causes))) for v in counted)
    return Judgement(verdicts, causes, _outcome(run, verdicts))


def _outcome(run: Run, verdicts: tuple[Verdict, ...]) -> Literal["pass", "fail", "broken", "inconclusive"]:
    outcomes = {v.outcome for v in verdicts}
    if any(v.outcome == "fail" and not v.accepted for v in verdicts):
        return "fail"
    if run.partial or len(run.every(ProblemRow)):
        return "broken"
    return "pass" if "pass" in outcomes else "inconclusive"


def _with_acceptance(run: Run, verdict: Verdict) -> Verdict:
    known = accepted(run)
    if not is_accepted(verdict, known):
        return verdict
    issues = (known[c.name] for c in verdict.causes)
    return replace(
        verdict,
        accepted="; ".join(f"{one.cause} is accepted until {one.until}: {one.reason}" for one in issues),
    )
