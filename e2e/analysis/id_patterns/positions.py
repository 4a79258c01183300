"""The structure of IDs, position by position, as a chart draws it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

from e2e.analysis.id_patterns.samples import Sample, readable

Kind = Literal["constant", "varying", "ragged"]


class Position(TypedDict):
    """One place in the IDs."""

    index: int
    kind: Kind
    """``ragged``: shorter IDs have nothing there."""
    distinct: int
    """Different symbols over all samples."""


def positions(samples: Sequence[Sample]) -> list[Position]:
    """For each of the first 64 positions: how many different symbols stand there, and whether it is always the same one.

    Counted on hashes of four characters, two of which are equal by chance in 1 of 65,536.
    """
    columns = [s.features["symbols"] for s in readable(samples)]
    out: list[Position] = []
    for index in range(max(map(len, columns), default=0)):
        there = [symbols[index] for symbols in columns if index < len(symbols)]
        distinct = len(set(there))
        kind: Kind = "ragged" if len(there) < len(columns) else "constant" if distinct == 1 else "varying"
        out.append({"index": index, "kind": kind, "distinct": distinct})
    return out


def constant_positions(samples: Sequence[Sample]) -> frozenset[int]:
    """Where all IDs have the same symbol."""
    return frozenset(p["index"] for p in positions(samples) if p["kind"] == "constant")
