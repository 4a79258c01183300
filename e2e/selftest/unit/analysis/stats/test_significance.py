"""The published numbers of e2e/docs/statistics.md: bounds, minimum counts, exact tails."""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest
from scipy import stats

from e2e.analysis.stats import significance
from e2e.analysis.stats.significance import Expectation, expectation, largest_share, spread

NINTH = Expectation(shares=(1 / 9,) * 9)


@pytest.mark.parametrize(
    ("n", "bound"),
    [(10, 25.89), (20, 13.91), (30, 9.50), (50, 5.82), (100, 2.95), (300, 0.99), (1000, 0.30)],
)
def test_clean_transitions_bound_the_reuse_rate(n: int, bound: float) -> None:
    assert round(100 * significance.upper_bound(0, n), 2) == bound


def test_the_bound_after_repeats() -> None:
    assert significance.upper_bound(16, 16) == 1.0
    assert significance.upper_bound(0, 0) == 1.0  # nothing was looked at
    # binomial tail at the bound is 5 %: its definition
    p = significance.upper_bound(2, 20)
    assert sum(math.comb(20, k) * p**k * (1 - p) ** (20 - k) for k in range(3)) == pytest.approx(0.05)


@pytest.mark.parametrize(("bound", "n"), [(0.05, 59), (0.02, 149), (0.01, 299)])
def test_how_many_chats_a_tighter_bound_needs(bound: float, n: int) -> None:
    assert significance.clean_needed(bound) == n
    assert significance.upper_bound(0, n) <= bound < significance.upper_bound(0, n - 1)


_P_MAX = (1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 9, 0.7, 0.8, 0.9)


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (1e-3, (11, 8, 6, 6, 5, 21, 32, 67)),
        (1e-4, (15, 10, 8, 7, 6, 27, 43, 89)),
        (1e-5, (18, 12, 10, 9, 7, 34, 53, 111)),
    ],
)
def test_the_smallest_number_of_sessions_that_decides(alpha: float, expected: tuple[int, ...]) -> None:
    assert tuple(significance.sessions_needed(alpha, p) for p in _P_MAX) == expected


def test_an_exact_power_needs_no_session_more() -> None:
    assert (
        significance.sessions_needed(1e-3, 0.1) == 4
    )  # 0.1^3 is 1e-3; the logarithms' quotient is not quite 3


def test_a_single_expected_provider_can_never_be_pinned() -> None:
    assert significance.sessions_needed(1e-3, 1.0) is None


def test_alpha_comes_from_the_alarms_per_year() -> None:
    assert significance.alpha(0.02) == pytest.approx(1.096e-5, rel=1e-3)
    assert significance.alpha(365) == 0.05
    with pytest.raises(ValueError, match="alarms per year is 0"):
        significance.alpha(0)


@pytest.mark.parametrize("shares", [(1 / 3,) * 3, (0.5, 0.3, 0.2)])
@pytest.mark.parametrize("largest", range(2, 8))
def test_the_largest_share_is_exact(shares: tuple[float, ...], largest: int) -> None:
    n = 7
    brute = sum(
        math.prod(shares[i] for i in draw)
        for draw in itertools.product(range(3), repeat=n)
        if max(draw.count(i) for i in range(3)) >= largest
    )
    assert largest_share(largest, n, Expectation(shares=shares)) == pytest.approx(brute, rel=1e-9)


def every_term(largest: int, n: int, shares: tuple[float, ...]) -> float:
    """`largest_share` without leaving anything out."""
    below = np.ones(1)
    for share in shares:
        below = np.convolve(below, stats.poisson.pmf(np.arange(largest), n * share))[: n + 1]
    at_n = float(below[n]) if len(below) > n else 0.0
    return 1 - at_n / float(stats.poisson.pmf(n, n))


