"""The providers reply in a fixed order."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, RunRule
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
    explanation="fresh session IDs were sent, and the providers answered in a fixed order",
    hint="draw the provider at random; a round robin can be foreseen, and ties neighbours together",
    priority="medium",
    impact="the next provider can be foreseen, and load moves in step",
    immediate="none is needed when order does no harm; say so in the profile by leaving the check out",
    verify="provider.independent passes",
    run_rule=RunRule(
        order=10,
        claims=_claims,
        counts="sessions",
        excludes=("provider-sticky", "provider-skewed"),
        decides="direct",
        confidence=0.95,
        needs_own_ids=True,
    ),
)
