"""One provider gets all sessions."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, RunRule
from e2e.analysis.causes.evidence import sessions_without_ids
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.run_verdicts import RunVerdicts
from e2e.analysis.model.verdict import Verdict


def _claims(run: RunVerdicts) -> list[Verdict]:
    return run.shares(one=True)


CAUSE = CauseDefinition(
    name="provider-pinned",
    layer="backend",
    explanation="one provider replied in all sessions with fresh IDs, which chance does not explain",
    hint=(
        "check the assignment: a default that is always used, a sticky rule, or only one provider that is up"
    ),
    priority="critical",
    impact="all sessions go to one provider: the others are idle, and it carries the whole load",
    immediate="check that the other providers are up; restart the assignment",
    verify="provider.varies passes",
    run_rule=RunRule(
        order=30,
        claims=_claims,
        counts="sessions",
        excludes=("provider-skewed", "cached-reply"),
        decides="direct",
        confidence=0.9,
        needs_own_ids=True,
        without_id=sessions_without_ids.one_provider_in_all_browsers,
    ),
    supported_by=(ExperimentOutcome.DIRECT_ONE_PROVIDER,),
    contradicted_by=(
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
        ExperimentOutcome.NEW_CONTEXT_OTHER_PROVIDER,
    ),
)
