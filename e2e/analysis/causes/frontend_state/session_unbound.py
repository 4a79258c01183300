"""An older chat continues with the ID of the newest chat."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.explained_checks import RETURN

CAUSE = CauseDefinition(
    name="session-unbound",
    layer="frontend state",
    explanation=(
        "going back to an older chat did not bring its session back: the next send{send} carried the "
        "newest chat's ID"
    ),
    hint="store the session with the chat, and let opening a chat set the current session",
    priority="high",
    impact="going on with an older chat answers out of the newest one's context",
    immediate="tell users to begin a new chat instead of going on with an old one",
    verify="rotation.return_to_chat passes",
    chat_rules=(
        ChatRule(
            order=260,
            explains=(RETURN,),
            when=(has.older_chat_sends_a_newer_id,),
            excludes=("over-rotation", "tab-bleed"),
        ),
    ),
)
