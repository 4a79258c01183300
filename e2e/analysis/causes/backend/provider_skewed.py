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
    explanation=(
        "the providers' shares of the sessions with fresh IDs differ from the expected ones by more "
        "than chance"
    ),
    hint=(
        "compare the weights of the assignment with the profile's, and look for providers that refuse "
        "sessions"
    ),
    priority="medium",
    impact="some providers carry more load than intended",
    immediate="compare the weights in use with the intended ones",
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
