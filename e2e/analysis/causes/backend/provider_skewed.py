"""The shares of the providers are not the expected ones."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, RunRule
from e2e.analysis.causes.run_verdicts import RunVerdicts
from e2e.analysis.model.verdict import Verdict


def _claims(run: RunVerdicts) -> list[Verdict]:
    return run.shares(one=False)


CAUSE = CauseDefinition(
    name="provider-skewed",
    layer="backend",
    explanation="fresh session IDs were sent, and the providers' shares are off beyond chance",
    hint="compare the assignment's weights with the profile's, and look for providers that refuse sessions",
    priority="medium",
    impact="some providers carry more than they are meant to",
    immediate="compare the weights in use with those intended",
    verify="provider.balanced passes",
    run_rule=RunRule(
        order=40,
        claims=_claims,
        counts="sessions",
        excludes=("provider-pinned", "provider-sticky"),
        decides="direct",
        confidence=0.9,
        needs_own_ids=True,
    ),
)
