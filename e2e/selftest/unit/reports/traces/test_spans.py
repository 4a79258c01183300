"""Each span of a chat's trace: its times, its attributes, its events and what counts as an error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from e2e.records.records import Chat, Event, Message, RunRecords
from e2e.selftest.unit.builders import make_run, with_meta
from reports.traces.spans import spans_of

BEGAN = 1_763_860_000.0
ONE = make_run(chats=1, lanes=1, continue_last=False, backend=False)


def event(t: float, kind: Any, chat: int | None = 0, **data: Any) -> Event:
    return Event(ONE.meta.run_id, round(t * 1000), BEGAN + t, 0, chat, kind, data)


def recorded(*events: Event, message: dict[str, Any] | None = None, **chat: Any) -> RunRecords:
    """One chat from 0 s to 1 s, with these events; its message was sent at 0.2 s and ended at 0.8 s."""
    sent: Message = replace(
        ONE.chats[0].messages[0], sent_at=BEGAN + 0.2, ended_at=BEGAN + 0.8, first_chunk_at=BEGAN + 0.5
    )
    made: Chat = replace(
        ONE.chats[0], began=BEGAN, ended=BEGAN + 1, messages=(replace(sent, **message or {}),), **chat
    )
    return replace(ONE, chats=(made,), events=events)


def named(records: RunRecords) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans_of(records)}


def seconds(span: ReadableSpan) -> tuple[float, float]:
    assert span.start_time is not None
    assert span.end_time is not None
    return round(span.start_time / 1e9 - BEGAN, 3), round(span.end_time / 1e9 - BEGAN, 3)


def events_of(span: ReadableSpan) -> list[tuple[str, float]]:
    return [(e.name, round(e.timestamp / 1e9 - BEGAN, 3)) for e in span.events]


class TestChat:
    def test_it_lasts_until_the_last_that_was_seen_of_it(self) -> None:
        assert seconds(named(recorded())["chat"]) == (0, 1)
        assert seconds(named(recorded(event(1.5, "finished")))["chat"]) == (0, 1.5)

    def test_events_are_those_of_the_chat_in_order_of_time(self) -> None:
        found = named(
            recorded(
                event(0.4, "page_error", text="x"), event(0.1, "storage", op="set", stack=[1], by="page"), event(0.3, "chunk"),
                event(0.2, "storage", chat=None), event(0.2, "storage", chat=1),
            )
        )["chat"]  # fmt: skip
        assert events_of(found) == [("store", 0.1), ("page error", 0.4)]
        assert [dict(e.attributes or {}) for e in found.events] == [
            {"store.op": "set"},
            {"page_error.text": "x"},
        ]

    @pytest.mark.parametrize(
        ("status", "reason", "error"),
        [("observed", "", None), ("lost", "it is gone", "it is gone"), ("blocked", "", "blocked")],
    )
    def test_a_chat_that_was_not_observed_is_an_error(
        self, status: Any, reason: str, error: str | None
    ) -> None:
        found = named(recorded(status=status, reason=reason))["chat"]
        assert (found.status.is_ok, found.status.description) == (error is None, error)

    def test_what_is_not_known_has_no_attribute(self) -> None:
        found = dict(named(recorded(stored_before=None, stored="s…1", tab=0))["chat"].attributes or {})
        assert "chat.stored_before" not in found
        assert (found["chat.stored"], found["chat.tab"], found["chat.run_id"]) == ("s…1", 0, ONE.meta.run_id)


class TestTurn:
    def test_it_begins_with_the_press_and_ends_with_the_last_look_at_its_reply(self) -> None:
        assert seconds(named(recorded())["turn"]) == (0.2, 0.8)
        events = [
            event(0.1, "send", message=0),
            event(0.9, "label", message=0),
            event(0.95, "label", message=1),
        ]
        assert seconds(named(recorded(*events))["turn"]) == (0.1, 0.9)

    def test_one_that_never_left_begins_with_its_chat(self) -> None:
        found = named(recorded(message={"sent_at": None, "ended_at": None, "first_chunk_at": None}))["turn"]
        assert (seconds(found), events_of(found)) == ((0, 0), [])

    def test_the_first_piece_of_its_reply_comes_before_the_looks_at_it(self) -> None:
        looks = [
            event(0.8, "reply_end", message=0),
            event(0.9, "label", message=0),
            event(0.6, "chunk", message=0),
        ]
        found = named(recorded(*looks))["turn"]
        assert events_of(found) == [("first chunk", 0.5), ("reply end", 0.8), ("label", 0.9)]

    @pytest.mark.parametrize(
        ("outcome", "ok"), [("ok", True), ("cut", True), ("timeout", False), ("failed", False)]
    )
    def test_a_reply_that_did_not_come_is_an_error(self, outcome: str, ok: bool) -> None:
        assert named(recorded(message={"outcome": outcome}))["turn"].status.is_ok is ok


class TestPayload:
    SENT = event(0.2, "payload", rule="chat", request="r-1", message=0, method="POST", url="http://a/chat")

    def found(self, *answers: Event) -> ReadableSpan:
        return named(recorded(self.SENT, *answers))["payload chat"]

    def test_it_lasts_until_its_last_answer(self) -> None:
        answers = [event(0.3, "response", request="r-1"), event(0.7, "finished", request="r-1")]
        assert seconds(self.found(*answers)) == (0.2, 0.7)
        assert seconds(self.found(event(0.9, "response", request="r-2"))) == (0.2, 0.2)
        assert self.found().kind is SpanKind.CLIENT

    def test_of_many_pieces_the_first_and_the_last_are_events(self) -> None:
        pieces = [event(0.4 + n / 100, "chunk", request="r-1") for n in range(5)]
        found = self.found(
            event(0.3, "response", request="r-1"), *pieces, event(0.7, "finished", request="r-1")
        )
        assert events_of(found) == [("response", 0.3), ("chunk", 0.4), ("chunk", 0.44), ("finished", 0.7)]
        assert (found.attributes or {})["payload.chunks"] == 5

    @pytest.mark.parametrize(
        ("status", "outcome", "error"),
        [
            (200, "ok", None),
            (399, "ok", None),
            (400, "ok", "status 400"),
            (200, "failed", "failed"),
            (None, "ok", None),
        ],
    )
    def test_a_refusal_and_a_failure_are_errors(
        self, status: int | None, outcome: str, error: str | None
    ) -> None:
        answers = [
            event(0.3, "response", request="r-1", status=status), event(0.7, "finished", request="r-1", outcome=outcome),
        ]  # fmt: skip
        assert self.found(*answers).status.description == error

    @pytest.mark.parametrize(("message", "parent"), [(0, "turn"), (None, "chat")])
    def test_it_belongs_to_its_turn_or_else_to_its_chat(self, message: int | None, parent: str) -> None:
        sent = replace(self.SENT, data=dict(self.SENT.data) | {"message": message})
        found = named(recorded(sent))
        span = found["payload chat"]
        assert span.parent is not None
        assert span.parent.span_id == found[parent].get_span_context().span_id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "chat-session-e2e"),
        ({"OTEL_SERVICE_NAME": "mine"}, "mine"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=its"}, "its"),
    ],
)
def test_the_service_has_its_usual_variables(
    variables: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(known, raising=False)
    for known, value in variables.items():
        monkeypatch.setenv(known, value)
    meta = {"environment": {"target_version": "2", "commit": "abc"}, "shard": "1/2", "shared_run": ""}
    found = dict(named(with_meta(recorded(), **meta))["chat"].resource.attributes)
    assert found["service.name"] == name
    assert (found["chat.target"], found["chat.target_version"], found["service.version"]) == (
        "reference",
        "2",
        "abc",
    )
    assert (found["chat.shard"], "chat.shared_run" in found, "chat.browser" in found) == ("1/2", False, False)
