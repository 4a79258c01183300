"""The store holds a session ID that no request carries."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.explained_checks import PAYLOAD, SMOKE

CAUSE = CauseDefinition(
    name="id-never-sent",
    layer="frontend state",
    explanation=(
        "the store held a session ID, but no payload, header or URL that the page sent{send} carried "
        "it in any form"
    ),
    hint="send the stored ID with each request of the chat; send back an ID that the server issued",
    priority="critical",
    impact=("the backend cannot tell chats apart: each message may start its own session, or all share one"),
    immediate="hold the release, or roll back to the last version that passed",
    verify="the payloads of a chat carry the stored ID",
    chat_rules=(
        ChatRule(
            order=50,
            explains=(SMOKE, *PAYLOAD),
            when=(has.payloads_carried_no_id, has.stored_id_was_never_sent),
            excludes=("session-not-ended", "split-session"),
        ),
    ),
)
