"""The provider follows the browser, the user or the chat before."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, RunRule
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import ASSIGNS, BALANCED, INDEPENDENT, VARIES
from e2e.analysis.causes.run_verdicts import RunVerdicts
from e2e.analysis.model.verdict import Verdict


def _claims(run: RunVerdicts) -> list[Verdict]:
    """It follows the user or the chat before; or it stays in the browsers while fresh IDs spread at the backend itself."""
    if run.provider_follows_user_or_chat():
        rest = [] if run.failed(ASSIGNS) else run.shares(one=False)
        return [*run.failed(INDEPENDENT), *rest]
    in_the_browsers = any(v.name in (VARIES, BALANCED) for v in run.shares(one=False))
    if run.passed(ASSIGNS) and (
        any(v.name == VARIES for v in run.shares(one=True)) or (in_the_browsers and run.lanes_never_change())
    ):
        # The sessions of the browsers count in all three checks.
        every = run.shares(one=True) + run.shares(one=False)
        return [v for v in every if not v.numbers.get("cached")]
    return []


CAUSE = CauseDefinition(
    name="provider-sticky",
    layer="backend",
    explanation=("sessions with fresh IDs kept the provider of the browser, the user or the chat before"),
    hint="look for affinity by cookie, address or user in the load balancer or in the assignment",
    priority="high",
    impact="a user gets one provider in all chats, and load follows users instead of sessions",
    immediate="switch off affinity in the load balancer",
    verify="provider.independent passes, also with another user agent and another user",
    run_rule=RunRule(
        order=20,
        claims=_claims,
        counts="sessions",
        excludes=("provider-pinned", "provider-skewed"),
        decides="new-context",
        confidence=0.95,
        needs_own_ids=True,
    ),
    supported_by=(
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
        ExperimentOutcome.NEW_CONTEXT_OTHER_PROVIDER,
    ),
    contradicted_by=(ExperimentOutcome.DIRECT_ONE_PROVIDER,),
)
