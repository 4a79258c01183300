"""One chat sends several fresh IDs."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, CauseFollows, ChatRule, Variant
from e2e.analysis.causes.evidence import left_behind
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.decisive_writes import write_of_another_own_id
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EQUAL, ONE, SCENARIOS

CAUSE = CauseDefinition(
    name="over-rotation",
    layer="frontend state",
    explanation="several fresh IDs were sent inside one chat{send}",
    variants={
        "stored": Variant(
            explanation="several session IDs were stored for one chat, one over the other{write}, with no New Chat between",
            hint=(
                "keep the first ID that the backend issues for a chat; look whether a chat is created twice, "
                "or a reply names two IDs"
            ),
        )
    },
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
        ChatRule(
            order=235,
            explains=(ONE, EQUAL, *SCENARIOS),
            when=(left_behind.several_ids_were_stored,),
            excludes=("late-stream", "id-never-sent"),
            variant="stored",
        ),
    ),
    consequences=(CauseFollows(cause="tab-bleed", when=has.it_happens_undisturbed),),
    supported_by=(
        ExperimentOutcome.DIRECT_NO_PROVIDER,
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
    ),
    write=write_of_another_own_id,
)
