"""The providers reply in a fixed order."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, RunRule
from e2e.analysis.causes.evidence import sessions_without_ids
from e2e.analysis.causes.explained_checks import INDEPENDENT
from e2e.analysis.causes.run_verdicts import RunVerdicts
from e2e.analysis.model.verdict import Verdict


def _claims(run: RunVerdicts) -> list[Verdict]:
    """Lanes that take turns with one provider each look like a fixed order too: those are sticky."""
    in_order = run.depends_on() & {"cycle", "order"}
    return run.failed(INDEPENDENT) if in_order and not run.provider_follows_user_or_chat() else []


CAUSE = CauseDefinition(
    name="provider-cycles",
    layer="backend",
    explanation="sessions with fresh IDs got the providers in a fixed order",
    hint=(
        "choose the provider at random: a round robin is predictable, and makes neighbouring sessions "
        "depend on each other"
    ),
    priority="medium",
    impact="the next provider is predictable, and load moves in step",
    immediate=("none is needed if a fixed order is acceptable; then leave the check out in the profile"),
    verify="provider.independent passes",
    run_rule=RunRule(
        order=10,
        claims=_claims,
        counts="sessions",
        excludes=("provider-sticky", "provider-skewed"),
        decides="direct",
        confidence=0.95,
        needs_own_ids=True,
        without_id=sessions_without_ids.holds,
    ),
)
