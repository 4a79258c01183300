"""The exact multinomial test: how improbable is a table of counts under expected shares?

The p-value is the probability of all tables that are at most as probable as the one seen. It is the ordering that puts
(15, 3, 2), (10, 10, 0) and (14, 3, 3) of 20 over three equal shares at 9.19e-4, 1.37e-3 and 4.37e-3.

Pearson's chi-square is kept for where nothing else is affordable: at a threshold near 1e-5 it accuses a healthy product
two times too often with nine equal shares and expected counts of 5, and ten times with 80/10/10 and 50 sessions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

_MERGE_WORK = 2_000_000  # values sorted in one step: about 0.2 s for the whole table
_CALL_WORK = 10  # what one small array costs, in values
_LATTICE_WORK = 200_000_000
_LATTICE_STEP = 0.02  # in units of ln(probability)
_LATTICE_TOP = 30.0  # everything less probable than e^-30 of the mode is one bin
_DRAWS = 2000
_POWER = 0.9


@dataclass(frozen=True, slots=True)
class Null:
    """The distribution of the surprise ``-ln P(counts)`` when the shares hold; sorted, with upper tail probabilities."""

    surprise: np.ndarray
    tail: np.ndarray
    slack: float
    """How far a surprise may be off; tails are read that much lower, so that a p-value is never too small."""

    def p(self, surprise: float) -> float:
        at = int(np.searchsorted(self.surprise, surprise - self.slack))
        return min(1.0, float(self.tail[at])) if at < len(self.tail) else float(self.tail[-1])

    def critical(self, level: float) -> float | None:
        """The surprise above which p-values are at most ``level``, or None when no table reaches it."""
        reach = np.flatnonzero(self.tail <= level)
        return float(self.surprise[reach[0] - 1]) + self.slack if len(reach) and reach[0] else None


@dataclass(frozen=True, slots=True)
class Fit:
    """The verdict of `fit`: a p-value and how it was had (``exact``, ``lattice``: an upper bound, ``pearson``)."""

    p: float
    method: str


def fit(counts: Sequence[int], shares: Sequence[float]) -> Fit:
    """Test ``counts`` (in the order of ``shares``, zeros included) against ``shares`` (each above 0, sum 1)."""
    n = sum(counts)
    table = null(n, tuple(sorted(shares)))
    if table is not None:
        method = "lattice" if table.slack > 1e-6 else "exact"
        return Fit(table.p(_surprise(np.array([counts]), np.array(shares))[0]), method)
    expected = n * np.array(shares)
    statistic = float(np.sum((np.array(counts) - expected) ** 2 / expected))
    return Fit(float(special.chdtrc(len(shares) - 1, statistic)), "pearson")


def sessions_needed(shares: Sequence[float], level: float) -> int | None:
    """The smallest number of sessions at which any outcome could be beyond chance; None when there is none.

    The least probable table has all sessions on the provider with the smallest share.
    """
    least = min(shares)
    ties = sum(math.isclose(s, least) for s in shares)
    if least >= 1:
        return None
    return max(2, math.ceil(math.log(level / ties) / math.log(least) - 1e-9))


@lru_cache(maxsize=64)
def smallest_skew(n: int, shares: tuple[float, ...], level: float) -> float | None:
    """The smallest share of the largest provider that ``n`` sessions find with 90 % power, the others in proportion.

    By simulation with a fixed seed, to one percent point; None when the table is not affordable or nothing is found.
    """
    ordered = np.array(sorted(shares))
    table = null(n, tuple(ordered))
    critical = table.critical(level) if table is not None else None
    if critical is None:
        return None
    low, high = round(float(ordered[-1]) * 100), 100
    while high - low > 1:
        middle = (low + high) // 2
        found = _surprise(_skewed(n, ordered, middle / 100), ordered) > critical
        low, high = (low, middle) if found.mean() >= _POWER else (middle, high)
    return high / 100


def _skewed(n: int, shares: np.ndarray, largest: float) -> np.ndarray:
    others = shares[:-1] * (1 - largest) / max(float(shares[:-1].sum()), 1e-12)
    return np.random.default_rng(20261122).multinomial(n, np.append(others, largest), size=_DRAWS)


def _surprise(counts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """``-ln P`` of each row of counts."""
    logs = special.gammaln(counts.sum(axis=1) + 1) + np.sum(
        counts * np.log(shares) - special.gammaln(counts + 1), axis=1
    )
    return np.asarray(-logs)


@lru_cache(maxsize=16)
def null(n: int, shares: tuple[float, ...]) -> Null | None:
    """The exact distribution of the surprise, a lattice approximation of it, or None when neither is affordable."""
    return _merged(n, shares) or _lattice(n, shares)


def _merged(n: int, shares: Sequence[float]) -> Null | None:
    """Provider by provider; tables with one sum and one surprise are merged, so equal shares cost partitions only."""
    x = np.arange(n + 1)
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    for step, share in enumerate(shares):
        # Poisson weights keep every number near 1; that they sum to n is divided out at the end
        cost = n * share - x * math.log(n * share) + special.gammaln(x + 1)
        if step == 0:
            parts = [(np.array([c]), np.array([math.exp(-c)])) for c in cost]
            continue
        sizes = np.array([len(p[0]) for p in parts])
        totals = [n] if step == len(shares) - 1 else range(n + 1)
        if sum(int(sizes[: u + 1].sum()) + _CALL_WORK * (u + 1) for u in totals) > _MERGE_WORK:
            return None
        parts = [_joined(parts, cost, u) if u in totals else (x[:0], x[:0]) for u in range(n + 1)]
    cost, weight = parts[n]
    return _table(cost, weight, _log_total(n), slack=1e-7)


def _joined(
    parts: Sequence[tuple[np.ndarray, np.ndarray]], cost: np.ndarray, total: int
) -> tuple[np.ndarray, np.ndarray]:
    costs = np.concatenate([parts[total - j][0] + cost[j] for j in range(total + 1)])
    weights = np.concatenate([parts[total - j][1] * math.exp(-cost[j]) for j in range(total + 1)])
    merged, which = np.unique(np.round(costs, 9), return_inverse=True)
    return merged, np.bincount(which, weights=weights)


def _lattice(n: int, shares: Sequence[float]) -> Null | None:
    """The same on a grid of surprises (Baglivo, Olivier & Pagano 1992), with the rounding accounted for in ``slack``."""
    bins = int(_LATTICE_TOP / _LATTICE_STEP) + 1
    x = np.arange(n + 1)
    costs = [n * s - x * math.log(n * s) + special.gammaln(x + 1) for s in shares]
    kept = [np.flatnonzero(c - c.min() < _LATTICE_TOP) for c in costs]
    if sum(len(k) for k in kept[1:]) * (n + 1) * bins > _LATTICE_WORK:
        return None
    grid = np.zeros((n + 1, bins))
    offset = 0.0
    for step, (cost, counts) in enumerate(zip(costs, kept, strict=True)):
        at = np.minimum(np.rint((cost - cost.min()) / _LATTICE_STEP).astype(int), bins - 1)
        offset += float(cost.min())
        if step == 0:
            grid[counts, at[counts]] = np.exp(-cost[counts])
            continue
        new = np.zeros_like(grid)
        for j in counts:
            shift = int(at[j])
            moved = grid[: n + 1 - j] * math.exp(-cost[j])
            new[j:, shift:] += moved[:, : bins - shift]
            new[j:, -1] += moved[:, bins - shift :].sum(axis=1)
        grid = new
    surprise = np.arange(bins) * _LATTICE_STEP + offset
    return _table(surprise, grid[n], _log_total(n), slack=len(shares) * _LATTICE_STEP / 2)


def _log_total(n: int) -> float:
    """ln of the probability that Poisson counts with mean n sum to n."""
    return float(n * math.log(n) - n - special.gammaln(n + 1)) if n else 0.0


def _table(cost: np.ndarray, weight: np.ndarray, log_total: float, *, slack: float) -> Null:
    keep = weight > 0
    order = np.argsort(cost[keep])
    probability = weight[keep][order] * math.exp(-log_total)
    tail = np.cumsum(probability[::-1])[::-1]
    return Null(cost[keep][order] + log_total, tail, slack)
