"""One session gets several providers."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, RunCheckFollows, RunRule
from e2e.analysis.causes.explained_checks import BACKEND_PERSISTS, PERSISTS, TWO_TABS
from e2e.analysis.causes.run_verdicts import RunVerdicts
from e2e.analysis.facts.tabs import provider_changes
from e2e.analysis.model.verdict import Verdict


def _claims(run: RunVerdicts) -> list[Verdict]:
    return run.failed(PERSISTS, BACKEND_PERSISTS)


CAUSE = CauseDefinition(
    name="provider-flaps",
    layer="backend",
    explanation="one session got several providers",
    hint=(
        "look up the session's assignment before choosing a new one, and store it where all instances read it"
    ),
    priority="high",
    impact="a chat's provider changes between messages, and the new one lacks the context",
    immediate="route by session ID in front of the backend",
    verify="provider.persists and backend.persists pass",
    run_rule=RunRule(
        order=50,
        claims=_claims,
        counts="sessions_with_several",
        excludes=("label-stale",),
        confidence=1.0,
    ),
    consequences=(RunCheckFollows(order=20, check=TWO_TABS, chats=provider_changes),),
)
