"""The session ID is a secret with too few random bits."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, RunRule
from e2e.analysis.causes.explained_checks import PATTERN
from e2e.analysis.causes.run_verdicts import RunVerdicts
from e2e.analysis.model.verdict import Verdict


def _claims(run: RunVerdicts) -> list[Verdict]:
    return [v for v in run.failed(PATTERN) if v.numbers.get("guessable")]


CAUSE = CauseDefinition(
    name="id-guessable",
    layer="ID generator",
    explanation=(
        "the session ID is a credential (id_is_secret = true in the profile), and its form has too little room "
        "for randomness"
    ),
    hint="make it of 128 random bits or more: crypto.randomUUID() or crypto.getRandomValues()",
    priority="high",
    impact="who guesses a session ID can read or go on with somebody else's chat",
    immediate="let the backend bind sessions to the signed-in user",
    verify="session_ids.pattern passes, with 64 bits or more in the form of the ID",
    run_rule=RunRule(
        order=60,
        claims=_claims,
        counts="ids",
        excludes=("id-constant", "id-shared"),
        confidence=1.0,
    ),
)
