"""Order and tables under permutation: cycles, contingency. Counts in, probabilities out.

Cycles have exact distributions given how often each value occurs; tables are permuted with a fixed seed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from functools import lru_cache

import numpy as np
from scipy import special

_SEED = 20261122
_EXCEEDANCES = 5
"""A permutation test stops after so many draws as extreme as the data (Besag & Clifford 1991: p = 5 / draws is valid)."""
_MOST_DRAWS = 2_000_000
_PERMUTED = 20_000
_SHORT = 12
"""In a longer sequence a cycle counts only when two whole rounds of it were seen."""


# -- cycles


def period(sequence: Sequence[Hashable]) -> int:
    """The smallest lag at which every value equals the one that far before it; the length when there is no such lag.

    The length less that of the longest end which is also a beginning (Knuth, Morris & Pratt 1977): in linear time.
    """
    ends = [0] * len(sequence)
    length = 0
    for i, value in enumerate(sequence[1:], 1):
        while length and value != sequence[length]:
            length = ends[length - 1]
        if value == sequence[length]:
            length += 1
        ends[i] = length
    return len(sequence) - length


def common_period(sequences: Sequence[Sequence[Hashable]]) -> int:
    """The longest of their periods."""
    return max(map(period, sequences), default=0)


def cycle_p(sequences: Sequence[Sequence[Hashable]]) -> tuple[float, float]:
    """Probability that all sequences, in random order, have periods as short as these; and the least that is possible."""
    counts = [tuple(sorted(Counter(s).values(), reverse=True)) for s in sequences]
    shortest = max(map(len, counts), default=0)

    def joint(longest: int) -> float:
        return math.prod(periodic(c, longest) for c in counts)

    least = joint(shortest)
    return joint(common_period(sequences)), least if least > 0 else 1.0


@lru_cache(maxsize=8192)
def periodic(counts: tuple[int, ...], longest: int) -> float:
    """Probability that a random order of these values has a period of at most ``longest`` (an upper bound; 1 is the cap).

    A period's multiples are periods too, so those above ``longest / 2`` cover all.
    """
    n = sum(counts)
    if longest >= n or (n > _SHORT and 2 * longest > n):
        return 1.0
    log_orders = special.gammaln(n + 1) - sum(special.gammaln(c + 1) for c in counts)
    total = 0.0
    for q in range(longest, longest // 2, -1):
        total += _words(counts, q) * math.exp(-log_orders)
        if total >= 1:
            return 1.0
    return float(total)


def _words(counts: Sequence[int], q: int) -> float:
    """How many words of length ``q``, repeated, give these counts: the first ``n mod q`` letters occur once more."""
    rounds, rest = divmod(sum(counts), q)
    ways = np.zeros((rest + 1, q - rest + 1))
    ways[0, 0] = 1.0
    for c in counts:
        new = np.zeros_like(ways)
        for letters in range(-(-c // (rounds + 1)), c // rounds + 1):
            more = c - rounds * letters  # of this value's letters, those in the part that occurs once more
            once = letters - more
            if more <= rest and once <= q - rest:
                weight = math.exp(-special.gammaln(more + 1) - special.gammaln(once + 1))
                new[more:, once:] += ways[: rest + 1 - more, : q - rest + 1 - once] * weight
        ways = new
    return float(ways[rest, q - rest] * math.exp(special.gammaln(rest + 1) + special.gammaln(q - rest + 1)))


# -- tables


def table_p(groups: Sequence[Hashable], providers: Sequence[Hashable], level: float) -> tuple[float, float]:
    """Permutation test of Pearson's statistic, both marginals kept; and a low p-value that they allow.

    Stops early where the p-value is far from ``level``; ``(1 + hits) / (1 + draws)`` at the end, so never 0.
    """
    table = np.zeros((len(set(groups)), len(set(providers))), dtype=np.int64)
    rows_of, columns_of = _numbered(groups), _numbered(providers)
    np.add.at(table, (rows_of, columns_of), 1)
    least = _least_table(table)
    if 1 in table.shape:
        return 1.0, 1.0
    weight = 1 / np.outer(table.sum(axis=1), table.sum(axis=0))
    seen = float((table**2 * weight).sum()) - 1e-9
    most = min(_MOST_DRAWS, math.ceil(2 / level))
    rng = np.random.default_rng(_SEED)
    hits = done = 0
    block = 64
    while done < most:
        size = min(block, most - done)
        if size * len(groups) <= _PERMUTED:
            random = _permuted(rng, rows_of, columns_of, size, weight)
        else:
            random = _tables(rng, table, size, weight)
        extreme = np.flatnonzero(random >= seen)
        if hits + len(extreme) >= _EXCEEDANCES:
            return _EXCEEDANCES / (done + int(extreme[_EXCEEDANCES - hits - 1]) + 1), least
        hits, done = hits + len(extreme), done + size
        block = min(4 * block, 16_384)
    return (1 + hits) / (1 + done), least


def _permuted(
    rng: np.random.Generator, rows_of: np.ndarray, columns_of: np.ndarray, size: int, weight: np.ndarray
) -> np.ndarray:
    """Pearson's statistic of ``size`` random tables with these marginals, by permutation: cheaper for few."""
    cells = weight.size
    order = rng.permuted(np.broadcast_to(columns_of, (size, len(columns_of))), axis=1)
    at = order + rows_of * weight.shape[1] + np.arange(size)[:, None] * cells
    counts = np.bincount(at.ravel(), minlength=size * cells).reshape(size, cells)
    return np.asarray(counts**2 @ weight.ravel())


def _tables(rng: np.random.Generator, table: np.ndarray, size: int, weight: np.ndarray) -> np.ndarray:
    """The same cell by cell from hypergeometric draws: cheaper for many."""
    left = np.repeat(table.sum(axis=0)[:, None], size, axis=1)
    statistic = np.zeros(size)
    for row, total in enumerate(table.sum(axis=1)[:-1]):
        take = np.full(size, total)
        rest = left.sum(axis=0)
        for column in range(table.shape[1] - 1):
            rest = rest - left[column]
            got = rng.hypergeometric(left[column], rest, take)
            statistic += got**2 * weight[row, column]
            left[column] -= got
            take = take - got
        statistic += take**2 * weight[row, -1]
        left[-1] -= take
    out: np.ndarray = statistic + (left**2 * weight[-1][:, None]).sum(axis=0)
    return out


def _least_table(table: np.ndarray) -> float:
    """About the probability of the most uneven table: providers in a row, cut into groups, in every order of the groups."""
    a, b = table.sum(axis=1), table.sum(axis=0)
    uneven = np.zeros_like(table)
    np.add.at(uneven, (np.repeat(np.arange(len(a)), a), np.repeat(np.arange(len(b)), b)), 1)
    log = special.gammaln(a + 1).sum() + special.gammaln(b + 1).sum()
    log -= special.gammaln(a.sum() + 1) + special.gammaln(uneven + 1).sum()
    return min(1.0, math.exp(float(log + special.gammaln(min(table.shape) + 1))))


def _numbered(values: Sequence[Hashable]) -> np.ndarray:
    number: dict[Hashable, int] = {}
    return np.array([number.setdefault(v, len(number)) for v in values], dtype=np.int64)
