"""The store holds a session ID that no request carries."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.explained_checks import PAYLOAD, SMOKE

CAUSE = CauseDefinition(
    name="id-never-sent",
    layer="frontend state",
    explanation=(
        "the store held a session ID, and nothing that the page sent{send} carried it in any form: no "
        "payload, header or URL"
    ),
    hint=(
        "put the stored ID into each of the chat's requests; one that the server issued has to be sent back"
    ),
    priority="critical",
    impact=(
        "the backend cannot tell chats apart: each message may begin a session of its own, or all share one"
    ),
    immediate="hold the release back, or go back to the last version that passed",
    verify="the payloads of a chat carry the ID that the store holds",
    chat_rules=(
        ChatRule(
            order=50,
            explains=(SMOKE, *PAYLOAD),
            when=(has.its_payloads_carried_no_id, has.stored_ids_stand_nowhere),
            excludes=("session-not-ended", "split-session"),
        ),
    ),
)
