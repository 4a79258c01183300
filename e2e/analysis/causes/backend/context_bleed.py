"""The backend keeps what one chat was told, and uses it in another."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import code_words
from e2e.analysis.causes.explained_checks import FORGETS

CAUSE = CauseDefinition(
    name="context-bleed",
    layer="backend",
    explanation=(
        "a reply in a new chat knew what only an earlier chat had been told, although the payload{send} carried neither an old "
        "session ID nor text of that chat"
    ),
    hint=(
        "key the conversation's context by the session, and end it with the session: look for a cache, a user profile or a "
        "connection that outlives a chat. Where no ID is sent, New Chat must reach the backend too (a new connection, a reset)"
    ),
    priority="critical",
    impact="what a user tells one chat is known in another: private content reaches a chat where it does not belong",
    immediate="hold the release; switch memory across chats off",
    verify="chat.forgets passes",
    chat_rules=(
        ChatRule(
            order=330,
            explains=(FORGETS,),
            when=(
                code_words.new_chat_knew_an_earlier_word,
                code_words.question_carried_nothing_of_an_earlier_chat,
            ),
            excludes=("history-bleed", "stale-state", "session-not-ended"),
            without_id=True,
        ),
    ),
)
