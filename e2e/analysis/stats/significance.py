"""Exact tests and bounds for a run's verdicts. Counts in, probabilities out; nothing here knows chats.

Thresholds come from a budget of false alarms, not from habit: five checks at 0.05 raise a false alarm every fourth night.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

CHECKS_PER_NIGHT = 5
"""Statistical checks that share the budget (provider.varies, .balanced, .independent, backend.assigns, .state)."""
WARN = 1e-3
"""A p-value below this is mentioned, whatever the threshold; it never fails alone."""


def alpha(alarms_per_year: float, checks: int = CHECKS_PER_NIGHT) -> float:
    """Threshold per check and night, so that a healthy product is accused ``alarms_per_year`` times a year."""
    if not 0 < alarms_per_year <= 365:
        raise ValueError(f"alarms per year is {alarms_per_year}, and must be above 0 and at most 365")
    return min(alarms_per_year / (365 * checks), 0.05)


def upper_bound(hits: int, n: int, confidence: float = 0.95) -> float:
    """One-sided Clopper-Pearson upper bound of a rate after ``hits`` in ``n``; 1.0 when nothing was looked at."""
    if hits >= n:
        return 1.0
    return float(special.betaincinv(hits + 1, n - hits, confidence))


def clean_needed(bound: float, confidence: float = 0.95) -> int:
    """How many clean trials bound the rate by ``bound``: 5 % takes 59, 2 % 149, 1 % 299."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - bound))


def sessions_needed(level: float, p_max: float) -> int | None:
    """The smallest number of sessions that, all on one provider, are beyond chance; None when no number is.

    ``p_max`` is the largest expected share: all equal has probability at most ``p_max**(n - 1)``.
    """
    if p_max >= 1:
        return None
    exact = math.log(level) / math.log(p_max)
    return 1 + math.ceil(exact - 1e-9)  # ln(1e-3)/ln(0.1) is 2.9999999999999996, or a hair above 3


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the profile says of the providers' shares, as far as it says anything.

    ``shares`` (sum 1) when they are known or uniform over a known count; else ``effective``, the least inverse Simpson
    index 1/Σp²; with neither, only hard pinning can be judged.
    """

    shares: tuple[float, ...] | None = None
    effective: float | None = None

    @property
    def known(self) -> bool:
        return self.shares is not None or self.effective is not None

    @property
    def p_max(self) -> float:
        """The largest share that a healthy provider can have; a half when nothing is known (two providers, evenly)."""
        if self.shares is not None:
            return max(self.shares)
        if self.effective is not None:
            return min(1.0, 1 / math.sqrt(self.effective))  # p_max² <= Σp² <= 1/effective
        return 0.5

    @property
    def text(self) -> str:
        if self.shares is not None:
            low, high = min(self.shares), max(self.shares)
            if math.isclose(low, high):
                return f"{len(self.shares)} providers with equal shares"
            return f"{len(self.shares)} providers, the largest with {high:.0%} of the sessions"
        if self.effective is not None:
            return f"at least {self.effective:g} effective providers"
        return "at least two providers (the profile does not state their number)"


def expectation(
    providers: Sequence[str] | None,
    count: int | None,
    weights: Mapping[str, float] | None,
    effective: float | None,
) -> Expectation:
    """The strongest statement that a profile's policy makes: weights, then a list or a count (uniform), then 1/Σp²."""
    if weights:
        total = math.fsum(weights.values())
        return Expectation(shares=tuple(sorted((w / total for w in weights.values() if w > 0), reverse=True)))
    k = len(providers) if providers else count
    if k:
        return Expectation(shares=(1 / k,) * k)
    return Expectation(effective=effective) if effective is not None and effective > 1 else Expectation()


def largest_share(largest: int, n: int, expected: Expectation) -> float:
    """Probability that some provider gets ``largest`` or more of ``n`` sessions, when the expectation holds.

    Exact when the shares are known; an upper bound when only the effective number is; with neither, the probability that
    all ``n`` are equal among two providers, and 1.0 when they were not all equal.
    """
    if largest <= 1 or n == 0:
        return 1.0
    if expected.shares is not None:
        return _largest_of(largest, n, np.array(expected.shares))
    if expected.effective is not None:
        # Σ P(Bin(n, p) >= c) <= sup(P(Bin(n, p) >= c) / p²) · Σp², over all shares with Σp² <= 1/effective
        p = np.linspace(1e-4, expected.p_max, 4000)
        return min(1.0, float(np.max(special.bdtrc(largest - 1, n, p) / p**2)) / expected.effective)
    return float(expected.p_max ** (n - 1)) if largest == n else 1.0


