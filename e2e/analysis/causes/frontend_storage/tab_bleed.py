"""New Chat in one tab changes the chat that runs in another tab."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, RunCauseFollows, Variant
from e2e.analysis.causes.evidence import scenario_predicates
from e2e.analysis.causes.explained_checks import PERSISTS, TWO_TABS

CAUSE = CauseDefinition(
    name="tab-bleed",
    layer="storage scope",
    explanation=(
        "New Chat in one tab changed the session of the chat in another tab: its next send{send} "
        "carried the other tab's ID"
    ),
    variants={
        "provider": Variant(
            explanation=(
                "New Chat in one tab ended the session of the chat in another tab: that chat kept its ID, and "
                "another provider replied from then on"
            )
        ),
    },
    hint="keep the chat's ID in the state of its tab, and read the shared store only at page load",
    priority="high",
    impact="with two tabs open, messages reach the session of the other tab",
    immediate="tell users to use one tab only",
    verify="rotation.two_tabs passes",
    chat_rules=(
        ChatRule(
            order=240,
            explains=(TWO_TABS,),
            when=(scenario_predicates.sent_id_follows_the_other_tab,),
            excludes=("over-rotation", "session-unbound"),
            decides="new-context",
        ),
        ChatRule(
            order=250,
            explains=(TWO_TABS,),
            when=(scenario_predicates.provider_follows_the_other_tab,),
            excludes=("provider-flaps",),
            variant="provider",
        ),
    ),
    consequences=(RunCauseFollows(order=30, cause="provider-flaps", check=PERSISTS, within=TWO_TABS),),
)
