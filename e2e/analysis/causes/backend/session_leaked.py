"""The backend keeps a session after it confirmed the removal."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, RunRule
from e2e.analysis.causes.explained_checks import CLEANS_UP
from e2e.analysis.causes.run_verdicts import RunVerdicts
from e2e.analysis.model.verdict import Verdict


def _claims(run: RunVerdicts) -> list[Verdict]:
    return run.failed(CLEANS_UP)


CAUSE = CauseDefinition(
    name="session-leaked",
    layer="backend",
    explanation="a session still existed after its removal was confirmed",
    hint="let the removal delete the assignment, and confirm it only afterwards",
    priority="medium",
    impact=("ended sessions stay at the backend: content is kept longer than promised, and counts are wrong"),
    immediate="remove ended sessions with a scheduled job",
    verify="backend.cleans_up passes",
    run_rule=RunRule(
        order=70,
        claims=_claims,
        counts="still_there",
        excludes=(),
        confidence=1.0,
    ),
)
