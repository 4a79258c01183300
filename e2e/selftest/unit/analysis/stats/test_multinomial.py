"""The exact test of the expected shares, against published numbers and against plain enumeration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from e2e.analysis.stats import multinomial

THIRD = (1 / 3,) * 3
NINTH = (1 / 9,) * 9


@pytest.mark.parametrize(
    ("counts", "p"), [((15, 3, 2), "9.19e-04"), ((14, 3, 3), "4.37e-03"), ((10, 10, 0), "1.37e-03")]
)
def test_the_published_numbers(counts: tuple[int, ...], p: str) -> None:
    fit = multinomial.fit(counts, THIRD)
    assert (f"{fit.p:.2e}", fit.method) == (p, "exact")


@pytest.mark.parametrize("shares", [THIRD, (0.5, 0.3, 0.2), (0.8, 0.1, 0.1), (0.25,) * 4])
def test_it_is_the_sum_of_all_tables_that_are_no_more_probable(shares: tuple[float, ...]) -> None:
    n, k = 8, len(shares)
    tables = [t for t in itertools.product(range(n + 1), repeat=k) if sum(t) == n]

    def probability(t: tuple[int, ...]) -> float:
        ways = math.factorial(n) / math.prod(math.factorial(x) for x in t)
        return ways * math.prod(s**x for s, x in zip(shares, t, strict=True))

    for table in tables[:: max(1, len(tables) // 40)]:
        brute = sum(p for p in map(probability, tables) if p <= probability(table) * (1 + 1e-9))
        assert multinomial.fit(table, shares).p == pytest.approx(brute, rel=1e-9)


def test_the_order_of_the_providers_does_not_matter() -> None:
    assert multinomial.fit((2, 17, 1), (0.1, 0.8, 0.1)) == multinomial.fit((17, 1, 2), (0.8, 0.1, 0.1))


def test_one_provider_of_nine_has_the_probability_of_nine_equal_draws() -> None:
    assert multinomial.fit((20, *[0] * 8), NINTH).p == pytest.approx(9 * 9**-20, rel=1e-9, abs=0)


@pytest.mark.parametrize("shares", [THIRD, NINTH, (0.6, 0.3, 0.1)])
def test_the_lattice_is_an_upper_bound_and_no_wider_than_its_slack(shares: tuple[float, ...]) -> None:
    n = 24
    exact, lattice = multinomial._merged(n, shares), multinomial._lattice(n, shares)
    assert exact is not None
    assert lattice is not None
    reach = exact.surprise[exact.tail > 1e-9]  # what is far less probable shares one bin of the lattice
    for surprise in np.linspace(reach[0], reach[-1], 50):
        assert exact.p(surprise) <= lattice.p(surprise) * (1 + 1e-6)
        assert lattice.p(surprise) <= exact.p(surprise - 2 * lattice.slack) * (1 + 1e-6)


def test_counts_too_large_for_a_table_fall_back_to_another_method() -> None:
    assert multinomial.fit((100, *[90] * 8), tuple(np.full(9, 1 / 9))).method == "pearson"
    assert multinomial.fit((30, *[10] * 8), NINTH).method == "lattice"


def test_p_values_are_never_too_small() -> None:
    """Exactly: the probability of all tables with p <= level is at most the level."""
    for n, shares in [(20, THIRD), (20, NINTH), (50, (0.8, 0.1, 0.1))]:
        table = multinomial.null(n, shares)
        assert table
        assert table.tail[0] == pytest.approx(1)
        for level in (1e-2, 1e-3, 1.37e-5):
            critical = table.critical(level)
            assert critical is not None
            at = int(np.searchsorted(table.surprise, critical, side="right"))
            assert 0 < table.tail[at] <= level


@pytest.mark.parametrize(("shares", "n"), [(NINTH, 7), (THIRD, 12), ((0.8, 0.1, 0.1), 6), ((0.5, 0.5), 18)])
def test_the_minimum_is_where_the_worst_table_reaches_the_threshold(
    shares: tuple[float, ...], n: int
) -> None:
    level = 1e-5
    assert multinomial.sessions_needed(shares, level) == n
    worst = min(range(len(shares)), key=lambda i: shares[i])
    for sessions, reaches in ((n, True), (n - 1, False)):
        counts = [sessions if i == worst else 0 for i in range(len(shares))]
        assert (multinomial.fit(counts, shares).p <= level) is reaches


def test_no_minimum_for_a_single_provider() -> None:
    assert multinomial.sessions_needed((1.0,), 1e-5) is None


def test_the_smallest_skew_shrinks_with_more_sessions() -> None:
    found = [multinomial.smallest_skew(n, THIRD, 1e-3) or 2.0 for n in (20, 30, 100)]
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(0.83, abs=0.03)
    assert multinomial.smallest_skew(3, THIRD, 1e-3) is None


def test_beyond_the_exact_tables_it_is_pearsons_test() -> None:
    counts = (100, *[90] * 8)
    assert multinomial.fit(counts, NINTH).p == pytest.approx(stats.chisquare(counts).pvalue)
