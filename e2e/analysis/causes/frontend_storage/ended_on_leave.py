"""Leaving the page ends the session that the reloaded page needs."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import scenario_predicates
from e2e.analysis.causes.evidence.decisive_writes import write_at_page_leave
from e2e.analysis.causes.explained_checks import BACK_FORWARD, RELOAD

CAUSE = CauseDefinition(
    name="ended-on-leave",
    layer="frontend storage",
    explanation=(
        "leaving the page ended the chat's session{write}: after the reload or Back the page no longer had it"
    ),
    hint=(
        "end a session only when the user ends the chat; a reload and the back/forward cache leave "
        "the page too"
    ),
    priority="high",
    impact="a reload, or a visit to another page, loses the conversation",
    immediate="tell users not to reload the page inside a chat",
    verify="after a reload the chat continues with its own ID",
    chat_rules=(
        ChatRule(
            order=200,
            explains=(RELOAD, BACK_FORWARD),
            when=(scenario_predicates.leaving_ended_the_session,),
            excludes=("over-rotation", "restored-on-load", "split-session"),
            decides="reload",
        ),
    ),
    write=write_at_page_leave,
    names_send=False,
)
