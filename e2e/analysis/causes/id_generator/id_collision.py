"""The generator returns the ID of an earlier chat, not of the previous one."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, CheckFollows
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.decisive_writes import write_of_the_stored_id
from e2e.analysis.causes.explained_checks import EMPTY, FRESH, TWO_TABS

CAUSE = CauseDefinition(
    name="id-collision",
    layer="ID generator",
    explanation="the generator{write} returned the ID of an earlier chat, not of the previous one",
    hint="generate IDs from more random bits: 128 from crypto.randomUUID() or crypto.getRandomValues()",
    priority="high",
    impact="a new chat sometimes continues the session of an older chat",
    immediate="hold the release, or roll back to the last version that passed",
    verify="every chat sends an ID that no earlier chat has sent",
    chat_rules=(
        ChatRule(
            order=100,
            explains=FRESH,
            when=(has.after_new_chat, has.id_belongs_to_an_older_chat, has.id_was_written_by_the_generator),
            excludes=("session-restored", "restored-on-load", "stale-state"),
            decides="frozen-clock",
        ),
        ChatRule(
            order=110,
            explains=(TWO_TABS,),
            when=(
                has.started_by_page_load,
                has.id_belongs_to_an_older_chat,
                has.id_was_written_by_the_generator,
            ),
            excludes=("id-constant", "tab-bleed"),
            decides="frozen-clock",
        ),
    ),
    consequences=(CheckFollows(order=80, check=EMPTY),),
    write=write_of_the_stored_id,
    names_send=False,
)