def _largest_of(largest: int, n: int, shares: np.ndarray) -> float:
    # two providers cannot both have more than half: the sum is exact then, also far out in the tail
    if 2 * largest > n:
        return min(1.0, float(np.sum(special.bdtrc(largest - 1, n, shares))))
    # P(every count < largest), with Poisson counts given that they sum to n. Only likely counts and sums are multiplied: all of
    # 100,000 sessions took 2.5 s for each of four providers, and 20 times that for `_shows_from`.
    first, below, mean = 0, np.ones(1), 0.0
    for share in shares:
        low, high = _likely(n * share)
        counts = np.arange(low, min(high, largest - 1) + 1)
        if not len(counts):
            return 1.0
        first, below, mean = first + low, np.convolve(below, _poisson(counts, n * share)), mean + n * share
        low, high = _likely(mean)
        below = below[max(0, low - first) : high - first + 1]
        first = max(first, low)
        if not len(below):
            return 1.0
    at_n = below[n - first] if first <= n < first + len(below) else 0.0
    return float(min(1.0, max(0.0, 1 - at_n / _poisson(np.array([n]), n)[0])))


def _likely(mean: float) -> tuple[int, int]:
    """The counts that a Poisson variable has, but for a probability of 1e-40."""
    width = 14 * math.sqrt(mean) + 100
    return max(0, int(mean - width)), math.ceil(mean + width)


def _poisson(counts: np.ndarray, mean: float) -> np.ndarray:
    pmf: np.ndarray = np.exp(counts * math.log(mean) - mean - special.gammaln(counts + 1))
    return pmf


Spreading = Literal["pinned", "concentrated", "spread", "undecided"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Whether sessions went to one provider, to too few, or to several.

    ``undecided``: all on one, and too few sessions to rule out luck (``missing`` more decide).
    """

    decision: Spreading
    n: int
    distinct: int
    largest: int
    p: float
    n_min: int | None
    threshold: float
    shows_from: int | None
    """The largest count of one provider that would be beyond chance at this ``n``, or None when none is."""

    @property
    def missing(self) -> int:
        return max(0, self.n_min - self.n) if self.n_min is not None else 0


def spread(counts: Iterable[int], expected: Expectation, level: float) -> Spread:
    """Judge the sessions per provider.

    Two hypotheses, one threshold: *pinned* (all equal) and *concentrated* (one share too large). The first is the far end
    of the second's rejection region, so together they raise a false alarm with probability ``level`` at most; Holm's
    correction, made for hypotheses that can fail apart, would only cost sessions.
    """
    sizes = [c for c in counts if c > 0]
    n, largest = sum(sizes), max(sizes, default=0)
    n_min = sessions_needed(level, expected.p_max)
    p = largest_share(largest, n, expected) if n_min is not None else 1.0
    enough = n_min is not None and n >= n_min
    decision: Spreading
    if n_min is None or len(sizes) < 2:
        decision = "pinned" if enough and sizes else "undecided"
    else:
        decision = "concentrated" if enough and p <= level else "spread"
    shows_from = _shows_from(n, expected, level) if enough else None
    return Spread(decision, n, len(sizes), largest, p, n_min, level, shows_from)


def _shows_from(n: int, expected: Expectation, level: float) -> int | None:
    """Bisection: the probability falls as the largest count grows."""
    low, high = 1, n
    if largest_share(n, n, expected) > level:
        return None
    if expected.shares is not None:  # the exact probability is dear, and at most a little below its bound
        low, high = _bracket(n, np.array(expected.shares), expected, level)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if largest_share(middle, n, expected) <= level else (middle, high)
    return high


def _bracket(n: int, shares: np.ndarray, expected: Expectation, level: float) -> tuple[int, int]:
    """A count that is not beyond ``level``, or 1, and a larger one that is. The sum of the providers' tails leads to them."""
    low, high = 1, n
    while high - low > 1:
        middle = (low + high) // 2
        beyond = float(np.sum(special.bdtrc(middle - 1, n, shares))) <= level
        low, high = (low, middle) if beyond else (middle, high)
    step = 1
    while (low := max(1, high - step)) > 1 and largest_share(low, n, expected) <= level:
        high, step = low, 2 * step
    return low, high
