"""One chat gets two fresh IDs: one is stored, the other sent."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.decisive_writes import write_of_the_stored_id
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EQUAL, ONE, SCENARIOS

CAUSE = CauseDefinition(
    name="split-session",
    layer="frontend state",
    explanation="one chat got two fresh IDs: one was stored{write}, another was sent{send}",
    hint="generate the ID in one place, and let the store and the state take it from there",
    priority="high",
    impact="the stored ID is not that of the session in use: after a reload the chat is lost",
    immediate="hold the release, or roll back to the last version that passed",
    verify="rotation.sent_equals_stored passes",
    chat_rules=(
        ChatRule(
            order=220,
            explains=(EQUAL, ONE, *SCENARIOS),
            when=(has.first_payload_differed_from_the_store, has.exactly_two_fresh_ids),
            excludes=("over-rotation", "late-rotation"),
        ),
        ChatRule(
            order=280,
            explains=(EQUAL, *SCENARIOS),
            when=(has.one_fresh_id_was_sent, has.another_fresh_id_was_stored),
            excludes=("stale-state", "stale-closure", "over-rotation"),
        ),
    ),
    supported_by=(
        ExperimentOutcome.DIRECT_NO_PROVIDER,
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
        ExperimentOutcome.NEW_CONTEXT_OLD_ID,
    ),
    write=write_of_the_stored_id,
)
