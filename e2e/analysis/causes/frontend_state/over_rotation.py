"""One chat sends several fresh IDs."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, CauseFollows, ChatRule
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EQUAL, ONE, SCENARIOS

CAUSE = CauseDefinition(
    name="over-rotation",
    layer="frontend state",
    explanation="several fresh IDs were sent inside one chat{send}",
    hint="mint the ID once per chat: at New Chat or at the first message, not at each render or send",
    priority="high",
    impact="a chat loses its context and may change its provider between two messages",
    immediate="hold the release back, or go back to the last version that passed",
    verify="rotation.one_id_per_chat passes",
    chat_rules=(
        ChatRule(
            order=230,
            explains=(ONE, EQUAL, *SCENARIOS),
            when=(has.several_fresh_ids_were_sent, has.it_happens_undisturbed),
            excludes=("late-rotation", "tab-bleed", "session-unbound", "restored-on-load"),
        ),
    ),
    consequences=(CauseFollows(cause="tab-bleed", when=has.it_happens_undisturbed),),
    supported_by=(
        ExperimentOutcome.DIRECT_NO_PROVIDER,
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
    ),
)
