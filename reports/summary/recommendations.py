"""What the report recommends for a cause. The texts stand in the cause's own file, below ``e2e/analysis/causes``."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.analysis.causes.definition import CauseDefinition
from e2e.analysis.causes.registry import definition
from e2e.analysis.model.verdict import PRIORITIES, Cause


def recommendation(cause: str) -> CauseDefinition:
    """The cause with its priority, its impact, what helps at once and how to verify the change.

    A name that no cause has gets what holds for an unexplained failure.
    """
    return definition(cause)


def most_urgent(causes: Sequence[Cause]) -> list[Cause]:
    """The causes, the most urgent first."""
    return sorted(causes, key=lambda c: PRIORITIES.index(definition(c.name).priority))
