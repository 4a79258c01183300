"""Payloads that could not be read: one problem for each rule, with what can be done about it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.network.payloads import COOKIES_NOT_SEEN
from e2e.capture.recording.unread import Unread


def payload(rule: str, why: str) -> Any:
    return SimpleNamespace(rule=SimpleNamespace(name=rule, judged=True), unreadable=why)


@pytest.mark.parametrize(
    ("why", "hint"), [(COOKIES_NOT_SEEN, "--wire cdp"), ("it is no JSON", "is the ID also in a header")]
)
def test_the_hint_fits_the_reason(why: str, hint: str) -> None:
    unread = Unread()
    unread.note(payload("chat", why))
    (problem,) = unread.problems()
    assert why in problem.what
    assert problem.hint.startswith(hint)


def test_each_rule_has_one_problem_with_its_first_reason() -> None:
    unread = Unread()
    for rule, why in (("chat", "first"), ("chat", "second"), ("titles", "third")):
        unread.note(payload(rule, why))
    assert [(p.where, p.what.rpartition(": ")[2]) for p in unread.problems()] == [
        ("[[wire]] chat of the profile", "first"),
        ("[[wire]] titles of the profile", "third"),
    ]
    assert unread.rules["chat"] == ("first", 2)
