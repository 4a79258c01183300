"""provider.independent: exact distributions against plain enumeration, simulated campaigns, and what the verdict says."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from e2e.analysis.checks.independence import Draw, _limit, _reasons, draws_of, holm, independent, judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.stats import permutation, repeats
from e2e.records.records import Chat, RunRecords
from e2e.selftest.unit.builders import PROVIDERS, judge_run, make_run, with_chats, with_meta

LEVEL = 1.37e-5
COUNTS = [(2, 2, 1), (3, 2, 2, 1), (4, 3), (5, 1, 1), (2, 2, 2), (1, 1, 1, 1)]


def orders(counts: Sequence[int]) -> set[tuple[int, ...]]:
    values = [i for i, c in enumerate(counts) for _ in range(c)]
    return set(itertools.permutations(values))


# -- the distributions


@pytest.mark.parametrize("counts", COUNTS)
def test_repeats_have_the_distribution_of_all_orders(counts: tuple[int, ...]) -> None:
    every = orders(counts)
    seen = Counter(map(repeats.repeats, every))
    exact = repeats.repeats_distribution(counts)
    assert exact == pytest.approx([seen[r] / len(every) for r in range(len(exact))])


@pytest.mark.parametrize("counts", COUNTS)
def test_periods_have_the_distribution_of_all_orders(counts: tuple[int, ...]) -> None:
    every = orders(counts)
    for longest in range(1, sum(counts)):
        share = sum(permutation.period(o) <= longest for o in every) / len(every)
        assert permutation.periodic(counts, longest) >= share * (1 - 1e-9)
        if 2 * longest <= sum(counts):
            assert permutation.periodic(counts, longest) == pytest.approx(share)


def test_thirty_draws_of_three_without_a_repeat() -> None:
    """e2e/docs/statistics.md: 7.8e-6 = (2/3)^29, here as the mean over all counts of the probability given the counts."""
    n, total = 30, 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            counts = (a, b, n - a - b)
            ways = math.factorial(n) / math.prod(map(math.factorial, counts))
            total += ways / 3**n * repeats.repeats_distribution(tuple(sorted(counts, reverse=True)))[0]
    assert total == pytest.approx((2 / 3) ** 29, rel=1e-9)
    assert f"{total:.1e}" == "7.8e-06"


def test_a_long_lane_is_judged_in_pieces_of_which_each_value_is_in_one() -> None:
    assert repeats.pieces("ab" * 128) == ["ab" * 128]
    lane = list(range(1000))
    parts = repeats.pieces(lane)
    assert [value for part in parts for value in part] == lane
    assert max(map(len, parts)) <= 128 < min(map(len, parts)) + 10


def test_many_lanes_are_added_up_exactly() -> None:
    """In pairs, with what is below 1e-308 left out, as one after the other."""
    counts = tuple((3 + i % 4, 3, 2) for i in range(41))
    total = np.ones(1)
    for one in counts:
        total = np.convolve(total, repeats.repeats_distribution(one))
    assert repeats.repeats_of_lanes(counts) == pytest.approx(total, rel=1e-9)


def test_the_order_of_thirty_thousand_sessions_is_judged_and_a_sticky_provider_found() -> None:
    rng = random.Random(5)
    drawn = [str(rng.randrange(9)) for _ in range(30_000)]
    sticky = [*drawn]
    for i in range(1, len(sticky)):
        if rng.random() < 0.03:
            sticky[i] = sticky[i - 1]
    results = [judge([Draw(p, i // 15_000) for i, p in enumerate(ps)], 1e-5) for ps in (drawn, sticky)]
    assert [r.decision for r in results] == ["independent", "dependent"]
    assert results[0].expected == pytest.approx(results[0].pairs / 9, rel=0.02)
    assert results[1].rejected == ("before",)


def test_lanes_are_added_up() -> None:
    two = repeats.repeats_of_lanes(((2, 2), (3, 1)))
    pairs = list(itertools.product(orders((2, 2)), orders((3, 1))))
    seen = Counter(repeats.repeats(a) + repeats.repeats(b) for a, b in pairs)
    assert two == pytest.approx([seen[r] / len(pairs) for r in range(len(two))])


def test_a_table_has_the_p_value_of_all_permutations() -> None:
    lanes, providers = [0, 0, 0, 0, 1, 1, 1, 1], "AAABBBCB"
    weight = {(lane, p): 1 / (4 * providers.count(p)) for lane in (0, 1) for p in "ABC"}

    def statistic(labels: Sequence[str]) -> float:
        return sum(n * n * weight[key] for key, n in Counter(zip(lanes, labels, strict=True)).items())

    every = [statistic(labels) for labels in set(itertools.permutations(providers))]
    exact = np.mean(np.array(every) >= statistic(providers) - 1e-9)
    weights = 1 / np.outer((4, 4), (3, 4, 1))
    rng = np.random.default_rng(1)
    columns = np.array(["ABC".index(p) for p in providers])
    for drawn in (
        permutation._tables(rng, np.array([[3, 1, 0], [0, 3, 1]]), 40_000, weights),
        permutation._permuted(rng, np.array(lanes), columns, 40_000, weights),
    ):
        assert (drawn >= statistic(providers) - 1e-9).mean() == pytest.approx(exact, abs=0.01)
    p, _ = permutation.table_p(lanes, list(providers), 1e-3)
    assert p == pytest.approx(exact, rel=0.9)


def test_a_long_table_is_tested_as_a_short_one() -> None:
    rng = random.Random(4)
    groups, providers = [i % 3 for i in range(400)], [rng.choice("ABC") for _ in range(400)]
    assert permutation.table_p(groups, providers, 1e-3)[0] > 0.05
    assert permutation.table_p(groups, ["ABC"[g] for g in groups], 1e-3)[0] == pytest.approx(1 / 2001)


def test_a_table_of_one_row_has_no_evidence() -> None:
    assert permutation.table_p([0, 0, 0], ["A", "B", "A"], 1e-3) == (1.0, 1.0)


def test_holm_goes_on_only_after_a_rejection() -> None:
    assert holm([0.04, 0.001, 0.02], 0.05) == [1, 2, 0]
    assert holm([0.04, 0.001, 0.03], 0.05) == [1]
    assert holm([0.02, 0.03, 0.04], 0.05) == []


# -- the judgement


def cycle(k: int, n: int, lanes: int = 1) -> list[Draw]:
    """Each lane goes round by itself."""
    return [Draw("ABCDEFGHI"[i // lanes % k], i % lanes) for i in range(n)]


def sticky(share: float, k: int, n: int, lanes: int, seed: int) -> list[Draw]:
    rng = random.Random(seed)
    last: dict[int, str] = {}
    found = []
    for i in range(n):
        lane = i % lanes
        if lane not in last or rng.random() >= share:
            last[lane] = rng.choice("ABCDEFGHI"[:k])
        found.append(Draw(last[lane], lane))
    return found


@pytest.mark.parametrize(("k", "n", "lanes"), [(2, 30, 1), (3, 30, 1), (5, 20, 1), (9, 36, 1), (3, 40, 4)])
def test_a_cycle_is_named_with_its_period(k: int, n: int, lanes: int) -> None:
    found = judge(cycle(k, n, lanes), LEVEL)
    assert (found.decision, found.period, found.repeats) == ("dependent", k, 0)
    assert "cycle" in found.rejected


@pytest.mark.parametrize(("k", "lanes"), [(9, 4), (4, 4), (5, 3)])
def test_a_round_robin_over_all_lanes_is_a_cycle_too(k: int, lanes: int) -> None:
    """With four lanes and four providers, each lane is left with one: the order of all sessions tells."""
    found = judge([Draw("ABCDEFGHI"[i % k], i % lanes) for i in range(40)], 1e-3)
    assert "order" in found.rejected
    assert found.period == k


def test_a_sticky_provider_is_dependent_on_the_chat_before() -> None:
    found = judge(sticky(0.8, 3, 60, 4, seed=1), 1e-3)
    assert (found.decision, found.rejected[0]) == ("dependent", "before")
    assert found.repeats > found.expected
    assert found.many is not None
    assert found.repeats >= found.many


def test_a_lane_with_its_own_provider_is_found_where_neighbours_do_not_show_it() -> None:
    draws = [Draw("ABC"[i % 3], i % 3, run="r") for i in range(30)]
    found = judge(draws, 1e-3)
    assert next(h for h in found.hypotheses if h.name == "before").p == 1.0
    assert "lane" in found.rejected


@pytest.mark.parametrize("of", ["agent", "hour"])
def test_user_agent_and_hour_are_tested_when_there_are_several(of: str) -> None:
    rng = random.Random(3)
    draws = []
    for i in range(80):
        group = i // 40
        provider = rng.choice("AB" if group else "CD")
        draws.append(
            Draw(provider, i % 2, run=f"r{group}", agent=f"b{group}" if of == "agent" else "", hour=0)
        )
        if of == "hour":
            draws[-1] = draws[-1]._replace(hour=group)
    found = judge(draws, 1e-3)
    name = "user agent" if of == "agent" else "hour"
    assert name in found.rejected
    assert name not in [h.name for h in judge(draws[:40], 1e-3).hypotheses]


def test_a_skewed_but_honest_draw_is_not_accused() -> None:
    rng = random.Random(5)
    draws = [Draw(rng.choices("ABC", (8, 1, 1))[0], i % 4) for i in range(100)]
    assert judge(draws, 1e-2).decision == "independent"


@pytest.mark.parametrize(
    ("lanes", "more", "names"),
    [
        (1, {}, ["before", "cycle"]),
        (2, {}, ["before", "cycle", "order", "lane"]),
        (1, {"agent": "ab"}, ["before", "cycle", "user agent"]),
        (2, {"agent": "ab", "hour": (1, 2)}, ["before", "cycle", "order", "lane", "user agent", "hour"]),
    ],
)
def test_the_level_is_shared_by_as_many_hypotheses_as_are_tested(
    lanes: int, more: dict[str, Sequence[Any]], names: list[str]
) -> None:
    rng, level = random.Random(9), 0.05
    draws = [
        Draw(rng.choice("ABC"), i % lanes, **{name: values[i // 20] for name, values in more.items()})
        for i in range(40)
    ]
    found = judge(draws, level)
    each = level / len(names)
    parts = [[d.provider for d in draws if d.lane == lane] for lane in range(lanes)]
    distribution = repeats.repeats_of_lanes(
        tuple(sorted(tuple(sorted(Counter(part).values(), reverse=True)) for part in parts))
    )
    assert [h.name for h in found.hypotheses] == names
    assert (found.few, found.many) == repeats.critical(distribution, each)
    assert found.needed == repeats.sessions_needed(3, lanes, each)
    assert found.expected == pytest.approx(sum(n * p for n, p in enumerate(distribution)))
    assert (found.n, found.pairs, found.level) == (40, 40 - lanes, level)


def test_no_draws_are_undecided() -> None:
    found = judge([], 0.05)
    assert (found.decision, found.n, found.pairs, found.repeats) == ("undecided", 0, 0, 0)


def test_a_few_sessions_cannot_decide() -> None:
    found = judge([Draw(p, i % 2) for i, p in enumerate("AABB")], LEVEL)
    assert found.decision == "undecided"
    assert found.needed is not None
    assert found.missing == found.needed - 4 > 0


@pytest.mark.parametrize(
    ("needed", "text"),
    [
        (5, "can be judged from 5 sessions on"),
        (4, "need more sessions to be judged"),
        (3, "need more sessions to be judged"),
        (None, "need more sessions to be judged"),
    ],
)
def test_the_limit_of_a_few_sessions_names_how_many_are_enough(needed: int | None, text: str) -> None:
    found = judge([Draw(p, i % 2) for i, p in enumerate("AABB")], LEVEL)
    assert (found.n, found.few, found.many) == (4, None, None)
    assert _limit(replace(found, needed=needed)).startswith(f"repeats of the chat before {text}")


@pytest.mark.parametrize(
    ("environment", "agent"),
    [
        ({"user_agent": "Agent/1", "browser": "firefox"}, "Agent/1"),
        ({"user_agent": "Agent/1"}, "Agent/1"),
        ({"user_agent": "", "browser": "firefox"}, "firefox"),
        ({}, ""),
    ],
)
def test_draws_have_the_user_agent_or_where_it_is_unknown_the_browser(
    environment: dict[str, str], agent: str
) -> None:
    run = assemble([with_meta(make_run(chats=4, lanes=2), environment=environment)])
    assert [draw.agent for draw, _ in draws_of(run)] == [agent] * 4


@pytest.mark.parametrize(("k", "n"), [(3, 30), (9, 40)])
def test_healthy_campaigns_are_accused_within_the_rate(k: int, n: int) -> None:
    rng = random.Random(20261122)
    campaigns, level = 250, 0.05
    bad = sum(
        judge([Draw("ABCDEFGHI"[rng.randrange(k)], i % 4) for i in range(n)], level).decision == "dependent"
        for _ in range(campaigns)
    )
    assert bad / campaigns <= level + 4 * math.sqrt(level / campaigns)


# -- the verdict


def with_providers(records: RunRecords, provider: Callable[[int, int], str]) -> RunRecords:
    """Each chat's provider as ``provider(lane, chat)`` says."""

    def change(c: Chat) -> Chat:
        name = provider(c.lane, c.chat)
        replies = (
            replace(m, reply_provider=name, backend_provider=name, label_provider=name) for m in c.messages
        )
        return replace(c, messages=tuple(replies))

    return with_chats(records, change)


