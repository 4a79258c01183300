"""The verdict of a check, and the causes that the diagnosis adds to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from e2e.records.records import CodePlace

Outcome = Literal["pass", "fail", "inconclusive"]
Number = int | float | str
Priority = Literal["critical", "high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")

UNEXPLAINED = "unexplained"
NO_ID = "this chat sends no session ID (no [session] in the profile)"
"""Begins the reason of a verdict that needs an ID."""


class ChatKey(NamedTuple):
    """One chat of one run."""

    run_id: str
    lane: int
    chat: int


@dataclass(frozen=True, slots=True)
class Cause:
    """The named fault that explains failed checks."""

    name: str
    layer: str
    chats: int
    """How many of the failing chats (sessions, for a cause in the backend) show it."""
    confidence: float
    """Share of the failing chats whose evidence fits every condition of the rule, 0 to 1; 0 when nothing fits.

    Chats that no rule explains count against every cause: the same unknown fault may have made them all fail.
    """
    where: tuple[str, ...]
    """Places in the product's code, ``src/lib/session.ts:41 endSession``."""
    explanation: str
    advice: str
    evidence: tuple[str, ...]
    """The lines that the rule rests on, readable."""
    code: tuple[CodePlace, ...]
    """The same places as ``where``, with their source lines."""
    checks: tuple[str, ...]
    """Names of the failed checks that it explains."""
    of: int = 0
    """How many chats (sessions) failed in those checks."""
    consequences: tuple[str, ...] = ()
    """Checks and causes that follow from it in the same chats: neither a cause of their own nor unexplained."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one check for one run.

    ``numbers`` is JSON-able: finite numbers and text only.
    """

    name: str
    outcome: Outcome
    headline: str
    """One sentence: "16 of 16 new chats kept sending an old session ID"."""
    expected: str = ""
    actual: tuple[str, ...] = ()
    """Findings, grouped by lane."""
    numbers: Mapping[str, Number] = field(default_factory=dict)
    detection_limit: str = ""
    """What a pass rules out: "20 clean transitions bound the reuse rate by 13.9 % at 95 %"."""
    needs: str = ""
    """What an inconclusive verdict needs: "needs 3 more sessions"."""
    warning: str = ""
    """Below the warning level, above the threshold: shown, never red."""
    chats: tuple[ChatKey, ...] = ()
    """The chats that the finding is about."""
    causes: tuple[Cause, ...] = ()
    accepted: str = ""
    """Why a failure fails no run: "label-stale is accepted until 2027-01-31: goes with the next design"."""
    evidence: str = ""
    """Path of the first run's chats.jsonl."""
    requested: bool = True
    """False where the profile does not ask for it: nothing is missing then."""

    def __post_init__(self) -> None:
        for key, value in self.numbers.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{self.name}: {key} is {value}, which JSON cannot hold")

    @property
    def cause(self) -> str:
        """The name of the first cause, or ``""``."""
        return self.causes[0].name if self.causes else ""
