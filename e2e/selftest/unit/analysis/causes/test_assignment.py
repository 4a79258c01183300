"""What page loads show of a run, and how failing chats are shared out among causes: from a few records."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.analysis.causes.evidence.lane_history import _after_loads, _generating_often
from e2e.analysis.diagnosis.assignment import Assignment, Pair
from e2e.analysis.model.verdict import Verdict
from e2e.selftest.unit.analysis.facts.test_small_facts import RUN, chat, key, run_of, turn

ONE = frozenset({RUN})
NONE: frozenset[str] = frozenset()


class TestLoads:
    @pytest.mark.parametrize(
        ("first", "second", "after", "restores"),
        [
            ("s-2", "s-1", "reload", True),
            ("s-2", "s-1", "back", True),
            ("s-2", "s-1", "", False),
            ("s-2", "s-1", "other-tab", False),
            ("s-2", "s-2", "reload", False),
            ("s-2", "s-3", "reload", False),
        ],
    )
    def test_a_load_that_brings_an_earlier_chats_id_back(
        self, first: str, second: str, after: Any, restores: bool
    ) -> None:
        run = run_of(chat(0, turn(0)), chat(1, turn(0, sent=first), turn(1, sent=second, after=after)))
        assert _after_loads(run)[0] == (ONE if restores else NONE)

    def test_the_first_message_after_a_load_belongs_to_the_chat(self) -> None:
        run = run_of(chat(0, turn(0)), chat(1, turn(0, sent="s-1", after="reload")))
        assert _after_loads(run) == (NONE, NONE)

    @pytest.mark.parametrize(
        ("policy", "after", "sent", "remakes"),
        [
            ({"store": "none"}, "reload", "s-1", True),
            ({"store": "none"}, "back", "s-1", False),
            ({"store": "none"}, "reload", "s-2", False),
            ({"store": "none", "in_address": True}, "reload", "s-1", False),
            ({}, "reload", "s-1", False),
        ],
    )
    def test_the_same_id_after_a_load_with_nothing_stored(
        self, policy: dict[str, Any], after: Any, sent: str, remakes: bool
    ) -> None:
        run = run_of(chat(0, turn(0), turn(1, sent=sent, after=after)), **policy)
        assert _after_loads(run) == (NONE, ONE if remakes else NONE)

    def test_a_payload_that_was_not_seen_shows_nothing(self) -> None:
        unseen = turn(1, sent="s-1", after="reload", sent_seen=False)
        assert _after_loads(run_of(chat(0, turn(0)), chat(1, turn(0, sent="s-2"), unseen))) == (NONE, NONE)

    @pytest.mark.parametrize(
        ("messages", "often"),
        [
            ((turn(0), turn(1, sent="s-2")), True),
            ((turn(0), turn(1)), False),
            ((turn(0), turn(1, sent="s-2", after="reload")), False),
            ((turn(0), turn(1, sent="s-2", sent_seen=False)), False),
        ],
    )
    def test_a_chat_that_makes_ids_again_and_again(self, messages: Any, often: bool) -> None:
        assert _generating_often(run_of(chat(0, *messages))) == (ONE if often else NONE)

    def test_an_id_of_another_chat_is_none_of_its_own(self) -> None:
        run = run_of(chat(0, turn(0)), chat(1, turn(0, sent="s-2"), turn(1, sent="s-1")))
        assert _generating_often(run) == NONE


def test_each_cause_has_its_chats_and_is_one_of_those_that_were_seen() -> None:
    sent, other = "rotation.sent_id_is_fresh", "rotation.stored_id_is_fresh"
    found = Assignment()
    for check, number, cause in ((sent, 0, "a"), (sent, 1, "a"), (other, 1, "a"), (sent, 2, "b")):
        found.causes[Pair(check, key(number))] = cause
    found.variants[Pair(sent, key(1))] = "late"
    found.consequences["a"]["smoke"] = None
    found.unseen[sent] = (key(3),)
    failed = [
        Verdict(sent, "fail", "", chats=tuple(map(key, range(5)))),
        Verdict(other, "fail", "", chats=(key(1), key(7))),
        Verdict("smoke", "fail", "", chats=(key(9),)),
    ]
    shares = found.shares(failed)
    assert list(shares) == ["a", "b"]
    a, b = shares["a"], shares["b"]
    assert (list(a.chats), list(a.checks), a.variant) == ([key(0), key(1)], [sent, other], "late")
    assert (a.of, list(a.consequences)) == ({key(n) for n in (0, 1, 2, 4, 7)}, ["smoke"])
    assert (list(b.chats), b.of, b.variant) == ([key(2)], {key(n) for n in (0, 1, 2, 4)}, "")
