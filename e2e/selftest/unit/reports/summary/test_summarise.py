"""The summary of a judged run, field by field."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.records.records import Problem
from e2e.selftest.unit.builders import make_run, with_chats, with_meta
from reports.summary.summary import _plain, summarise

STALE = make_run("stale-state", chats=6, lanes=2)


def summary(*records: Any) -> Any:
    run = assemble(list(records))
    return summarise(run, judge(run))


def test_checks_and_causes_are_those_of_the_judgement() -> None:
    run = assemble([STALE])
    judgement = judge(run)
    found = summarise(run, judgement)
    assert (found.run_ids, found.target, found.outcome) == ([run.metas[0].run_id], "reference", "fail")
    assert (found.partial, found.partial_reasons) == (False, [])
    for check, v in zip(found.checks, judgement.verdicts, strict=True):
        assert (check.name, check.verdict, check.message, check.worth) == (
            v.name,
            v.outcome,
            v.headline,
            v.detection_limit,
        )
        assert (check.needs, check.warning, check.accepted, check.requested) == (
            v.needs,
            v.warning,
            v.accepted,
            v.requested,
        )
        assert check.cause == (v.causes[0].name if v.causes else None)
        assert check.numbers == dict(v.numbers)
    assert {check.cause for check in found.checks} == {None, "stale-state"}
    (cause,), (known,) = found.causes, judgement.causes
    assert (cause.name, cause.layer, cause.chats, cause.where) == (
        known.name,
        known.layer,
        known.chats,
        list(known.where),
    )
    assert (cause.explanation, cause.advice, cause.checks) == (
        known.explanation,
        known.advice,
        list(known.checks),
    )
    assert (cause.priority, cause.accepted_until, cause.consequences) == (
        "critical",
        None,
        list(known.consequences),
    )
    assert cause.confidence == round(known.confidence, 3)
    assert cause.impact


def test_chats_are_counted_by_what_became_of_them() -> None:
    def change(chat: Any) -> Any:
        if chat.lane == 0 and chat.chat:
            return replace(chat, status=("blocked", "lost")[chat.chat - 1], reason="x")
        return chat

    records = with_meta(with_chats(STALE, change), planned_chats=9, saved_chats=2)
    chats = summary(records).chats
    assert (chats.planned, chats.observed, chats.blocked, chats.lost, chats.saved) == (9, 4, 1, 4, 2)


def test_a_shard_counts_the_chats_of_the_whole_run() -> None:
    chats = summary(with_meta(STALE, shard="1/2", whole_chats=10)).chats
    assert (chats.planned, chats.observed, chats.lost) == (10, 6, 4)


def test_equal_problems_are_one_with_the_place_of_the_first() -> None:
    def problem(what: str, where: str, hint: str = "wait") -> Problem:
        return Problem("Blocked", what, where, hint)

    one = with_meta(
        STALE, problems=(problem("no", "lane 0"), problem("no", "lane 1"), problem("no", "x", "other"))
    )
    other = with_meta(
        make_run(chats=2, lanes=1, run_id="b", seed=3, mask_key="z"), problems=(problem("gone", "lane 7"),)
    )
    found = summary(one, other).problems
    assert [(p.what, p.where, p.way_out, p.times) for p in found] == [
        ("no", "lane 0", "wait", 2), ("no", "x", "other", 1), ("gone", "lane 7", "wait", 1),
    ]  # fmt: skip


def test_providers_are_counted_the_most_frequent_first() -> None:
    found = summary(make_run(chats=20, lanes=4)).providers
    assert sum(found.values()) == 20
    assert list(found.values()) == sorted(found.values(), reverse=True)


@pytest.mark.parametrize(
    ("number", "plain"),
    [
        ("x", "x"), (3, 3), (3.0, 3.0), (2.5, 2.5), (np.int64(7), 7), (np.float64(0.5), 0.5), (math.nan, "unknown"),
    ],
)  # fmt: skip
def test_numbers_are_those_of_json(number: Any, plain: Any) -> None:
    found = _plain(number)
    assert (found, type(found)) == (plain, type(plain))


def test_a_confidence_has_three_digits() -> None:
    run = assemble([STALE])
    judgement = judge(run)
    third = replace(judgement, causes=tuple(replace(c, confidence=1 / 3) for c in judgement.causes))
    assert [c.confidence for c in summarise(run, third).causes] == [0.333]
