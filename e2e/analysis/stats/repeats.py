"""How often neighbours are equal in a random order of given values: exact distributions, also for long and for many lanes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

import numpy as np
from scipy import special

T = TypeVar("T")


def repeats(sequence: Sequence[Hashable]) -> int:
    """How often a value equals the one before it."""
    return sum(a == b for a, b in pairwise(sequence))


@lru_cache(maxsize=4096)
def repeats_distribution(counts: tuple[int, ...]) -> np.ndarray:
    """P(0), P(1), … adjacent repeats when the values that occur ``counts`` times stand in random order.

    Exact, value by value: c new ones go as s blocks into the m+1 gaps of the m that stand, and each block in a gap between
    two equal neighbours parts them. Takes about n^3 / k^2 operations for n values of k kinds: `pieces` cuts long lanes.
    """
    ordered = sorted((c for c in counts if c), reverse=True)
    if not ordered:
        return np.ones(1)
    n = sum(ordered)
    log = special.gammaln(np.arange(n + 2) + 1.0)
    old = np.zeros(n)
    old[ordered[0] - 1] = 1.0
    m = ordered[0]
    for c in ordered[1:]:
        old, m = _with_value(old, m, c, log), m + c
    old /= old.sum()
    return old


_AT_ONCE = 1 << 18
"""Entries of one array of `_with_value`: 2 MB."""


def _with_value(old: np.ndarray, m: int, c: int, log: np.ndarray) -> np.ndarray:
    """The distribution after ``c`` equal values have come to ``m`` others. ``log[i]`` is the logarithm of i!."""
    new = np.zeros(len(old))
    repeated = np.flatnonzero(old)
    most = min(c, m + 1)
    parted = np.arange(min(most, int(repeated[-1])) + 1)[:, None]
    step = max(1, _AT_ONCE // (len(parted) * len(repeated)))
    for start in range(1, most + 1, step):
        blocks = np.arange(start, min(start + step, most + 1))[:, None, None]
        good = m + 1 - repeated
        possible = (parted <= repeated) & (parted <= blocks) & (blocks - parted <= good)
        s, p, at = np.nonzero(possible)
        s, r = s + start, repeated[at]
        g = good[at]
        ways = log[r] - log[p] - log[r - p] + log[g] - log[s - p] - log[g - s + p]
        ways += log[c - 1] - log[s - 1] - log[c - s] - log[m + c] + log[c] + log[m]
        new += np.bincount(r - p + c - s, weights=old[r] * np.exp(ways), minlength=len(new))
    return new


_WHOLE = 256
"""Values of a lane up to which its order is judged as a whole."""
_PIECE = 128


def pieces(sequence: Sequence[T]) -> list[Sequence[T]]:
    """A lane of up to 256 values as it is, a longer one cut into about equal parts of at most 128.

    Within a part every order of its values is equally likely too, so the test stays exact, and the exact distribution takes
    time linear in the lane's length. One neighbour in 128 is not judged.
    """
    n = len(sequence)
    if n <= _WHOLE:
        return [sequence]
    parts = -(-n // _PIECE)
    return [sequence[n * i // parts : n * (i + 1) // parts] for i in range(parts)]


@lru_cache(maxsize=64)
def repeats_of_lanes(lanes: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """The distribution of the repeats of all lanes together."""
    parts = [(0, repeats_distribution(counts)) for counts in lanes] or [(0, np.ones(1))]
    length = sum(len(part) - 1 for _, part in parts) + 1
    while (
        len(parts) > 1
    ):  # in pairs of about one length: 1,000 lanes one after the other took five times as long
        pairs = [_together(*parts[i : i + 2]) for i in range(0, len(parts) - 1, 2)]
        parts = pairs + parts[2 * len(pairs) :]
    offset, found = parts[0]
    total = np.zeros(length)
    total[offset : offset + len(found)] = found
    return total


_Part = tuple[int, np.ndarray]
"""The number of repeats that the first probability is of, and the probabilities."""


def _together(one: _Part, other: _Part) -> _Part:
    found = np.convolve(one[1], other[1])
    there = np.flatnonzero(
        found
    )  # what is below 1e-308 has become 0: without it, only some deviations' width is kept
    first, last = int(there[0]), int(there[-1])
    return one[0] + other[0] + first, found[first : last + 1]


def two_sided(distribution: np.ndarray, seen: int) -> float:
    """Twice the smaller tail that holds ``seen``."""
    return min(1.0, 2 * float(min(distribution[: seen + 1].sum(), distribution[seen:].sum())))


def least(distribution: np.ndarray) -> float:
    """The smallest two-sided p-value that any number of repeats has."""
    there = distribution[distribution > 0]
    return min(1.0, 2 * float(min(there[0], there[-1])))


def critical(distribution: np.ndarray, level: float) -> tuple[int | None, int | None]:
    """The largest number of repeats that is too few at ``level`` (two-sided), and the smallest that is too many."""
    low = np.flatnonzero((2 * np.cumsum(distribution) <= level) & (distribution > 0))
    high = np.flatnonzero((2 * np.cumsum(distribution[::-1])[::-1] <= level) & (distribution > 0))
    return int(low[-1]) if len(low) else None, int(high[0]) if len(high) else None


@lru_cache(maxsize=256)
def sessions_needed(k: int, lanes: int, level: float) -> int | None:
    """The fewest sessions, evenly over ``lanes`` and ``k`` providers, at which some order of neighbours is beyond ``level``."""
    if k < 2:
        return None
    for length in range(2, 200):
        each = repeats_distribution(_even(length, k))
        there = each[each > 0]
        if 2 * float(min(there[0], there[-1])) ** lanes <= level:
            return length * lanes
    return None


def _even(n: int, k: int) -> tuple[int, ...]:
    return tuple(n // k + (i < n % k) for i in range(k))
