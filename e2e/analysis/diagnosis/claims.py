"""Which rule about the whole run explains which failed verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from e2e.analysis.causes.definition import CauseDefinition, RunRule
from e2e.analysis.causes.registry import run_rules
from e2e.analysis.causes.run_verdicts import RunVerdicts
from e2e.analysis.model.verdict import Verdict


class Claim(NamedTuple):
    """A cause of the whole run with the failed verdicts that it explains."""

    cause: CauseDefinition
    rule: RunRule
    verdicts: tuple[Verdict, ...]


def claimed(verdicts: Sequence[Verdict]) -> list[Claim]:
    """The rules that hold, each with the verdicts that no rule before it has claimed."""
    run, taken = RunVerdicts.of(verdicts), set[str]()
    found = []
    for cause, rule in run_rules():
        mine = tuple(v for v in rule.claims(run) if v.name not in taken)
        if mine:
            taken |= {v.name for v in mine}
            found.append(Claim(cause, rule, mine))
    return found
