"""Stopping early costs no false alarm: campaigns that are looked at after every chat, and what a pinned provider saves."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pytest

from e2e.analysis.stats import multinomial, sequential
from e2e.analysis.stats.sequential import Decision, Plan, Seen, Trials, decisions, saved
from e2e.analysis.stats.significance import Expectation

THIRD = (1 / 3,) * 3
SKEWED = (0.6, 0.3, 0.1)
LEVEL = 1.37e-5


def plan_of(shares: Sequence[float] = THIRD, chats: int = 30, level: float = LEVEL) -> Plan:
    named = dict(zip("ABCDEFGHI", shares, strict=False))
    return Plan(chats, level, Expectation(shares=tuple(sorted(shares, reverse=True))), named)


UNKNOWN = Plan(30, LEVEL, Expectation())


@dataclass(frozen=True)
class Campaigns:
    alarms: Mapping[str, float]
    """Share of the campaigns in which a check was ever decided as failed."""
    chats: float
    """Mean number at which the run stopped."""


def campaigns(plan: Plan, truth: Sequence[float], times: int) -> Campaigns:
    """Every campaign is looked at after each chat, and stops when all is decided."""

    @lru_cache(None)
    def look(counts: tuple[int, ...]) -> tuple[Decision, ...]:
        return decisions(Seen(sum(counts), dict(zip("ABCDEFGHI", counts, strict=False))), plan)

    draws = np.random.default_rng(20261122).choice(len(truth), size=(times, plan.chats), p=truth)
    failed: Counter[str] = Counter()
    stopped = 0
    for row in draws.tolist():
        counts = [0] * len(truth)
        ever: set[str] = set()
        for provider in row:
            counts[provider] += 1
            stopped += 1
            found = look(tuple(counts))
            ever.update(d.check for d in found if d.outcome == "fail")
            if all(d.outcome != "undecided" for d in found):
                break
        failed.update(ever)
    return Campaigns({name: n / times for name, n in failed.items()}, stopped / times)


def outcome(seen: Seen, plan: Plan, check: str) -> str:
    return next(d.outcome for d in decisions(seen, plan) if d.check == check)


# -- campaigns


@pytest.mark.parametrize("shares", [THIRD, SKEWED])
def test_looking_after_every_chat_accuses_within_the_rate(shares: tuple[float, ...]) -> None:
    level, times = 0.01, 4000
    found = campaigns(plan_of(shares, level=level), shares, times)
    for check in ("provider.varies", "provider.balanced"):
        assert found.alarms.get(check, 0) <= level + 4 * math.sqrt(level / times)


def test_a_final_test_repeated_after_every_chat_exceeds_the_threshold() -> None:
    """Why the early looks have tests of their own."""
    level, times, bad = 0.01, 1000, 0

    @lru_cache(None)
    def p(counts: tuple[int, ...]) -> float:
        return multinomial.fit(counts, THIRD).p

    for row in np.random.default_rng(1).choice(3, size=(times, 30)):
        seen = np.cumsum(np.eye(3, dtype=int)[row], axis=0)
        bad += any(p(tuple(sorted(counts))) <= level for counts in seen[4:].tolist())
    assert bad / times > 3 * level


def test_a_pinned_provider_stops_the_run_long_before_its_end() -> None:
    plan = plan_of(chats=50)
    found = campaigns(plan, (1, 0, 0), 10)
    assert found.alarms == {"provider.varies": 1.0, "provider.balanced": 1.0}
    assert found.chats == 14  # 36 of 50 chats are saved


def test_a_healthy_run_goes_on_to_its_end() -> None:
    assert campaigns(plan_of(chats=20), THIRD, 300).chats == pytest.approx(20, abs=0.1)


def test_a_skewed_provider_stops_the_run_before_its_end() -> None:
    found = campaigns(plan_of(chats=60), (0.8, 0.1, 0.1), 200)
    assert found.alarms["provider.balanced"] > 0.98
    assert found.chats < 36


# -- the single decisions


def test_two_providers_are_enough_where_nothing_is_known() -> None:
    found = decisions(Seen(3, {"A": 2, "B": 1}), UNKNOWN)
    assert found == (Decision("provider.varies", "pass", "2 providers rule out hard pinning"),)
    assert saved(Seen(3), UNKNOWN, found) == 27


def test_one_provider_is_undecided_until_chance_is_ruled_out() -> None:
    assert outcome(Seen(12, {"A": 12}), UNKNOWN, "provider.varies") == "undecided"
    assert outcome(Seen(20, {"A": 20}), UNKNOWN, "provider.varies") == "fail"
    assert saved(Seen(12), UNKNOWN, decisions(Seen(12, {"A": 12}), UNKNOWN)) is None


def test_a_known_number_of_providers_waits_for_the_planned_sessions() -> None:
    early = decisions(Seen(10, {"A": 4, "B": 3, "C": 3}), plan_of())
    assert [(d.check, d.outcome, d.missing) for d in early] == [
        ("provider.varies", "undecided", 20),
        ("provider.balanced", "undecided", 20),
    ]
    end = decisions(Seen(30, {"A": 10, "B": 10, "C": 10}), plan_of())
    assert [d.outcome for d in end] == ["pass", "pass"]


def test_an_effective_number_waits_too() -> None:
    plan = Plan(30, LEVEL, Expectation(effective=2.5))
    assert outcome(Seen(10, {"A": 5, "B": 5}), plan, "provider.varies") == "undecided"
    assert outcome(Seen(30, {"A": 15, "B": 15}), plan, "provider.varies") == "pass"
    assert outcome(Seen(30, {"A": 30}), plan, "provider.varies") == "fail"


def test_a_stated_skew_lets_a_healthy_run_stop_earlier() -> None:
    plan = replace(plan_of(chats=100), skew=0.8)
    assert 30 < plan.sessions < 45
    least = multinomial.smallest_skew(plan.sessions, THIRD, plan.final_level)
    assert least is not None
    assert least <= 0.8
    third = plan.sessions // 3 + 1
    seen = Seen(3 * third, dict.fromkeys("ABC", third))
    assert {d.outcome for d in decisions(seen, plan)} == {"pass"}
    assert replace(plan, skew=0.35).sessions == 100


def test_a_provider_that_is_not_expected_fails_at_once() -> None:
    assert outcome(Seen(1, {"Z": 1}), plan_of(), "provider.balanced") == "fail"


def test_a_single_expected_provider_has_nothing_to_vary() -> None:
    plan = plan_of((1.0,), chats=5)
    assert [d.outcome for d in decisions(Seen(5, {"A": 5}), plan)] == ["pass", "pass"]


@pytest.mark.parametrize(
    ("trials", "chats", "expected"),
    [
        (Trials(0), 0, "undecided"),
        (Trials(1, bad=1), 2, "fail"),
        (Trials(19), 20, "undecided"),
        (Trials(20), 21, "pass"),
        (Trials(19), 30, "pass"),  # the end of the plan
        (Trials(0), 30, "undecided"),
    ],
)
def test_a_deterministic_check(trials: Trials, chats: int, expected: str) -> None:
    name = "rotation.sent_id_is_fresh"
    assert outcome(Seen(chats, {}, {name: trials}), plan_of(), name) == expected


def test_a_clean_pass_states_its_bound() -> None:
    found = decisions(Seen(24, {}, {"x": Trials(20)}), plan_of())[0]
    assert found.why == "20 clean trials bound the rate by 13.9 %"


@pytest.mark.parametrize("shares", [THIRD, SKEWED])
def test_the_bet_on_one_large_share_returns_one_at_most(shares: tuple[float, ...]) -> None:
    """Under the shares its mean is 1, over every sequence: what makes it valid whenever one looks."""
    total = 0.0
    for sequence in itertools.product(range(3), repeat=7):
        counts = [sequence.count(i) for i in range(3)]
        total += math.exp(sequential.log_e_largest(counts, shares)) * math.prod(shares[i] for i in sequence)
    assert total == pytest.approx(1)
