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
        "different browsers generated the same session ID{write}: it is made from what they have in "
        "common (a constant, a fingerprint, a clock)"
    ),
    hint="generate each chat's ID at random: 128 bits from crypto.randomUUID() or crypto.getRandomValues()",
    priority="critical",
    impact="chats of different users or topics share one session, its context and its provider",
    immediate="hold the release, and end the sessions that several browsers have used",
    verify="two browsers never send the same ID",
    chat_rules=(
        ChatRule(
            order=60,
            explains=FRESH,
            when=(has.started_by_page_load, has.id_is_in_another_browser),
            excludes=("id-constant", "session-not-ended"),
            decides="user-agent",
        ),
        ChatRule(
            order=70,
            explains=FRESH,
            when=(
                has.after_new_chat,
                has.id_was_in_another_browser_before,
                has.shared_id_was_written_in_this_chat,
            ),
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
