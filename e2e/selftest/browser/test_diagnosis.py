"""Transports, ID patterns, places in the source, two faults at once, refusals: what the matrix does not ask."""

from __future__ import annotations

import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run
from e2e.selftest.browser.conftest import Record

FRESHNESS = {"rotation.stored_id_is_fresh", "rotation.sent_id_is_fresh"}

STALE = FRESHNESS | {"rotation.sent_equals_stored"}
UNPLAYED = {"rotation.rapid_send", "rotation.double_click", "rotation.mid_stream", "rotation.reload"} | {
    "rotation.two_tabs",
    "rotation.back_forward",
    "rotation.empty_chat",
    "rotation.return_to_chat",
    "chat.remembers",
    "chat.forgets",
}


def failed(run: Run) -> set[str]:
    return {v.name for v in judge(run).verdicts if v.outcome == "fail"}


def causes(run: Run) -> list[str]:
    return [c.name for c in judge(run).causes]


@pytest.mark.parametrize("transport", ["sse", "json", "websocket"])
def test_the_healthy_chat_passes_everything(record: Record, transport: str) -> None:
    run = record(transport=transport)
    other = {v.name: v.headline for v in judge(run).verdicts if v.outcome != "pass"}
    assert set(other) - UNPLAYED <= {"provider.independent"}, other  # a dozen sessions are too few for it
    assert causes(run) == []
    assert judge(run).outcome == "pass"


@pytest.mark.parametrize("transport", ["json", "websocket"])
def test_a_stale_session_is_found_over_every_transport(record: Record, transport: str) -> None:
    run = record(faults=["stale-state"], transport=transport)
    assert failed(run) == STALE
    assert causes(run) == ["stale-state"]


@pytest.mark.parametrize("pattern", ["fixed", "browserBased"])
def test_an_id_pattern_that_is_the_same_for_every_chat_fails(record: Record, pattern: str) -> None:
    run = record(id_pattern=pattern)
    assert failed(run) == FRESHNESS | {"session_ids.pattern"}
    assert causes(run) == ["id-shared"]


def test_the_same_pattern_in_a_single_browser_is_a_constant_one(record: Record) -> None:
    assert causes(record(id_pattern="fixed", lanes=1, chats=4)) == ["id-constant"]


@pytest.mark.parametrize("pattern", ["counter", "userBased", "chatBased", "uuid"])
def test_the_other_patterns_pass(record: Record, pattern: str) -> None:
    assert failed(record(id_pattern=pattern, chats=8, lanes=2)) == set()


def test_two_faults_at_once_are_both_named(record: Record) -> None:
    run = record(faults=["stale-state", "session-leaked"])
    assert set(causes(run)) == {"stale-state", "session-leaked"}


def test_the_stale_session_is_shown_in_the_source(record: Record) -> None:
    [cause] = judge(record(faults=["stale-state"])).causes
    places = {place.rsplit(":", 1)[0]: place for place in cause.where}
    assert places["src/lib/session.ts"].endswith(" endSession")
    assert places["src/components/ChatPage.tsx"].endswith(" sendMessage")
    lines = {text.strip() for place in cause.code for number, text in place.context if number == place.line}
    assert "store.removeItem(SESSION_KEY);" in lines
    assert "transport(request, handlers, controller.signal).then(" in lines


@pytest.mark.parametrize(
    ("condition", "fields"),
    [
        ("backend-down", "answered 500"),
        ("rate-limited", "answered 429"),
        ("slow", "no complete reply within 3 s"),
        ("stream-cut", "the reply was cut"),
    ],
)
def test_an_environment_that_refuses_is_no_verdict(record: Record, condition: str, fields: str) -> None:
    run = record(faults=[condition], fault_after=4)
    assert judge(run).outcome == "broken"
    assert failed(run) == set()
    assert causes(run) == []
    problems = [p for meta in run.metas for p in meta.problems]
    assert {p.kind for p in problems} == {"Blocked"}
    assert any(fields in p.what for p in problems)
    assert run.partial
