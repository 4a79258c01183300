"""Counts, shares and chats in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.schema import MessageRow
from e2e.analysis.model.wording import (
    capped,
    chats_text,
    clean_limit,
    key_of,
    lane_name,
    no_chats,
    not_requested,
    not_seen,
    payloads_unseen,
    percent,
    plural,
    probability,
    short,
    spans,
)
from e2e.selftest.unit.builders import make_run


def test_one_is_singular_and_any_other_number_plural() -> None:
    assert [plural(n, "chat") for n in (0, 1, 2)] == ["0 chats", "1 chat", "2 chats"]
    assert [plural(n, "reply", "replies") for n in (1, 2)] == ["1 reply", "2 replies"]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100 %"),
        (0.9996, "100 %"),
        (0.999, "99.9 %"),
        (0.139, "13.9 %"),
        (0.01, "1.0 %"),
        (0.0042, "0.42 %"),
    ],
)
def test_a_share_in_percent(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("p", "text"), [(4.4e-05, "4.4e-05"), (0.001, "0.001"), (0.0313, "0.031"), (1.0, "1")]
)
def test_a_probability(p: float, text: str) -> None:
    assert probability(p) == text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], "chat "),
        ([3], "chat 3"),
        ([3, 3], "chat 3"),
        ([5, 1, 2, 4, 3, 7], "chats 1-5, 7"),
        ([1, 3, 4], "chats 1, 3-4"),
    ],
)
def test_chats_in_a_row_are_a_span(numbers: list[int], text: str) -> None:
    assert chats_text(numbers) == text
    assert spans(iter(numbers)) == text.split(" ", 1)[1]


def test_a_long_list_ends_with_the_number_of_the_others() -> None:
    lines = [str(n) for n in range(9)]
    assert capped(lines[:8]) == tuple(lines[:8])
    assert capped(lines) == (*lines[:7], "… and 2 more")
    assert capped(lines, 3) == ("0", "1", "… and 7 more")


def test_the_tail_of_a_reference_distinguishes_it() -> None:
    assert short(None) == "nothing"
    assert short("session_…0123456789abcdef") == "0123456789ab"
    assert short("0123456789abcdef") == "0123456789abcdef"


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (1, "1 clean chat bounds the reuse rate by 95.0 % at 95 %; 59 are needed for 5 %"),
        (20, "20 clean chats bound the reuse rate by 13.9 % at 95 %; 59 are needed for 5 %"),
        (59, "59 clean chats bound the reuse rate by 5.0 % at 95 %; 149 are needed for 2 %"),
        (149, "149 clean chats bound the reuse rate by 2.0 % at 95 %; 299 are needed for 1 %"),
        (299, "299 clean chats bound the reuse rate by 1 % at 95 %"),
    ],
)
def test_the_limit_of_clean_trials_names_the_next_tighter_bound(n: int, text: str) -> None:
    assert clean_limit(n, "chat", "reuse") == text.replace("by 1 %", f"by {percent(1 - 0.05 ** (1 / n))}")
    assert clean_limit(2, "reply", "change").startswith("2 clean replies bound the change rate")
    assert clean_limit(1, "reply", "change").startswith("1 clean reply bounds")


def one_run(run_id: str = "a") -> Run:
    return assemble([make_run(run_id=run_id, chats=2, lanes=1)])


def test_a_lane_is_named_with_its_run_only_where_runs_are_pooled() -> None:
    pooled = assemble([make_run(run_id=r, chats=2, lanes=1) for r in ("a", "b")])
    assert lane_name(pooled, "a", 1) == "a lane 1"
    assert lane_name(one_run(), "a", 1) == "lane 1"


def test_an_observed_chat_is_enough() -> None:
    assert no_chats("smoke", one_run()) is None


def unreadable(*reasons: str) -> Run:
    """A run whose first messages have these reasons not to show an ID."""
    run = one_run()
    messages = run.every(MessageRow)
    whys = [*reasons, *[""] * (len(messages) - len(reasons))]
    rows = [replace(m, unreadable=why, sent_seen=not why) for m, why in zip(messages, whys, strict=True)]
    return replace(run, rows={**run.rows, MessageRow: rows}, _cache={})


def test_the_most_frequent_reason_of_unseen_payloads_is_reported() -> None:
    assert payloads_unseen(one_run(), "nothing is known") == "nothing is known"
    assert (
        payloads_unseen(unreadable("gzip", "brotli", "brotli"), "x")
        == "the payloads of 2 messages could not be decoded: brotli"
    )
    assert payloads_unseen(unreadable("gzip"), "x", scenario="reload") == "x"
    assert (
        payloads_unseen(unreadable("gzip"), "x", scenario="plain")
        == "the payloads of 1 message could not be decoded: gzip"
    )


def test_an_event_outside_of_any_chat_has_a_key_of_its_own() -> None:
    [row, *_] = one_run().every(MessageRow)
    assert key_of(row) == (row.run_id, row.lane, row.chat)


def test_what_the_profile_does_not_ask_for_is_no_missing_verdict() -> None:
    skipped, unseen = (
        not_requested("x", one_run(), "why", "needs a"),
        not_seen("x", one_run(), "why", "needs a"),
    )
    assert (skipped.outcome, skipped.requested) == ("inconclusive", False)
    assert (unseen.outcome, unseen.requested) == ("inconclusive", True)
