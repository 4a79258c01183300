"""The backend forgets within a chat."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, Variant
from e2e.analysis.causes.evidence import code_words
from e2e.analysis.causes.explained_checks import REMEMBERS

CAUSE = CauseDefinition(
    name="context-lost",
    layer="backend",
    explanation="a reply did not know what its own payload{send} contained: the earlier messages of the chat",
    hint="give the model the earlier messages of the chat; check where they are cut, and how many are kept",
    variants={
        "held": Variant(
            explanation=(
                "a reply did not know what the message before had given the chat, although both{send} had the same session: the "
                "backend, which holds the conversation, lost it"
            ),
            hint="keep the conversation with the session: check that all instances of the backend share it, and when it expires",
        )
    },
    priority="high",
    impact="users have to repeat what they have written: a chat is a series of first messages",
    immediate="hold the release, or roll back to the last version that passed",
    verify="chat.remembers passes",
    chat_rules=(
        ChatRule(
            order=340,
            explains=(REMEMBERS,),
            when=(code_words.chat_did_not_know_its_word, code_words.question_carried_the_word),
            excludes=("over-rotation", "late-rotation"),
            without_id=True,
        ),
        ChatRule(
            order=350,
            explains=(REMEMBERS,),
            when=(code_words.chat_did_not_know_its_word, code_words.session_stayed),
            excludes=("over-rotation", "late-rotation"),
            variant="held",
            without_id=True,
        ),
    ),
)