def verdict_of(run: Run) -> tuple[str, str]:
    verdict = independent.judge(run)
    return verdict.outcome, verdict.headline


def test_a_healthy_run_passes_with_a_detection_limit() -> None:
    verdict = independent.judge(judge_run(chats=60))
    assert verdict.outcome == "pass"
    assert verdict.headline.startswith("60 sessions: ")
    assert "equal neighbours would fail; also judged: " in verdict.detection_limit
    assert verdict.numbers["sessions"] == 60


def test_a_cycle_fails_and_is_named() -> None:
    records = with_providers(make_run(chats=40, lanes=1), lambda lane, chat: PROVIDERS[chat % 3])
    verdict = independent.judge(assemble([records]))
    assert verdict.outcome == "fail"
    assert "a fixed cycle of 3 in every lane (p = " in verdict.headline
    assert verdict.actual[0].startswith("lane 0: Big hat, Tin drum, Red kite, Big hat, ")
    assert verdict.numbers["period"] == 3


def test_a_provider_that_sticks_to_the_lane_fails() -> None:
    records = with_providers(make_run(chats=40), lambda lane, chat: PROVIDERS[lane])
    verdict = independent.judge(assemble([records], alarms_per_year=2))
    assert verdict.outcome == "fail"
    assert "it follows the lane (p = " in verdict.headline
    assert "lane 2: Red kite (10)" in verdict.actual


