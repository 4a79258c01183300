"""A page load restores a session that New Chat had ended."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, CheckFollows
from e2e.analysis.causes.evidence import scenario_predicates
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import BACK_FORWARD, EMPTY, RELOAD

CAUSE = CauseDefinition(
    name="restored-on-load",
    layer="frontend storage",
    explanation=(
        "a page load restored a session that New Chat had ended{write}: the next send{send} carried its ID"
    ),
    hint="let New Chat remove every copy of the session that a page load reads",
    priority="high",
    impact="after a reload a message reaches a session that had been ended",
    immediate="end sessions at the backend too when New Chat is clicked",
    verify="rotation.reload and rotation.back_forward pass",
    chat_rules=(
        ChatRule(
            order=270,
            explains=(RELOAD, BACK_FORWARD),
            when=(scenario_predicates.page_load_restored_an_ended_id,),
            excludes=("session-not-ended", "session-restored", "over-rotation"),
            decides="reload",
        ),
    ),
    consequences=(CheckFollows(order=30, check=EMPTY),),
    supported_by=(ExperimentOutcome.RELOAD_OLD_ID,),
    contradicted_by=(
        ExperimentOutcome.RELOAD_NO_ID,
        ExperimentOutcome.RELOAD_OTHER_ID,
    ),
)
