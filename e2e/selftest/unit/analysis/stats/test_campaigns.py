"""Simulated campaigns with a fixed seed: a healthy product is accused as often as stated, a broken one is found.

Both tests are judged at thresholds that 20,000 campaigns can measure; the exact bound at 1e-5 is in test_analysis_multinomial.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from e2e.analysis.stats import multinomial
from e2e.analysis.stats.significance import Expectation, spread

CAMPAIGNS = 20_000
SEED = 20261122


def draw(n: int, shares: tuple[float, ...], campaigns: int = CAMPAIGNS) -> np.ndarray:
    return np.random.default_rng(SEED).multinomial(n, shares, size=campaigns)


def varies_fails(counts: np.ndarray, expected: Expectation, level: float) -> float:
    """Share of the campaigns that `spread` calls pinned or concentrated; equal partitions are judged once."""
    tables = Counter(tuple(sorted(row[row > 0])) for row in counts)
    bad = sum(
        times
        for table, times in tables.items()
        if spread(table, expected, level).decision in ("pinned", "concentrated")
    )
    return bad / len(counts)


def balanced_fails(counts: np.ndarray, shares: tuple[float, ...], level: float) -> float:
    tables = Counter(map(tuple, counts.tolist()))
    bad = sum(times for table, times in tables.items() if multinomial.fit(table, shares).p <= level)
    return bad / len(counts)


def within(rate: float, level: float) -> bool:
    """Below the level, up to four standard errors of the simulation."""
    return rate - level <= 4 * math.sqrt(level / CAMPAIGNS)


HEALTHY = [(20, (1 / 9,) * 9), (20, (1 / 3,) * 3), (30, (0.5, 0.3, 0.2)), (50, (0.8, 0.1, 0.1))]


@pytest.mark.parametrize("level", [1e-2, 1e-3])
@pytest.mark.parametrize(("n", "shares"), HEALTHY)
def test_healthy_campaigns_are_accused_within_the_rate(
    n: int, shares: tuple[float, ...], level: float
) -> None:
    counts = draw(n, shares)
    assert within(varies_fails(counts, Expectation(shares=shares), level), level)
    assert within(balanced_fails(counts, shares, level), level)


@pytest.mark.parametrize("level", [1e-2, 1e-3])
def test_an_effective_number_accuses_less_than_stated(level: float) -> None:
    shares = (0.4, 0.3, 0.2, 0.1)
    expected = Expectation(effective=1 / sum(p * p for p in shares))
    assert within(varies_fails(draw(30, shares), expected, level), level)


def test_healthy_campaigns_are_not_accused_at_the_default_budget() -> None:
    counts = draw(20, (1 / 9,) * 9)
    assert varies_fails(counts, Expectation(shares=(1 / 9,) * 9), 1.37e-5) == 0
    assert balanced_fails(counts, (1 / 9,) * 9, 1.37e-5) <= 1 / CAMPAIGNS


def test_the_rate_is_used_and_not_just_kept() -> None:
    """A test that never fails would keep every rate."""
    assert balanced_fails(draw(20, (1 / 9,) * 9), (1 / 9,) * 9, 1e-2) > 0.007


THIRD = (1 / 3,) * 3


@pytest.mark.parametrize(
    ("true", "n", "level", "power"),
    [
        ((1.0, 0.0, 0.0), 12, 1e-5, 1.0),
        ((0.8, 0.1, 0.1), 20, 1e-3, 0.81),
        ((0.8, 0.1, 0.1), 30, 1e-3, 0.97),
        ((0.8, 0.1, 0.1), 50, 1.37e-5, 0.99),
        ((0.6, 0.2, 0.2), 30, 1e-3, 0.28),
        ((0.6, 0.2, 0.2), 100, 1e-3, 0.97),
        ((0.4, 0.3, 0.3), 30, 1e-3, 0.00),
    ],
)
def test_the_power_of_balanced(true: tuple[float, ...], n: int, level: float, power: float) -> None:
    assert balanced_fails(draw(n, true, 5000), THIRD, level) == pytest.approx(power, abs=0.02)


@pytest.mark.parametrize(
    ("true", "n", "power"),
    [((1.0, 0.0, 0.0), 12, 1.0), ((0.8, 0.1, 0.1), 30, 0.76), ((0.6, 0.2, 0.2), 100, 0.82)],
)
def test_the_power_of_varies(true: tuple[float, ...], n: int, power: float) -> None:
    expected = Expectation(shares=THIRD)
    assert varies_fails(draw(n, true, 5000), expected, 1.37e-5) == pytest.approx(power, abs=0.02)


def test_the_stated_smallest_skew_is_found_with_the_stated_power() -> None:
    n, level = 30, 1e-3
    skew = multinomial.smallest_skew(n, THIRD, level)
    assert skew
    rest = (1 - skew) / 2
    assert balanced_fails(draw(n, (skew, rest, rest), 5000), THIRD, level) >= 0.88
