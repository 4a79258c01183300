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
        "the session ID is a secret (id_is_secret = true in the profile), and its form has too few random bits"
    ),
    hint="generate it from at least 128 random bits: crypto.randomUUID() or crypto.getRandomValues()",
    priority="high",
    impact="someone who guesses a session ID can read or continue another user's chat",
    immediate="bind sessions to the signed-in user at the backend",
    verify="session_ids.pattern passes, with at least 64 random bits in the ID",
    run_rule=RunRule(
        order=60,
        claims=_claims,
        counts="ids",
        excludes=("id-constant", "id-shared"),
        confidence=1.0,
    ),
)
