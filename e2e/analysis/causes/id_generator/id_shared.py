"""Different browsers generate the same ID."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, CheckFollows
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.decisive_writes import write_of_the_stored_id
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EMPTY, FRESH

CAUSE = CauseDefinition(
    name="id-shared",
    layer="ID generator",
    explanation=(
        "different browsers{write} came to the same session ID: it is made from what they have in common "
        "(a constant, a fingerprint, a clock), not from anything of the chat"
    ),
    hint="mint IDs at random, 128 bits of crypto.randomUUID() or crypto.getRandomValues(), for each chat",
    priority="critical",
    impact=(
        "chats of different people or topics share one session: context and provider of one reach the other"
    ),
    immediate="hold the release back; sessions that several browsers have used should be ended",
    verify="two browsers never send one ID",
    chat_rules=(
        ChatRule(
            order=60,
            explains=FRESH,
            when=(has.began_with_a_load, has.another_browser_has_the_id),
            excludes=("id-constant", "session-not-ended"),
            decides="user-agent",
        ),
        ChatRule(
            order=70,
            explains=FRESH,
            when=(has.after_new_chat, has.another_browser_had_the_id, has.it_or_another_browser_wrote_it),
            excludes=("id-constant", "session-not-ended", "stale-state"),
            decides="user-agent",
        ),
    ),
    consequences=(CheckFollows(order=90, check=EMPTY),),
    supported_by=(
        ExperimentOutcome.NEW_CONTEXT_SHARED_ID,
        ExperimentOutcome.USER_AGENT_SHARED_ID,
    ),
    contradicted_by=(ExperimentOutcome.NEW_CONTEXT_OWN_ID,),
    write=write_of_the_stored_id,
    names_send=False,
)
