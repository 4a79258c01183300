"""A second request of a message that carries the session is judged too: it may go on with an old one."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.explore.discover.infer import infer
from e2e.explore.discover.infer.propose import propose
from e2e.selftest.unit.explore.test_infer import (
    CHATS,
    ONE,
    REPLY,
    conversation,
    posts,
    stored,
    watched,
)

VISIT = "visit_1795410000000_aa11bb22cc33"
LOCAL = tuple(stored(session) for session in CHATS)


def found(title: Any) -> Any:
    main = posts(lambda n, session, text: {"session": session, "text": text}, lambda n: {"text": REPLY})
    other = posts(title, lambda n: {"title": "Hello"}, url="https://chat.example/api/title")
    observed = conversation(*LOCAL)
    findings = infer(watched(main + other), observed)
    return findings, propose(observed, findings, "acme", "https://chat.example/")


@pytest.mark.parametrize("stale", [False, True])
def test_a_request_for_the_title_becomes_a_wire_rule(stale: bool) -> None:
    """Also where it sends the first chat's ID in the second one: that is the fault which the rule finds."""
    findings, text = found(lambda n, session, text: {"session": ONE if stale else session, "text": text})
    [rule] = findings.also
    assert rule.value == {"name": "title", "url": "/api/title$", "session": "session"}
    assert rule.confidence > 0.8
    assert text.count("[[wire]]") == 2
    assert 'url = "/api/title$"\nsession = "session"' in text


def test_a_guess_by_value_alone_is_less_certain() -> None:
    findings, _ = found(lambda n, session, text: {"ref": {"chat": session}, "text": text})
    assert [rule.value["session"] for rule in findings.also] == ["ref.chat"]
    assert findings.also[0].confidence < 0.8


def test_a_request_with_another_id_is_left_alone() -> None:
    findings, text = found(lambda n, session, text: {"session": VISIT, "text": text})
    assert findings.also == []
    assert text.count("[[wire]]") == 1
