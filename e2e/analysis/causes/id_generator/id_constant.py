"""The generator returns the same ID again in one browser."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, CheckFollows
from e2e.analysis.causes.evidence import from_memory
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.decisive_writes import write_of_the_old_id
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EMPTY, FRESH, TWO_TABS

CAUSE = CauseDefinition(
    name="id-constant",
    layer="ID generator",
    explanation=(
        "New Chat minted an ID anew{write}, and it is the same as before: the generator gives this "
        "browser one ID"
    ),
    hint="mint IDs at random, 128 bits of crypto.randomUUID() or crypto.getRandomValues(), for each chat",
    priority="critical",
    impact="users stay with one provider, and every new chat goes on in an old session with its context",
    immediate=(
        "clearing the site's data does not help; hold the release back, or go back to the last version "
        "that passed"
    ),
    verify="every chat sends an ID that no chat before has sent",
    chat_rules=(
        ChatRule(
            order=120,
            explains=FRESH,
            when=(has.after_new_chat, has.old_id_was_made_anew),
            excludes=("session-restored", "session-not-ended"),
            decides="frozen-clock",
        ),
        ChatRule(
            order=130,
            explains=(TWO_TABS,),
            when=(has.began_with_a_load, has.tab_minted_what_the_browser_had),
            excludes=("tab-bleed",),
            decides="frozen-clock",
        ),
    ),
    consequences=(CheckFollows(order=70, check=EMPTY),),
    supported_by=(ExperimentOutcome.RELOAD_OLD_ID,),
    contradicted_by=(
        ExperimentOutcome.NEW_CONTEXT_SHARED_ID,
        ExperimentOutcome.RELOAD_OTHER_ID,
    ),
    contradicted_when=from_memory.a_reload_brought_another,
    write=write_of_the_old_id,
    names_send=False,
)