def test_a_sticky_provider_fails() -> None:
    drawn = iter(sticky(0.9, 4, 60, 1, seed=2))
    records = with_providers(
        make_run(chats=60, lanes=1), lambda lane, chat: PROVIDERS["ABCDEFGHI".index(next(drawn).provider)]
    )
    verdict = independent.judge(assemble([records]))
    assert verdict.outcome == "fail"
    assert "it repeats that of the chat before, " in verdict.headline


@pytest.mark.parametrize("staying", [0, 1, 3])
def test_lanes_that_stay_with_one_provider_are_counted(staying: int) -> None:
    """Where all of them do, and several providers replied, the cause is a provider that sticks to the lane."""
    records = with_providers(
        make_run(chats=12, lanes=4),
        lambda lane, chat: PROVIDERS[lane if lane < staying else (lane + chat) % 3],
    )
    numbers = independent.judge(assemble([records])).numbers
    assert (numbers["lanes"], numbers["constant_lanes"]) == (4, staying)


def test_a_cycle_is_the_first_reason_and_the_others_keep_their_order() -> None:
    found = judge(cycle(3, 30), 0.05)
    several = replace(
        found,
        rejected=("lane", "before", "cycle", "hour"),
        turns="cycle",
        hypotheses=tuple(
            replace(found.hypotheses[0], name=name) for name in ("lane", "before", "cycle", "hour")
        ),
    )
    reasons = [text.partition(" (p")[0].partition(",")[0] for text in _reasons(several).split("; ")]
    assert [reason.split()[1] for reason in reasons] == ["fixed", "follows", "avoids", "follows"]
    assert "lane" in reasons[1]
    assert "p = 1," in _reasons(
        replace(several, hypotheses=tuple(replace(h, p=0.5) for h in several.hypotheses))
    )


