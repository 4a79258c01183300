"""New Chat begins a session and leaves the old conversation on the screen."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.causes.explained_checks import EMPTY


def _screen_kept_an_earlier_chat(c: ChatEvidence) -> bool:
    """Before the first message the page showed text of an earlier chat, and no payload had any."""
    kept = c.chat.screen_compared and c.chat.screen_from is not None
    return bool(kept) and not has.payload_contains_text_of_an_earlier_chat(c)


CAUSE = CauseDefinition(
    name="screen-not-cleared",
    layer="presentation",
    explanation="a new chat had a session of its own, and the page still showed the conversation of an earlier one",
    hint="let New Chat empty the list of messages that the page shows",
    priority="high",
    impact="users take the old conversation for part of the new chat, and the backend does not know it",
    immediate="reload the page after New Chat",
    verify="chat.starts_empty passes",
    chat_rules=(
        ChatRule(
            order=360,
            explains=(EMPTY,),
            when=(has.after_new_chat, has.messages_carried_fresh_ids, _screen_kept_an_earlier_chat),
            excludes=("history-bleed", "late-stream", "session-restored"),
        ),
    ),
)
