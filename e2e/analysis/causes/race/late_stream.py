"""A reply that still streams at New Chat arrives in the new chat."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, Variant
from e2e.analysis.causes.evidence import late_replies
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.explained_checks import EMPTY, LABEL, MID_STREAM, PAYLOAD, STORED

CAUSE = CauseDefinition(
    name="late-stream",
    layer="race",
    explanation="text of the reply that was still streaming at New Chat arrived in the new chat",
    variants={
        "session": Variant(
            explanation=(
                "the reply that was still streaming at New Chat brought its session into the new chat{write}: "
                "its end stored the old ID, and the new chat continues the old conversation"
            )
        ),
    },
    hint=(
        "abort the stream at New Chat, and drop chunks of every stream that does not belong to the open chat"
    ),
    priority="high",
    impact="the reply to an old chat appears in the new chat",
    immediate="disable New Chat while a reply streams",
    verify="rotation.mid_stream passes",
    chat_rules=(
        ChatRule(
            order=10,
            explains=(STORED, *PAYLOAD),
            when=(has.after_new_chat, late_replies.issued_id_arrived_in_the_new_chat),
            excludes=("id-constant", "session-restored", "over-rotation"),
            decides="slow-network",
            variant="session",
        ),
        ChatRule(
            order=20,
            explains=(STORED, *PAYLOAD),
            when=(has.after_new_chat, late_replies.stream_end_restored_the_old_id),
            excludes=("id-constant", "session-restored", "over-rotation"),
            decides="slow-network",
            variant="session",
        ),
        ChatRule(
            order=290,
            explains=(MID_STREAM, EMPTY, LABEL),
            without_id=True,
            when=(has.screen_shows_text_of_an_older_reply,),
            excludes=("history-bleed", "label-stale"),
            decides="slow-network",
        ),
    ),
)
