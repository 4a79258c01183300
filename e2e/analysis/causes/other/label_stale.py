"""The screen names a provider of an earlier reply."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.explained_checks import LABEL

CAUSE = CauseDefinition(
    name="label-stale",
    layer="presentation",
    explanation="the screen named the provider of an earlier reply, not of this one",
    hint="take the label from the reply itself, not from a value that was kept from an earlier reply",
    priority="low",
    impact="the screen names a provider that did not reply",
    immediate="hide the label",
    verify="provider.label_is_true passes",
    chat_rules=(
        ChatRule(
            order=320,
            explains=(LABEL,),
            without_id=True,
            when=(has.wrong_labels_name_earlier_providers,),
            excludes=("provider-flaps",),
        ),
    ),
    names_send=False,
)
