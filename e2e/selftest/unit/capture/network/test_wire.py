"""Which payloads are the chat's, what they carry, and what an answer says, however its bytes are cut."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.capture.network.bodies.event_reader import AnswerReader, FramedReader, _charset, as_json, with_event
from e2e.capture.network.events.state import WireState
from e2e.capture.network.exchanges import Exchanges
from e2e.capture.network.wire_rules import Refusal, Rule, Sent
from e2e.framings.registry import FRAMINGS
from e2e.profile.profile import RefusalRule, WireRule

few = settings(max_examples=40, deadline=None, database=None)

URL = "https://chat.example/api/chats/c-17/messages?session=q-1&empty=&session=q-2"


RECEIVED = {"direction": "received", "session": None}


def rule(**fields: Any) -> Rule:
    return Rule(WireRule.model_validate({"url": "/api/chat", "session": "session_id", **fields}))


class TestNames:
    @pytest.mark.parametrize(
        ("fields", "method", "url", "named"),
        [
            ({"url": "/api/chat$"}, "POST", "https://a.example/api/chat", True),
            ({"url": "/api/chat$"}, "POST", "https://a.example/api/chats", False),
            ({"url": "/api/chat$"}, "GET", "https://a.example/api/chat", False),
            ({"method": "PUT"}, "PUT", "https://a.example/api/chat", True),
            ({"method": "PUT"}, "POST", "https://a.example/api/chat", False),
            (RECEIVED, "GET", "https://a.example/api/chat?x", True),
            ({"transport": "websocket"}, "POST", "https://a.example/api/chat", False),
        ],
    )
    def test_a_request_is_named_by_method_and_address(
        self, fields: dict[str, Any], method: str, url: str, named: bool
    ) -> None:
        assert rule(**fields).names(method, url) is named


class TestCondition:
    @pytest.mark.parametrize(
        ("when", "payload", "accepted"),
        [
            (None, None, True),
            ("type == 'chat'", {"type": "chat"}, True),
            ("type == 'chat'", {"type": "ping"}, False),
            ("type == 'chat'", None, False),
            ("messages", {"messages": []}, False),
            ("messages", {"messages": [1]}, True),
            ("starts_with(type, 'chat')", {"type": "chat.send"}, True),
            ("starts_with(type, 'chat')", {"kind": "other"}, False),
            ("starts_with(type, 'chat')", ["a", "list"], False),
            ("length(messages) > `1`", None, False),
        ],
    )
    def test_it_holds_or_not_whatever_the_payload_is(
        self, when: str | None, payload: Any, accepted: bool
    ) -> None:
        assert rule(when=when).accepts(payload) is accepted

    def test_a_rule_may_say_what_ends_a_reply(self) -> None:
        assert rule(done="type == 'done'").marks_end
        assert not rule().marks_end

    def test_an_answer_may_say_that_it_failed(self) -> None:
        fields = rule(failed="success == `false`")
        assert fields.has_failed({"success": False})
        assert not fields.has_failed({"success": True})
        assert not rule().has_failed({"success": False})

    def test_what_is_no_answer_is_left_out(self) -> None:
        fields = rule(answer_when="type == 'ActionResponse'")
        assert fields.is_answer({"type": "ActionResponse"})
        assert not fields.is_answer({"type": "Transition"})
        assert rule().is_answer({"type": "Transition"})

    def test_json_in_a_string_is_read_when_the_rule_states_it(self) -> None:
        payload = {"data": '{"session": "s-1"}'}
        folded = rule(session="data.session", parse_nested_json=True)
        assert folded.session_of(Sent(URL), folded.read(payload)) == "s-1"
        plain = rule(session="data.session")
        assert plain.session_of(Sent(URL), plain.read(payload)) is None

    @pytest.mark.parametrize(
        ("frame", "done"), [({"type": "done"}, True), ({"type": "text"}, False), (None, False), (7, False)]
    )
    def test_the_end_of_a_reply(self, frame: Any, done: bool) -> None:
        assert rule(done="type == 'done'").is_done(frame) is done

    def test_without_a_condition_nothing_is_the_end(self) -> None:
        assert not rule().is_done({"type": "done"})


class TestSession:
    @pytest.mark.parametrize(
        ("where", "payload", "found"),
        [
            ("session_id", {"session_id": "s-1"}, "s-1"),
            ("args[0].sessionId", {"args": [{"sessionId": "s-1"}]}, "s-1"),
            ("session_id", {"session_id": 17}, "17"),
            ("session_id", {"session_id": ""}, None),
            ("session_id", {}, None),
            ("session_id", [], None),
            ("session_id", None, None),
            ("join('-', parts)", {"parts": None}, None),
            ({"query": "session"}, None, "q-1"),
            ({"query": "empty"}, None, None),
            ({"query": "sess"}, None, None),
            ({"header": "X-Session"}, None, "h-1"),
            ({"header": "x-SESSION"}, None, "h-1"),
            ({"header": "X-Other"}, None, None),
            ({"path": "/chats/([^/]+)/"}, None, "c-17"),
            ({"path": "/(chats|rooms)/([^/]+)/"}, None, "chats"),
            ({"path": "/(?:chats|rooms)/([^/]+)/(messages)"}, None, "c-17"),
            ({"path": "c-[0-9]+"}, None, "c-17"),
            ({"path": "/chats/([^/]*?)c-17"}, None, None),
            ({"path": "/rooms/([^/]+)"}, None, None),
            ({"path": "session=(.*)"}, None, None),
            ({"url": "[?&]session=([^&]+)"}, None, "q-1"),
            ({"form": "session"}, {"session": "f-1"}, "f-1"),
            ({"form": "session"}, {"session": ["f-1", "f-2"]}, "f-1"),
            ({"form": "session"}, {"session": []}, None),
            ({"form": "session"}, ["session"], None),
            ({"cookie": "sid"}, None, "k 1"),
            ({"cookie": "other"}, None, None),
            ({"json": "auth", "regex": "^Bearer (.+)$"}, {"auth": "Bearer b-1"}, "b-1"),
            ({"json": "auth", "regex": "^Bearer (.+)$"}, {"auth": "Basic b-1"}, None),
        ],
    )
    def test_it_is_read_where_the_profile_says(self, where: Any, payload: Any, found: str | None) -> None:
        headers = {"Content-Type": "application/json", "x-session": "h-1"}
        sent = Sent(URL, headers, {"sid": "k%201"})
        assert rule(session=where).session_of(sent, payload) == found

    @pytest.mark.parametrize(
        "where", [{"header": "X-Session"}, {"cookie": "sid"}, {"json": "session"}, {"query": "s"}]
    )
    def test_an_empty_place_carries_no_id(self, where: Any) -> None:
        sent = Sent("https://chat.example/api/chat?s=", {"x-session": ""}, {"sid": ""})
        assert rule(session=where).raw_session_of(sent, {"session": ""}) is None


class TestHistory:
    @pytest.mark.parametrize(
        ("payload", "count"),
        [({"h": [1, 2]}, 2), ({"h": []}, 0), ({}, 0), (None, 0), ({"h": "text"}, 0)],
    )
    def test_earlier_messages_are_counted(self, payload: Any, count: int) -> None:
        assert rule(history="h").history_of(payload) == count

    def test_it_is_unknown_when_the_profile_does_not_say_where(self) -> None:
        assert rule().history_of({"h": [1, 2]}) is None


class TestAnswer:
    def test_the_provider_may_stand_in_the_body(self) -> None:
        with_provider = rule(provider="meta.provider")
        assert with_provider.provider_of({}, {"meta": {"provider": "Big hat"}}) == "Big hat"
        assert with_provider.provider_of({}, {"text": "Hello"}) is None
        assert with_provider.provider_of({}, None) is None

    def test_the_provider_may_stand_in_a_header(self) -> None:
        assert (
            rule(provider={"header": "X-Provider"}).provider_of({"x-provider": "Big hat"}, None) == "Big hat"
        )

    def test_without_a_place_there_is_no_provider(self) -> None:
        assert rule().provider_of({"provider": "Big hat"}, {"provider": "Big hat"}) is None

    def test_what_ties_a_frame_to_its_payload(self) -> None:
        tied = rule(transport="websocket", reply_to="id")
        assert tied.key_of({"id": 7}) == "7"
        assert tied.key_of({}) is None
        assert tied.key_of(None) is None
        assert rule().key_of({"id": 7}) is None


class TestAsJson:
    @pytest.mark.parametrize(
        ("text", "value"), [('{"a": 1}', {"a": 1}), ("7", 7), ('"x"', "x"), ("null", None)]
    )
    def test_json_is_parsed(self, text: str, value: Any) -> None:
        assert as_json(text) == value

    @pytest.mark.parametrize("text", ["", "{", "a=1&b=2", "[" * 100_000, "9" * 5_000, "\x00"])
    def test_anything_else_is_nothing(self, text: str) -> None:
        assert as_json(text) is None


Events = list[tuple[str, Any]]

STREAM = "text/event-stream; charset=utf-8"


def read(content_type: str, *chunks: bytes) -> Events:
    reader = AnswerReader(content_type)
    return [event for chunk in chunks for event in reader.feed(chunk)] + list(reader.end())


def written(events: Events, newlines: list[str], *, lines: int = 1) -> bytes:
    """A stream as a server may write it: any line end anywhere, comments, IDs, JSON over several data lines."""
    ends = iter(newlines * 1000)
    out = ["\ufeff", ": hello", next(ends), next(ends)]
    for number, (name, value) in enumerate(events):
        fields = json.dumps(value, ensure_ascii=False, indent=1 if lines > 1 else None).split("\n")
        if name != "message":
            out += [f"event: {name}", next(ends)]
        out += [f"id: {number}", next(ends), "retry: 100", next(ends)]
        for line in fields:
            out += [f"data:{' ' * (number % 2)}{line}", next(ends)]
        out += [next(ends)]
    # CR then LF is one line end: a server that means two does not write them so.
    fixed = [b if (a, b) != ("\r", "\n") else "\r\n" for a, b in pairwise(["", *out])]
    return "".join(fixed).encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.dictionaries(st.text(), inner),
    max_leaves=4,
).filter(lambda value: value is not None)
stream_events = st.lists(st.tuples(st.sampled_from(["message", "token", "done"]), json_values), max_size=4)
line_ends = st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1, max_size=7)


class TestStream:
    @few
    @given(stream_events, line_ends, st.integers(1, 2), st.data())
    def test_any_cut_gives_the_events_that_were_written(
        self, events: Events, ends: list[str], lines: int, data: st.DataObject
    ) -> None:
        raw = written(events, ends, lines=lines)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
        chunks = [raw[a:b] for a, b in pairwise([0, *cuts, len(raw)])]
        assert read(STREAM, *chunks) == events

    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    def test_a_cut_at_every_byte_gives_the_same_events(self, newline: str) -> None:
        events: Events = [("token", {"text": "Grüße 🎩", "n": 1}), ("done", {"provider": "Big hat"})]
        raw = written(events, [newline], lines=2)
        assert read(STREAM, *(raw[i : i + 1] for i in range(len(raw)))) == events
        assert all(read(STREAM, raw[:at], raw[at:]) == events for at in range(len(raw)))

    @pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
    def test_an_event_is_reported_as_soon_as_its_empty_line_is_there(self, newline: bytes) -> None:
        reader = AnswerReader(STREAM)
        assert list(reader.feed(b"data: 7" + newline)) == []
        assert list(reader.feed(newline)) == [("message", 7)]

    def test_data_over_several_lines_is_joined(self) -> None:
        assert read(STREAM, b'data: {"a":\ndata: 1}\n\n') == [("message", {"a": 1})]

    def test_only_one_space_after_the_colon_is_the_formats(self) -> None:
        assert read(STREAM, b'data:  "x"\ndata:\n\n') == [("message", "x")]
        assert read(STREAM, b'data:"x"\n\n') == [("message", "x")]

    def test_an_events_name_is_forgotten_with_it(self) -> None:
        assert read(STREAM, b"event: token\ndata: 1\n\ndata: 2\n\n") == [("token", 1), ("message", 2)]

    def test_a_name_without_data_is_no_event(self) -> None:
        assert read(STREAM, b"event: ping\n\ndata: 2\n\n") == [("message", 2)]

    def test_what_is_no_json_is_a_text(self) -> None:
        assert read(STREAM, b"data: [DONE]\n\ndata: 2\n\n") == [
            ("message", {"text": "[DONE]"}),
            ("message", 2),
        ]

    def test_an_event_that_was_cut_off_is_none(self) -> None:
        assert read(STREAM, b"data: 1\n\ndata: 2\n") == [("message", 1)]
        assert read(STREAM, b"data: 1\n\ndata: 2") == [("message", 1)]

    @few
    @given(st.binary(max_size=60))
    def test_garbage_does_no_harm(self, raw: bytes) -> None:
        assert read(STREAM, raw, b"\n\ndata: 2\n\n")[-1] == ("message", 2)


class TestBody:
    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
    def test_it_is_one_value_at_the_end(self, content_type: str) -> None:
        reader = AnswerReader(content_type)
        assert list(reader.feed(b'{"provider": "Gr')) == []
        assert list(reader.feed(b'\xc3\xbcn"}')) == []
        assert list(reader.end()) == [("", {"provider": "Grün"})]

    def test_a_byte_order_mark_is_no_part_of_it(self) -> None:
        assert read("application/json", b'\xef\xbb\xbf{"a": 1}') == [("", {"a": 1})]

    @pytest.mark.parametrize("raw", [b"", b"<html>", b"\xff\xfe\x00", b'{"a": ', b"null"])
    def test_garbage_is_nothing(self, raw: bytes) -> None:
        assert read("application/json", raw) == []

    def test_events_in_a_body_that_is_no_stream_are_none(self) -> None:
        assert read("text/html", b"data: 1\n\n") == []


class TestLines:
    LINES = "application/x-ndjson"

    def test_each_line_is_reported_when_it_is_whole(self) -> None:
        reader = AnswerReader(self.LINES)
        assert list(reader.feed(b'{"a": 1}\n{"b"')) == [("", {"a": 1})]
        assert list(reader.feed(b": 2}\r\n\n7")) == [("", {"b": 2})]
        assert list(reader.end()) == [("", 7)]

    def test_a_line_that_is_no_json_is_left_out(self) -> None:
        assert read(self.LINES, b"hello\n2\n") == [("", 2)]

    def test_lines_under_another_name_are_read_at_the_end(self) -> None:
        assert read("text/plain", b'{"a": 1}\n{"a": 2}\n') == [("", {"a": 1}), ("", {"a": 2})]


class TestLongValues:
    """A body may never end: what is kept of one value is limited, and that something is missing is known."""

    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("e2e.capture.network.bodies.event_reader.MOST_OF_ONE_VALUE", 20)

    def test_a_body_that_is_too_long_is_dropped(self) -> None:
        reader = AnswerReader("application/json")
        for _ in range(5):
            assert list(reader.feed(b"[1, 2, 3]")) == []
        assert reader.cut
        assert reader.text(b"more") == ""
        assert list(reader.end()) == []

    def test_the_line_after_one_that_is_too_long_is_read(self) -> None:
        reader = AnswerReader(TestLines.LINES)
        assert list(reader.feed(b'"' + b"x" * 30)) == []
        assert list(reader.feed(b'x"\n{"a": 1}\n')) == [("", {"a": 1})]
        assert reader.cut

    def test_an_event_whose_lines_are_too_many_is_dropped(self) -> None:
        reader = AnswerReader(STREAM)
        assert list(reader.feed(b"data: 1234\n" * 9 + b"\n" + b"data: 2\n\n")) == [("message", 2)]
        assert reader.cut

    def test_many_short_values_are_all_read(self) -> None:
        reader = AnswerReader(STREAM)
        assert len(list(reader.feed(b"data: 1\n\n" * 50))) == 50
        assert not reader.cut

    def test_a_framed_body_that_is_too_long_is_dropped(self) -> None:
        whole = next(name for name, framing in FRAMINGS.items() if not framing.streams)
        reader = FramedReader(whole)
        for _ in range(3):
            assert list(reader.feed(b"0123456789")) == []
        assert reader.cut
        assert list(reader.end()) == []


class TestEventNames:
    @pytest.mark.parametrize(
        ("value", "event", "seen"),
        [
            ({"a": 1}, "done", {"event": "done", "a": 1}),
            ({"event": "own"}, "done", {"event": "own"}),
            ("x", "done", {"event": "done", "data": "x"}),
            ({"a": 1}, "message", {"a": 1}),
            ({"a": 1}, "", {"a": 1}),
        ],
    )
    def test_conditions_see_the_name(self, value: Any, event: str, seen: Any) -> None:
        assert with_event(value, event) == seen


class TestRefusal:
    def test_a_status_or_an_answer_may_show_it(self) -> None:
        limit = Refusal(RefusalRule(kind="rate-limited", status=(429, 503)))
        assert limit.in_status(503)
        assert not limit.in_status(500)
        assert not limit.in_answer({"error": "quota"})
        quota = Refusal(RefusalRule(kind="daily-limit", answer="error == 'quota'"))
        assert quota.in_answer({"error": "quota"})
        assert not quota.in_answer({"error": "other"})
        assert not quota.in_status(429)


def test_requests_of_a_page_that_was_left_are_not_waited_for() -> None:
    state = WireState(cast(Exchanges, None), reading=True, cookies=None, frame_depth=0, traffic=None)
    state.in_flight = {"page.1": 10.0, "page.2": 11.0, "page.3": 12.5}
    state.left_page(11.0)
    assert list(state.in_flight) == ["page.2", "page.3"]


def test_an_answer_of_a_framing_has_no_text_of_its_own() -> None:
    assert FramedReader("grpc-web").text(b"anything") == ""


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/plain", "utf-8"),
        ("text/plain; charset=ISO-8859-1", "iso8859-1"),
        ('text/plain; Charset="latin1"; x=1', "iso8859-1"),
        ("text/plain; charset=no-such", "utf-8"),
        ("text/plain; charset=hex", "utf-8"),
        ("text/plain; charset=zip", "utf-8"),
        ("text/plain; charset=undefined", "utf-8"),
        ("text/plain; charset=utf-16le", "utf-16-le"),
        ("text/plain; charset=utf-16", "utf-16"),
        ("", "utf-8"),
    ],
)
def test_the_charset_of_an_answer_is_the_one_it_names(content_type: str, charset: str) -> None:
    assert _charset(content_type) == charset
