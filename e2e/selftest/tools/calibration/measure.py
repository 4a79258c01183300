"""Measures false-alarm rates on healthy campaigns and power on faulty ones, with exact intervals."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import special

from e2e.analysis.checks.independence import Draw, holm, judge
from e2e.analysis.stats import multinomial, significance
from e2e.selftest.tools.calibration.campaigns import FAULTS, SKEWED, healthy, lane_of

CHECKS = ("provider.varies", "provider.balanced", "provider.independent")
LEVELS = (1e-5, 1e-3, 1e-2)
PROVIDERS = (2, 3, 5, 9)
SESSIONS = (20, 30, 50, 100)
POWER_SHARE = 40
"""Faulty campaigns are fewer by this factor: a power needs less precision than a false-alarm rate near alpha."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of campaign."""

    k: int
    n: int
    fault: str | None
    campaigns: int
    seed: int


@dataclass(frozen=True, slots=True)
class Rate:
    """How often one check failed for one kind of campaign at one threshold."""

    check: str
    k: int
    n: int
    alpha: float
    fault: str | None
    campaigns: int
    alarms: int
    rate: float
    low: float
    """Clopper-Pearson, 95 %."""
    high: float

    @property
    def is_false_alarm_rate(self) -> bool:
        """Whether the campaigns lack what the check detects; skewed draws are still independent."""
        return self.fault is None or (self.check == "provider.independent" and self.fault in SKEWED)


def interval(alarms: int, campaigns: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided Clopper-Pearson interval of a rate."""
    tail = (1 - confidence) / 2
    low = float(special.betaincinv(alarms, campaigns - alarms + 1, tail)) if alarms else 0.0
    high = float(special.betaincinv(alarms + 1, campaigns - alarms, 1 - tail)) if alarms < campaigns else 1.0
    return low, high


def cells(campaigns: int, seed: int) -> list[Cell]:
    """Every number of providers and sessions, healthy and with each fault that is defined for it."""
    found = [Cell(k, n, None, campaigns, seed) for k in PROVIDERS for n in SESSIONS]
    few = max(1, campaigns // POWER_SHARE)
    for fault in FAULTS:
        of = (3,) if fault in SKEWED else PROVIDERS
        found += [Cell(k, n, fault, few, seed) for k in of for n in SESSIONS]
    return found


def measure(campaigns: int, seed: int, *, workers: int | None = None) -> list[Rate]:
    """Measure all cells, the slowest first, in ``workers`` processes (1: in this process)."""
    todo = sorted(cells(campaigns, seed), key=lambda c: -c.campaigns * c.n)
    workers = min(len(todo), os.cpu_count() or 1) if workers is None else workers
    if workers < 2:
        found = [rate for cell in todo for rate in measure_cell(cell)]
    else:
        with ProcessPoolExecutor(workers) as pool:
            found = [rate for rates in pool.map(measure_cell, todo) for rate in rates]
    return sorted(found, key=lambda r: (CHECKS.index(r.check), r.fault or "", r.k, r.n, r.alpha))


def measure_cell(cell: Cell) -> list[Rate]:
    """Judge one kind of campaign with every check at every threshold."""
    names = [None, *FAULTS]
    rng = np.random.default_rng([cell.seed, cell.k, cell.n, names.index(cell.fault)])
    draw = healthy if cell.fault is None else FAULTS[cell.fault]
    drawn = draw(rng, cell.campaigns, cell.k, cell.n)
    alarms: dict[str, Sequence[int]] = {
        "provider.varies": _by_counts(drawn, cell.k, _varies, _spread_of),
        "provider.balanced": _by_counts(drawn, cell.k, _balanced),
        "provider.independent": _independent(drawn),
    }
    return [
        Rate(
            check,
            cell.k,
            cell.n,
            level,
            cell.fault,
            cell.campaigns,
            hits,
            hits / cell.campaigns,
            *interval(hits, cell.campaigns),
        )
        for check, of in alarms.items()
        for level, hits in zip(LEVELS, of, strict=True)
    ]


def _by_counts(
    drawn: np.ndarray,
    k: int,
    fails: Callable[[tuple[int, ...]], tuple[bool, ...]],
    key_of: Callable[[tuple[int, ...]], tuple[int, ...]] = lambda table: table,
) -> list[int]:
    """Alarms at each threshold. Tables with the same ``key_of`` are judged once.

    With equal shares only the sorted counts matter, and few distinct tables occur.
    """
    counts = np.stack([(drawn == provider).sum(axis=1) for provider in range(k)], axis=1)
    tables = Counter(map(tuple, np.sort(counts, axis=1).tolist()))
    judged: dict[tuple[int, ...], tuple[bool, ...]] = {}
    total = np.zeros(len(LEVELS), dtype=np.int64)
    for table, times in tables.items():
        key = key_of(table)
        if key not in judged:
            judged[key] = fails(table)
        total += times * np.array(judged[key])
    return [int(x) for x in total]


def _spread_of(table: tuple[int, ...]) -> tuple[int, ...]:
    """All that `significance.spread` depends on, besides the sum."""
    return max(table), sum(c > 0 for c in table)


def _varies(counts: tuple[int, ...]) -> tuple[bool, ...]:
    expected = significance.Expectation(shares=(1 / len(counts),) * len(counts))
    decisions = (significance.spread(counts, expected, level).decision for level in LEVELS)
    return tuple(decision in ("pinned", "concentrated") for decision in decisions)


def _balanced(counts: tuple[int, ...]) -> tuple[bool, ...]:
    shares = (1 / len(counts),) * len(counts)
    p = multinomial.fit(counts, shares).p
    least = (multinomial.sessions_needed(shares, level) for level in LEVELS)
    return tuple(
        n is not None and sum(counts) >= n and p <= level for n, level in zip(least, LEVELS, strict=True)
    )


def _independent(drawn: np.ndarray) -> list[int]:
    """p-values computed for the smallest threshold are precise enough for the larger ones."""
    lanes = lane_of(drawn.shape[1]).tolist()
    total = [0] * len(LEVELS)
    for row in drawn.tolist():
        found = judge([Draw(str(p), lane) for p, lane in zip(row, lanes, strict=True)], min(LEVELS))
        ps = [h.p for h in found.hypotheses]
        for i, level in enumerate(LEVELS):
            total[i] += bool(holm(ps, level))
    return total


def beyond(rates: Iterable[Rate], confidence: float = 0.95) -> list[Rate]:
    """False-alarm rates that are significantly above their threshold.

    The confidence is shared among all rates (Bonferroni): with 95 % for each of a hundred rates, two or three would be
    above their threshold by chance.
    """
    tested = [r for r in rates if r.is_false_alarm_rate]
    each = 1 - (1 - confidence) / max(1, len(tested))
    return [r for r in tested if interval(r.alarms, r.campaigns, each)[0] > r.alpha]
