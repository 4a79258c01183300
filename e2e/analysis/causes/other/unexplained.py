"""The evidence fits no known cause."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition
from e2e.analysis.model.verdict import UNEXPLAINED

CAUSE = CauseDefinition(
    name=UNEXPLAINED,
    layer="unknown",
    explanation="what was seen fits none of the known causes",
    hint="look at the evidence; the chat's timeline shows what was stored and sent, and when",
    priority="high",
    impact="not known: what was seen fits none of the causes that the suite can tell",
    immediate="hold the release back until somebody has looked at the evidence",
    verify="the failed checks pass",
)