def test_a_pinned_provider_depends_on_nothing() -> None:
    verdict = independent.judge(judge_run("provider-pinned"))
    assert (verdict.outcome, verdict.needs) == ("inconclusive", "needs sessions on at least 2 providers")


def test_few_sessions_say_how_many_more_are_needed() -> None:
    verdict = independent.judge(judge_run(chats=6, lanes=2))
    assert verdict.outcome == "inconclusive"
    assert verdict.needs == f"needs {int(verdict.numbers['sessions_needed']) - 6} more sessions"


@pytest.mark.parametrize("affinity", ["user", "none"])
def test_it_is_skipped_where_sessions_are_no_draws(affinity: str) -> None:
    records = make_run()
    policy = replace(records.meta.policy, affinity=affinity)  # type: ignore[arg-type]
    verdict = independent.judge(assemble([with_meta(records, policy=policy)]))
    assert verdict.outcome == "inconclusive"
    assert f"affinity = {affinity}" in verdict.headline


@pytest.mark.parametrize("chats", [0, 1])
def test_no_session_or_one_is_inconclusive(chats: int) -> None:
    records = make_run(chats=max(chats, 1), lanes=1)
    records = replace(records, chats=records.chats[:chats])
    assert verdict_of(assemble([records]))[0] == "inconclusive"


def test_a_session_is_one_draw_however_many_chats_used_it() -> None:
    run = judge_run("session-not-ended", chats=20, lanes=4)
    assert len(draws_of(run)) == 4


def test_lanes_of_several_runs_are_counted_one_by_one_and_the_hour_is_that_of_the_day() -> None:
    one = make_run(chats=4, lanes=2, continue_last=False, started=1_763_850_600.0)  # 22:30 UTC
    other = make_run(
        chats=4, lanes=2, continue_last=False, run_id="b", seed=3, mask_key="z", started=1_763_854_200.0
    )
    run = assemble([one, other])
    assert {draw.hour for draw, _ in draws_of(run)} == {22, 23}
    verdict = independent.judge(run)
    assert verdict.outcome == "inconclusive"
    assert verdict.headline == "8 sessions in 4 lanes are too few to detect an ordering effect"
