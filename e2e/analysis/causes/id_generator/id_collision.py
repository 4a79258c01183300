"""The generator returns the ID of an earlier chat, not of the previous one."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, CheckFollows
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.decisive_writes import write_of_the_stored_id
from e2e.analysis.causes.explained_checks import EMPTY, FRESH, TWO_TABS

CAUSE = CauseDefinition(
    name="id-collision",
    layer="ID generator",
    explanation="the minting code{write} made an ID that an earlier chat, not the one before, has had",
    hint="mint IDs from more random bits: 128 of crypto.randomUUID() or crypto.getRandomValues()",
    priority="high",
    impact="now and then a new chat lands in an older chat's session",
    immediate="hold the release back, or go back to the last version that passed",
    verify="every chat sends an ID that no chat before has sent",
    chat_rules=(
        ChatRule(
            order=100,
            explains=FRESH,
            when=(has.after_new_chat, has.id_is_of_an_older_chat, has.its_writing_was_a_minting),
            excludes=("session-restored", "restored-on-load", "stale-state"),
            decides="frozen-clock",
        ),
        ChatRule(
            order=110,
            explains=(TWO_TABS,),
            when=(has.began_with_a_load, has.id_is_of_an_older_chat, has.its_writing_was_a_minting),
            excludes=("id-constant", "tab-bleed"),
            decides="frozen-clock",
        ),
    ),
    consequences=(CheckFollows(order=80, check=EMPTY),),
    write=write_of_the_stored_id,
    names_send=False,
)
