"""The screen names a provider of an earlier reply."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.explained_checks import LABEL

CAUSE = CauseDefinition(
    name="label-stale",
    layer="presentation",
    explanation="the screen named a provider that answered earlier, not the one of this reply",
    hint="take the label from the reply itself, not from what was kept at the first one",
    priority="low",
    impact="the screen names a provider that did not answer",
    immediate="hide the label",
    verify="provider.label_is_true passes",
    chat_rules=(
        ChatRule(
            order=320,
            explains=(LABEL,),
            when=(has.wrong_labels_name_earlier_providers,),
            excludes=("provider-flaps",),
        ),
    ),
    names_send=False,
)
