"""A reply that still streams at New Chat arrives in the new chat."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, Variant
from e2e.analysis.causes.evidence import left_behind
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.explained_checks import EMPTY, LABEL, MID_STREAM, PAYLOAD, STORED

CAUSE = CauseDefinition(
    name="late-stream",
    layer="race",
    explanation="text of the reply that was still streaming at New Chat arrived in the new chat",
    variants={
        "session": Variant(
            explanation=(
                "the session of the reply that was still streaming at New Chat came into the new "
                "chat{write}: its end stored the old chat's ID, and the new chat goes on in the old "
                "conversation"
            )
        ),
    },
    hint=(
        "abort the stream at New Chat, and drop every chunk whose stream is not the one of the chat on "
        "the screen"
    ),
    priority="high",
    impact="the reply to an old chat shows up in the new one",
    immediate="keep New Chat disabled while a reply streams",
    verify="rotation.mid_stream passes",
    chat_rules=(
        ChatRule(
            order=10,
            explains=(STORED, *PAYLOAD),
            when=(has.after_new_chat, left_behind.its_id_came_into_the_chat),
            excludes=("id-constant", "session-restored", "over-rotation"),
            decides="slow-network",
            variant="session",
        ),
        ChatRule(
            order=20,
            explains=(STORED, *PAYLOAD),
            when=(has.after_new_chat, left_behind.its_end_wrote_the_old_id_back),
            excludes=("id-constant", "session-restored", "over-rotation"),
            decides="slow-network",
            variant="session",
        ),
        ChatRule(
            order=290,
            explains=(MID_STREAM, EMPTY, LABEL),
            when=(has.late_text_is_on_the_screen,),
            excludes=("history-bleed", "label-stale"),
            decides="slow-network",
        ),
    ),
)
