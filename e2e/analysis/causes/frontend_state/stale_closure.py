"""Each payload carries the ID of the chat before."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, CheckFollows
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.decisive_writes import write_that_dropped_the_old_id
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EMPTY, EQUAL, SCENARIOS, SENT

CAUSE = CauseDefinition(
    name="stale-closure",
    layer="frontend state",
    explanation=(
        "New Chat {change}, and the next send{send} carried the ID of the chat before: each send is "
        "one chat behind"
    ),
    hint="read the ID at send time (from a ref or the store), or add it to the callback's dependencies",
    priority="critical",
    impact=("every message is answered in the session of the chat before: contexts are one chat off"),
    immediate="tell users that a reload starts a fresh session, and hold the release",
    verify="every chat sends an ID that no earlier chat has sent",
    chat_rules=(
        ChatRule(
            order=180,
            explains=(SENT, EQUAL, *SCENARIOS),
            when=(has.store_dropped_the_old_id, has.payloads_are_one_chat_behind),
            excludes=("stale-state", "split-session"),
            decides="reload",
        ),
    ),
    consequences=(CheckFollows(order=50, check=EMPTY),),
    supported_by=(
        ExperimentOutcome.DIRECT_NO_PROVIDER,
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
        ExperimentOutcome.NEW_CONTEXT_OLD_ID,
        ExperimentOutcome.RELOAD_NO_ID,
        ExperimentOutcome.RELOAD_OTHER_ID,
    ),
    contradicted_by=(ExperimentOutcome.RELOAD_OLD_ID,),
    write=write_that_dropped_the_old_id,
)
