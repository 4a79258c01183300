"""The first payload after New Chat carries the old ID, later ones the new ID."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, CauseFollows, ChatRule, CheckFollows
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.causes.evidence.decisive_writes import write_that_dropped_the_old_id
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EMPTY, PAYLOAD, STORED


def _has_one_payload(c: ChatEvidence) -> bool:
    """Too short to show the rotation that came later."""
    return len(c.running) < 2


CAUSE = CauseDefinition(
    name="late-rotation",
    layer="race",
    explanation=(
        "the first payload after New Chat{send} carried the old ID, later payloads of the same chat "
        "the new ID"
    ),
    hint="set the new ID before the first await, or disable sending until the new ID exists",
    priority="medium",
    impact="a user who types quickly after New Chat gets the first reply in the old session",
    immediate="disable sending until the new chat is ready",
    verify="rotation.rapid_send passes, on a slow network too",
    chat_rules=(
        ChatRule(
            order=170,
            explains=(STORED, *PAYLOAD),
            when=(has.first_payload_carried_the_previous_id, has.rotation_came_after_the_first_payload),
            excludes=("stale-state", "stale-closure"),
            decides="slow-network",
        ),
    ),
    consequences=(
        CheckFollows(order=60, check=EMPTY),
        CauseFollows(cause="session-not-ended", when=_has_one_payload),
    ),
    supported_by=(
        ExperimentOutcome.DIRECT_NO_PROVIDER,
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
        ExperimentOutcome.NEW_CONTEXT_OLD_ID,
    ),
    write=write_that_dropped_the_old_id,
)
