"""The e-values of e2e/docs/statistics.md: how fast a pin shows, and that looking every night costs nothing."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from scipy import stats

from e2e.analysis.stats.e_values import Nights, log_e, night, sessions_to_find, shares_key

THIRD = (1 / 3,) * 3
SHARES = dict(zip("ABC", THIRD, strict=True))
THOUSAND = math.log(1000)


@pytest.mark.parametrize(
    ("a", "sessions"),
    [(0.5, 9), (1.0, 11), (10_000 / 3, 268)],  # the published package spreads 10000 over the providers
)
def test_a_pinned_provider_of_three_is_found_after(a: float, sessions: int) -> None:
    assert log_e([sessions, 0, 0], THIRD, a) >= THOUSAND > log_e([sessions - 1, 0, 0], THIRD, a)
    assert sessions_to_find(1.0, 3, 1e-3, a) == sessions


def test_a_smaller_skew_takes_longer() -> None:
    needed = [sessions_to_find(share, 3, 1e-3) for share in (0.8, 0.6, 0.4)]
    assert needed == [22, 76, 1462]
    assert sessions_to_find(1 / 3, 3, 1e-3) is None


@pytest.mark.parametrize("shares", [THIRD, (0.8, 0.1, 0.1), (0.5, 0.5)])
def test_the_expected_return_of_the_bet_is_one(shares: tuple[float, ...]) -> None:
    """Summed over every sequence: the definition of an e-value."""
    total = 0.0
    for sequence in itertools.product(range(len(shares)), repeat=7):
        counts = [sequence.count(i) for i in range(len(shares))]
        total += math.exp(log_e(counts, shares)) * math.prod(shares[i] for i in sequence)
    assert total == pytest.approx(1)


def test_rows_are_judged_one_by_one() -> None:
    rows = np.array([[9, 0, 0], [3, 3, 3]])
    assert log_e(rows, THIRD) == pytest.approx([float(log_e(row, THIRD)) for row in rows])


def test_nothing_seen_is_no_evidence() -> None:
    assert log_e([0, 0, 0], THIRD) == pytest.approx(0)
    state = night(None, {}, SHARES)
    assert (state.nights, state.product, state.cusum, state.alarms(0.05)) == (1, 0.0, 0.0, ())


def ninety_nights() -> np.ndarray:
    return np.random.default_rng(20261122).multinomial(20, THIRD, size=(3000, 90))


def test_looking_every_night_accuses_one_healthy_series_in_a_hundred_at_most() -> None:
    product = np.cumsum(log_e(ninety_nights(), THIRD), axis=1)
    assert (product.max(axis=1) >= math.log(1 / 0.05)).mean() <= 0.012
    assert (product.max(axis=1) >= math.log(1 / 0.01)).mean() <= 0.01


def test_a_cumulated_chi_square_accuses_every_third() -> None:
    pooled = ninety_nights().cumsum(axis=1)
    expected = 20 * np.arange(1, 91)[None, :, None] / 3
    statistic = ((pooled - expected) ** 2 / expected).sum(axis=2)
    assert (statistic >= stats.chi2.isf(0.05, 2)).any(axis=1).mean() == pytest.approx(0.37, abs=0.03)


def test_the_cusum_accuses_a_healthy_product_once_in_one_over_alpha_nights() -> None:
    gains = log_e(ninety_nights(), THIRD)
    s, alarms = np.zeros(len(gains)), 0
    for gain in gains.T:
        s = np.maximum(s, 0) + gain
        alarms += int((s >= math.log(100)).sum())
        s[s >= math.log(100)] = 0
    assert alarms / gains.size <= 0.01


def test_after_sixty_good_nights_the_cusum_finds_a_pin_in_one_and_the_product_in_seven() -> None:
    rng = np.random.default_rng(1)
    found: list[tuple[int, int]] = []
    for _ in range(60):
        state: Nights | None = None
        for counts in rng.multinomial(20, THIRD, size=60):
            state = night(state, dict(zip("ABC", counts.tolist(), strict=True)), SHARES)
        product = cusum = 0
        for bad in range(1, 30):
            state = night(state, {"A": 20}, SHARES)
            cusum = cusum or bad * ("cusum" in state.alarms(1e-3))
            product = product or bad * ("product" in state.alarms(1e-3))
            if product:
                break
        found.append((cusum, product))
    assert np.median(found, axis=0).tolist() == [1, 7]


def test_other_weights_start_anew() -> None:
    state = night(None, {"A": 20}, SHARES)
    same = night(state, {"B": 5}, {"C": 1 / 3, "B": 1 / 3, "A": 1 / 3})
    assert (same.nights, same.sessions) == (2, 25)
    other = night(state, {"A": 20}, {"A": 0.5, "B": 0.25, "C": 0.25})
    assert (other.nights, other.sessions) == (1, 20)
    assert other.key == shares_key({"C": 0.25, "B": 0.25, "A": 0.5}) != state.key


def test_an_alarm_of_the_product_stays() -> None:
    state = night(None, {"A": 20}, SHARES)
    assert state.alarms(1e-3) == ("product", "cusum")
    for _ in range(20):
        state = night(state, {"A": 7, "B": 7, "C": 6}, SHARES)
    assert state.alarms(1e-3) == ("product",)
    assert state.product < state.highest


def test_a_value_at_the_limit_is_an_alarm() -> None:
    assert Nights("k", highest=THOUSAND, cusum=THOUSAND).alarms(1e-3) == ("product", "cusum")
    assert Nights("k", highest=THOUSAND - 1e-9, cusum=0.0, product=99.0).alarms(1e-3) == ()


def test_the_state_is_json() -> None:
    state = night(night(None, {"A": 20}, SHARES), {"A": 6, "B": 7, "C": 7}, SHARES)
    assert Nights.from_json(json.loads(json.dumps(state.to_json()))) == state
    with pytest.raises(ValueError, match="schema 7"):
        Nights.from_json(state.to_json() | {"schema": 7})
