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
    explanation="a session was still there after its removal had been confirmed",
    hint="let the removal delete the assignment, and answer only when that is done",
    priority="medium",
    impact="ended sessions stay at the backend: content is kept longer than promised, and figures are off",
    immediate="remove ended sessions by a job",
    verify="backend.cleans_up passes",
    run_rule=RunRule(
        order=70,
        claims=_claims,
        counts="still_there",
        excludes=(),
        confidence=1.0,
    ),
)
