"""An older chat continues with the ID of the newest chat."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import scenario_predicates
from e2e.analysis.causes.explained_checks import RETURN

CAUSE = CauseDefinition(
    name="session-unbound",
    layer="frontend state",
    explanation=(
        "returning to an older chat did not restore its session: the next send{send} carried the "
        "newest chat's ID"
    ),
    hint="store the session ID with the chat, and let opening a chat set the current session",
    priority="high",
    impact="an older chat continues with the context of the newest chat",
    immediate="tell users to start a new chat instead of continuing an older one",
    verify="rotation.return_to_chat passes",
    chat_rules=(
        ChatRule(
            order=260,
            explains=(RETURN,),
            when=(scenario_predicates.older_chat_sends_a_newer_id,),
            excludes=("over-rotation", "tab-bleed"),
        ),
    ),
)