@pytest.mark.parametrize("shares", [(0.25,) * 4, (0.45, 0.3, 0.2, 0.05), (1 / 9,) * 9])
def test_unlikely_counts_change_no_digit_of_many_sessions(shares: tuple[float, ...]) -> None:
    n, expected = 4000, Expectation(shares=shares)
    usual = math.ceil(n * max(shares))
    for largest in (usual // 2, usual, usual + 40, usual + 80, usual + 140):
        assert largest_share(largest, n, expected) == pytest.approx(
            every_term(largest, n, shares), rel=1e-6, abs=1e-11
        )


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.25,) * 4, (0.7, 0.2, 0.1), (1 / 9,) * 9])
@pytest.mark.parametrize("level", [0.05, 1e-3, 1.1e-5])
def test_the_smallest_count_that_fails_is_found(shares: tuple[float, ...], level: float) -> None:
    expected = Expectation(shares=shares)
    for n in (30, 77, 400):
        failing = [c for c in range(1, n + 1) if largest_share(c, n, expected) <= level]
        assert spread([n // 2, n - n // 2], expected, level).shows_from == (min(failing) if failing else None)


def test_a_hundred_thousand_sessions_take_little_time() -> None:
    began = time.process_time()
    found = spread([25_100, 25_000, 25_000, 24_900], Expectation(shares=(0.25,) * 4), 1.1e-5)
    assert (found.decision, found.shows_from) == ("spread", 25_625)
    assert time.process_time() - began < 10  # 1 s; every term took 150


def test_the_far_tail_keeps_its_digits() -> None:
    assert largest_share(20, 20, NINTH) == pytest.approx(9 * 9**-20, rel=1e-9, abs=0)


def test_the_effective_number_bounds_every_distribution_that_has_it() -> None:
    for shares in [(1 / 3,) * 3, (0.5, 0.25, 0.125, 0.125), (0.4, 0.3, 0.3)]:
        effective = 1 / sum(p * p for p in shares)
        for largest in range(3, 21):
            exact = largest_share(largest, 20, Expectation(shares=shares))
            assert largest_share(largest, 20, Expectation(effective=effective)) >= exact * 0.999


def test_expected_shares_come_from_the_profile() -> None:
    assert expectation(("a", "b"), None, None, None).shares == (0.5, 0.5)
    assert expectation(None, 4, None, None).shares == (0.25,) * 4
    assert expectation(("a", "b"), None, {"a": 3, "b": 1}, None).shares == (0.75, 0.25)
    assert expectation(None, None, None, 4.0).p_max == 0.5
    assert expectation(None, None, {"A": 6.0, "B": 3.0, "C": 1.0}, None).p_max == pytest.approx(0.6)
    assert not expectation(None, None, None, None).known


def test_all_on_one_provider_is_pinned_only_from_the_minimum_on() -> None:
    below, at = spread([6], NINTH, 1.37e-5), spread([7], NINTH, 1.37e-5)
    assert (below.decision, below.missing) == ("undecided", 1)
    assert (at.decision, at.missing) == ("pinned", 0)


def test_two_providers_refute_hard_pinning_at_once() -> None:
    assert spread([2, 1], NINTH, 1.37e-5).decision == "spread"


def test_too_large_a_share_is_found() -> None:
    found = spread([12, 8], NINTH, 1.37e-5)
    assert found.decision == "concentrated"
    assert found.p == pytest.approx(largest_share(12, 20, NINTH))
    assert found.shows_from == 12
    assert spread([11, 9], NINTH, 1.37e-5).decision == "spread"


def test_without_any_expectation_only_hard_pinning_is_judged() -> None:
    unknown = Expectation()
    assert spread([17], unknown, 1e-5).decision == "undecided"
    assert spread([18], unknown, 1e-5).decision == "pinned"
    assert spread([99, 1], unknown, 1e-5).decision == "spread"


def test_nothing_seen_is_undecided() -> None:
    assert spread([], NINTH, 1e-5).decision == "undecided"
    assert spread([0, 0], NINTH, 1e-5).decision == "undecided"


def test_a_single_expected_provider_is_never_an_accusation() -> None:
    assert spread([50], Expectation(shares=(1.0,)), 1e-5).decision == "undecided"
