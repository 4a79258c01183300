"""The backend keeps what one chat was given, and uses it in another."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, RunCheckFollows
from e2e.analysis.causes.evidence import code_words
from e2e.analysis.causes.evidence.sessions_without_ids import chats_without_id
from e2e.analysis.causes.explained_checks import BALANCED, FORGETS, INDEPENDENT, REMEMBERS, VARIES

_WHEN = (code_words.reply_named_another_chats_word, code_words.question_carried_nothing_of_that_chat)

CAUSE = CauseDefinition(
    name="context-bleed",
    layer="backend",
    explanation=(
        "a reply knew what only another chat had been given, although the payload{send} carried neither a session ID nor text "
        "of that chat"
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
            when=_WHEN,
            excludes=("history-bleed", "stale-state", "session-not-ended"),
            without_id=True,
        ),
        ChatRule(
            order=335,
            explains=(REMEMBERS,),
            when=_WHEN,
            excludes=("context-lost", "id-shared"),
            without_id=True,
        ),
    ),
    consequences=tuple(
        RunCheckFollows(order=40 + n, check=check, chats=chats_without_id)
        for n, check in enumerate((VARIES, BALANCED, INDEPENDENT))
    ),
)
