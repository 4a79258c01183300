"""The page accepts a message and never sends it."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.explained_checks import SCENARIOS, SMOKE

CAUSE = CauseDefinition(
    name="message-lost",
    layer="frontend state",
    explanation=(
        "the page accepted a message (emptied its box, or showed it) and never sent it, while other "
        "messages were sent"
    ),
    hint=(
        "keep a message until it can be sent: queue it during New Chat or while the connection opens, "
        "then send it"
    ),
    priority="high",
    impact="users wait for a reply to a message that was never sent",
    immediate="tell users to send the message again when no reply comes",
    verify="every message that the page accepts is sent",
    chat_rules=(
        ChatRule(
            order=30,
            explains=(SMOKE, *SCENARIOS),
            without_id=True,
            when=(has.message_was_lost,),
            excludes=("new-chat-unavailable",),
        ),
    ),
    names_send=False,
)
