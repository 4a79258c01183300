"""The evidence fits no known cause."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition
from e2e.analysis.model.verdict import UNEXPLAINED

CAUSE = CauseDefinition(
    name=UNEXPLAINED,
    layer="unknown",
    explanation="the evidence fits no known cause",
    hint="look at the evidence: the chat's timeline shows what was stored and sent, and when",
    priority="high",
    impact="unknown: the evidence fits no known cause",
    immediate="hold the release until someone has looked at the evidence",
    verify="the failed checks pass",
)
