"""The payload of a new chat contains messages of an earlier chat."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.explained_checks import EMPTY, FORGETS, SCENARIOS

CAUSE = CauseDefinition(
    name="history-bleed",
    layer="frontend state",
    explanation="the payload of a new chat{send} contained text of an earlier chat",
    hint="let New Chat clear the messages from which the payload's history is built",
    priority="critical",
    impact=("text of one chat is sent in another: private content reaches a chat where it does not belong"),
    immediate="hold the release, or roll back to the last version that passed",
    verify="chat.starts_empty passes",
    chat_rules=(
        ChatRule(
            order=300,
            explains=(EMPTY, FORGETS, *SCENARIOS),
            without_id=True,
            when=(has.payload_contains_text_of_an_earlier_chat,),
            excludes=("late-stream",),
        ),
    ),
)
