"""HTTP as events of one target: what is waited for, which cookies count, whose answer it is, and what a cache answered."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

import pytest

from e2e.capture.network.bodies.encodings import body_of
from e2e.capture.network.events.channel import Handler, Params, Then
from e2e.capture.network.events.http import HttpTraffic
from e2e.capture.network.events.state import WireState
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.exchanges import Exchanges
from e2e.capture.network.traffic import Seen, Traffic
from e2e.capture.network.wire_rules import Rule
from e2e.profile.profile import WireRule
from e2e.profile.values.bounded import Pattern
from e2e.selftest.unit.capture.network.test_cdp import Log, Scene, b64, no_such, sse

WALL = 1_763_860_000.0
URL = "https://chat.example/api/chat"
JSON = {"Content-Type": "application/json"}
EVENTS: dict[str, Any] = {"name": "events", "url": "/events$", "direction": "received", "method": "GET"}


class Channel:
    """A target of any kind; the test answers its commands, or lets them wait."""

    def __init__(self, kind: str = "page", prefix: str = "") -> None:
        self.kind, self.prefix = kind, prefix
        self.requested: list[tuple[str, Params]] = []
        self.waiting: dict[str, list[Then]] = {}
        self.answers: dict[str, Params | str] = {"Network.streamResourceContent": {"bufferedData": ""}}

    def on(self, event: str, handler: Handler) -> None:
        raise AssertionError("the wire installs the handlers")

    def ask(self, method: str, params: Params | None = None, then: Then | None = None) -> None:
        self.requested.append((method, params or {}))
        assert then is not None
        answer = self.answers.get(method)
        if answer is None:
            self.waiting.setdefault(method, []).append(then)
        elif isinstance(answer, str):
            then(None, answer)
        else:
            then(answer, "")

    def names(self, method: str) -> int:
        return sum(name == f"Network.{method}" for name, _ in self.requested)


class Line(Log):
    """A log of cookies with their names, too."""

    def on_cookie(self, t: float, name: str, value: str | None) -> None:
        self.reported.append((name, value, round(t - WALL, 3)))


class Target:
    """One target's traffic, without a session of the protocol."""

    def __init__(self, *rules: Params, channel: Channel | None = None, cookies: str | None = None) -> None:
        known: Params = {"url": "/api/chat$", "session": "session_id", "provider": "provider"}
        self.channel, self.log = channel or Channel(), Line()
        self.state = WireState(
            Exchanges(
                tuple(Rule(WireRule.model_validate(known | rule)) for rule in rules or ({},)), self.log
            ),
            reading=True,
            cookies=Pattern(cookies, "session.key_pattern") if cookies else None,
            frame_depth=0,
            traffic=None,
        )
        self.http = HttpTraffic(self.channel, self.state)

    def emit(self, event: str, n: str = "1", **params: Any) -> None:
        self.http.handlers[f"Network.{event}"]({"requestId": n, **params})

    def request(self, n: str = "1", t: float = 1.0, *, kind: str = "Fetch", more: Params | None = None, **fields: Any) -> None:  # fmt: skip
        request = {"url": URL, "method": "POST", "headers": {}, "postData": '{"session_id": "s-1"}', **fields}
        request = {key: value for key, value in request.items() if value is not None}
        self.emit("requestWillBeSent", n, timestamp=t, wallTime=WALL + t, type=kind, request=request, **(more or {}))  # fmt: skip

    def response(self, n: str = "1", t: float = 2.0, status: int = 200, headers: Any = JSON, **fields: Any) -> None:  # fmt: skip
        self.emit(
            "responseReceived", n, timestamp=t, response={"status": status, "headers": headers, **fields}
        )

    def data(self, text: str, n: str = "1", t: float = 3.0) -> None:
        self.emit("dataReceived", n, timestamp=t, dataLength=len(text.encode()), data=b64(text))

    def finished(self, n: str = "1", t: float = 4.0, **more: Any) -> None:
        self.emit("loadingFinished", n, timestamp=t, **more)

    def cookie(self, line: str, n: str = "1", name: str = "Set-Cookie") -> None:
        self.emit("responseReceivedExtraInfo", n, headers={"Date": "now", name: line})

    @property
    def exchange(self) -> Exchange:
        (exchange,) = self.log.exchanges
        return exchange


class TestInFlight:
    @pytest.mark.parametrize(
        ("kind", "in_flight", "loading"),
        [
            ("Fetch", {"p:1"}, set()),
            ("XHR", {"p:1"}, set()),
            ("Ping", set(), set()),
            ("EventSource", set(), set()),
            ("Document", set(), {"p:1"}),
            ("Script", set(), set()),
        ],
    )
    def test_requests_of_scripts_and_loads_of_documents_are_awaited(
        self, kind: str, in_flight: set[str], loading: set[str]
    ) -> None:
        target = Target(channel=Channel(prefix="p:"))
        target.request(kind=kind, url="https://chat.example/other")
        assert (set(target.state.in_flight), set(target.state.loading)) == (in_flight, loading)
        target.finished()
        assert (target.state.in_flight, target.state.loading) == ({}, {})

    @pytest.mark.parametrize(
        ("kind", "type_", "seen"),
        [
            ("page", None, False),
            ("iframe", None, False),
            ("worker", None, True),
            ("service_worker", "Other", True),
            ("shared_worker", "Script", False),
        ],
    )
    def test_what_a_worker_sends_is_a_scripts_whatever_its_type(
        self, kind: str, type_: str | None, seen: bool
    ) -> None:
        target = Target(channel=Channel(kind))
        target.request(kind=cast(str, type_))
        assert (target.log.names, bool(target.state.recent)) == (["payload"] if seen else [], seen)
        if seen:
            assert target.exchange.origin == kind

    def test_news_that_may_never_end_are_not_awaited(self) -> None:
        target = Target()
        for n, kind in (("1", "text/event-stream; charset=utf-8"), ("2", "application/json")):
            target.request(n, url="https://chat.example/news")
            target.response(n, headers={"content-type": kind})
        assert set(target.state.in_flight) == {"2"}
        target.request("3", url="https://chat.example/news")
        target.response("3", headers={}, mimeType="text/event-stream")
        assert set(target.state.in_flight) == {"2"}

    def test_the_announced_bytes_are_counted(self) -> None:
        target = Target()
        for n, length in (("1", "5"), ("2", "6"), ("3", "")):
            target.request(n, url="https://chat.example/other")
            target.response(n, headers={"content-length": length})
            target.data("12345", n)
        assert set(target.state.in_flight) == {"2", "3"}
        target.data("1", "2")
        target.data("1", "2")
        assert set(target.state.in_flight) == {"3"}

    def test_a_redirected_request_is_remembered_twice_and_is_one_payload(self) -> None:
        target = Target({"url": "/api/chat/?$"})
        target.request()
        target.request(t=1.5, url=URL + "/?x=1", more={"redirectResponse": {"status": 307}})
        assert target.state.recent == [f"POST {URL}", f"POST {URL}/"]
        assert target.log.names == ["payload"]


class TestCookies:
    def reported(self, line: str, cookies: str = "^sid", name: str = "Set-Cookie") -> list[tuple[Any, ...]]:
        target = Target(cookies=cookies)
        target.request(url="https://chat.example/new")
        target.cookie(line, name=name)
        assert target.log.reported == []
        target.response(t=1.5)
        return target.log.reported

    @pytest.mark.parametrize(
        ("line", "reported"),
        [
            ("sid=B", [("sid", "B", 1.5)]),
            ("sid = B ; Path=/; Max-Age=60", [("sid", "B", 1.5)]),
            ("sid=a=b==; Path=/", [("sid", "a=b==", 1.5)]),
            ("sid=B; Max-Age=0", [("sid", None, 1.5)]),
            ("sid=B; max-age=-1; Path=/", [("sid", None, 1.5)]),
            ("sid=B; Path=/; MAX-AGE=0 ", [("sid", None, 1.5)]),
            ("sid=; Path=/", [("sid", None, 1.5)]),
            ("other=B", []),
            ("other=1\nsid=B; Path=/\nsid2=C", [("sid", "B", 1.5), ("sid2", "C", 1.5)]),
        ],
    )
    def test_an_answer_sets_and_removes_them(self, line: str, reported: list[Any]) -> None:
        assert self.reported(line) == reported

    def test_its_header_may_have_any_case(self) -> None:
        assert self.reported("sid=B", name="SET-cookie") == [("sid", "B", 1.5)]

    def test_those_of_a_page_load_are_of_its_answers_time(self) -> None:
        target = Target(cookies="^sid$")
        target.request(kind="Document", url="https://chat.example/")
        target.cookie("sid=B")
        target.cookie("sid=C")
        target.response(t=1.25)
        assert target.log.reported == [("sid", "B", 1.25), ("sid", "C", 1.25)]

    def test_a_late_report_is_of_the_first_answers_time(self) -> None:
        target = Target(cookies="^sid$")
        target.request(url="https://chat.example/new")
        target.response(t=1.5)
        target.finished(t=1.75)
        target.cookie("sid=B")
        assert target.log.reported == [("sid", "B", 1.5)]

    def test_a_late_report_after_a_redirection_is_of_the_last_answers_time(self) -> None:
        target = Target(cookies="^sid$")
        target.request(url="https://chat.example/new")
        target.request(t=1.25, url="https://chat.example/2", more={"redirectResponse": {"status": 302}})
        target.response(t=1.5)
        target.cookie("sid=B")
        assert target.log.reported == [("sid", "B", 1.5)]

    def test_the_answers_of_512_requests_are_remembered(self) -> None:
        target = Target(cookies="^sid$")
        for n in range(513):
            target.request(str(n), url="https://chat.example/new")
            target.response(str(n), t=1.5)
            target.finished(str(n))
        target.cookie("sid=B", "1")
        assert target.log.reported == [("sid", "B", 1.5)]
        target.cookie("sid=B", "0")
        (_, _, t) = target.log.reported[1]
        assert t > 1000

    def test_nobody_asked_for_them(self) -> None:
        target = Target()
        assert "Network.responseReceivedExtraInfo" not in target.http.handlers
        assert "Network.requestWillBeSentExtraInfo" not in target.http.handlers

    def test_they_are_a_part_of_the_reply(self) -> None:
        target = Target(cookies="^sid$")
        target.request()
        target.cookie("sid=B-123456")
        target.response(t=2.0)
        assert target.exchange.reply.carried_at("B-123456") == WALL + 2.0


SENT_COOKIE: Params = {"session": {"cookie": "sid"}}


def carried(name: str, value: str, *, blocked: bool = False) -> Params:
    return {
        "cookie": {"name": name, "value": value},
        "blockedReasons": ["SameSiteLax"] if blocked else [],
    }


class TestSentCookies:
    @pytest.mark.parametrize(
        ("cookies", "headers", "session"),
        [
            ([carried("sid", "A")], {}, "A"),
            ([carried("sid", "A")], {"Cookie": "sid=B"}, "A"),
            ([carried("sid", "A", blocked=True)], {"COOKIE": "sid=B"}, "B"),
            ([carried("sid", "A", blocked=True)], {"Accept": "sid=C"}, None),
            ([carried("sid", "A", blocked=True), carried("sid", "D")], {}, "D"),
        ],
    )
    def test_a_payload_carries_those_that_were_not_held_back(
        self, cookies: list[Params], headers: dict[str, str], session: str | None
    ) -> None:
        for first in (True, False):
            target = Target(SENT_COOKIE)
            for known in (True, False) if first else (False, True):
                if known:
                    target.emit("requestWillBeSentExtraInfo", headers=headers, associatedCookies=cookies)
                else:
                    target.request()
            assert (target.exchange.session, target.exchange.unreadable) == (session, "")

    @pytest.mark.parametrize("end", ["response", "finished", "failed"])
    def test_a_request_of_which_none_are_reported_is_seen_at_its_answer(self, end: str) -> None:
        target = Target(SENT_COOKIE)
        target.request()
        assert target.log.reported == []
        if end == "failed":
            target.emit("loadingFailed", timestamp=2.0, errorText="net::ERR_X", canceled=True)
        else:
            getattr(target, end)()
        assert target.exchange.unreadable == "the browser did not report which cookies the request carried"
        assert target.exchange.outcome == (
            "cancelled" if end == "failed" else "ok" if end == "finished" else ""
        )

    def test_one_rule_of_two_may_need_them(self) -> None:
        target = Target({"url": "/other"}, SENT_COOKIE)
        target.request()
        target.emit("requestWillBeSentExtraInfo", headers={"cookie": "sid=A"})
        assert target.exchange.session == "A"

    def test_a_header_of_that_name_is_known_with_the_cookies(self) -> None:
        target = Target({"session": {"header": "Cookie", "regex": "sid=([^;]+)"}})
        assert "Network.requestWillBeSentExtraInfo" in target.http.handlers

    def test_those_of_512_requests_are_kept(self) -> None:
        target = Target(SENT_COOKIE)
        for n in range(513):
            cookies = [carried("sid", f"s-{n}")]
            target.emit("requestWillBeSentExtraInfo", str(n), headers={}, associatedCookies=cookies)
        target.request("0")
        target.request("1")
        assert [e.session for e in target.log.exchanges] == ["s-1"]


class TestBodyOnDemand:
    def target(self) -> Target:
        target = Target()
        target.request(postData=None, hasPostData=True)
        return target

    def answer(self, target: Target, text: str) -> None:
        for then in target.channel.waiting.pop("Network.getRequestPostData"):
            then({"postData": text}, "")

    def test_it_is_known_when_its_answer_came_first(self) -> None:
        target = self.target()
        target.response(t=2.0, headers={"content-type": "text/event-stream"})
        target.data(sse({"provider": "Big hat"}))
        target.finished(t=4.0)
        assert target.log.reported == []
        self.answer(target, '{"session_id": "s-7"}')
        exchange = target.exchange
        assert (exchange.session, exchange.status, exchange.outcome) == ("s-7", 200, "ok")
        assert (exchange.sent_at, exchange.ended_at) == (WALL + 1, WALL + 4)

    def test_it_is_searched_for_the_message_and_kept_for_the_end(self) -> None:
        target = Target()
        target.state.seek("a1b2")
        target.request("1", url="https://chat.example/x?q=1", postData=None, hasPostData=True)
        target.request("2", url="https://chat.example/y", postData="nothing")
        assert target.state.carried == []
        self.answer(target, "Hello (a1b2)")
        assert target.state.carried == ["POST https://chat.example/x"]
        assert [(s.method, s.url, s.body and s.body.text) for s in target.state.traffic.seen] == [
            ("POST", "https://chat.example/y", "nothing"),
            ("POST", "https://chat.example/x?q=1", "Hello (a1b2)"),
        ]

    def test_it_is_requested_by_the_requests_own_id(self) -> None:
        target = self.target()
        requested = [
            params for name, params in target.channel.requested if name == "Network.getRequestPostData"
        ]
        assert (
            requested == [{"requestId": "1"}] * 2
        )  # for the payload, and for the message that is looked for

    def test_one_that_is_not_given_could_not_be_searched(self) -> None:
        target = Target()
        target.channel.answers["Network.getRequestPostData"] = "gone"
        target.state.seek("a1b2")
        target.request(url="https://chat.example/x", postData=None, hasPostData=True)
        assert (target.state.carried, target.state.unread) == ([], ["POST https://chat.example/x"])

    def test_why_it_is_unreadable(self) -> None:
        target = Target()
        target.channel.answers["Network.getRequestPostData"] = "No resource"
        target.request(postData=None, hasPostData=True)
        assert target.exchange.unreadable == "the browser did not give it: No resource"


class TestReply:
    def streamed(self, *rules: Params, **head: Any) -> Target:
        target = Target(*rules)
        target.request()
        target.response(**head)
        return target

    def test_a_stream_that_is_refused_twice_is_not_requested_again(self) -> None:
        scene = Scene()
        scene.cdp.answers["Network.streamResourceContent"] = no_such
        scene.cdp.request()
        scene.cdp.response()
        assert scene.cdp.sent.count("Network.streamResourceContent") == 2

    def test_it_is_requested_at_the_response_where_it_was_refused_after_it(self) -> None:
        """The refusal of the first request may come when the response is there."""
        target = Target()
        del target.channel.answers["Network.streamResourceContent"]
        target.request()
        target.response(headers={"content-type": "text/event-stream"})
        (first,) = target.channel.waiting.pop("Network.streamResourceContent")
        first(None, "No resource")
        assert target.channel.names("streamResourceContent") == 2
        (second,) = target.channel.waiting.pop("Network.streamResourceContent")
        second({"bufferedData": b64(sse({"n": 1}))}, "")
        assert target.log.values == [{"n": 1}]
        target.finished()
        assert target.log.reported[-1] == ("finished", "ok")

    def test_an_end_before_the_stream_is_granted_is_reported_after_its_values(self) -> None:
        target = Target()
        del target.channel.answers["Network.streamResourceContent"]
        target.request()
        target.response(headers={"content-type": "text/event-stream"})
        target.finished()
        assert target.log.names == ["payload", "response"]
        (first,) = target.channel.waiting.pop("Network.streamResourceContent")
        first({"bufferedData": b64(sse({"n": 1}))}, "")
        assert target.log.names == ["payload", "response", "chunk", "finished"]

    @pytest.mark.parametrize(
        ("fields", "cached"),
        [
            ({}, ""),
            ({"fromServiceWorker": True}, "service worker"),
            ({"fromServiceWorker": True, "serviceWorkerResponseSource": "network"}, ""),
            ({"fromServiceWorker": True, "serviceWorkerResponseSource": "cache-storage"}, "service worker (cache-storage)"),
            ({"fromDiskCache": True}, "browser cache"),
            ({"fromPrefetchCache": True}, "browser cache"),
        ],
    )  # fmt: skip
    def test_what_answered_instead_of_the_network(self, fields: Params, cached: str) -> None:
        assert self.streamed(**fields).exchange.cached == cached

    def test_a_page_may_learn_it_with_the_end_only(self) -> None:
        target = self.streamed()
        target.finished(served="service worker")
        assert target.exchange.cached == "service worker"
        other = self.streamed(fromDiskCache=True)
        other.finished(served="")
        assert other.exchange.cached == "browser cache"

    def test_its_text_is_kept_with_its_time(self) -> None:
        target = self.streamed(headers={"content-type": "text/plain"})
        target.data("Hello ", t=3.0)
        target.data("you", t=3.5)
        target.finished()
        assert target.log.texts == [("Hello ", 3.0), ("you", 3.5)]
        assert (target.exchange.chunks, target.exchange.bytes) == (2, 9)
        assert target.exchange.first_chunk_at == WALL + 3.0

    def test_an_answer_on_another_channel_has_no_parts_of_its_own(self) -> None:
        target = self.streamed(
            {"answered_by": "events", "reply_to": "id"}, EVENTS | {"session": None, "done": "end"}
        )
        target.data('{"id": "m-1"}')
        target.finished()
        exchange = target.exchange
        assert (exchange.chunks, exchange.bytes, exchange.first_chunk_at) == (0, 0, None)
        assert (exchange.ended_at, exchange.outcome, exchange.reply_key) == (None, "", "m-1")

    def test_a_service_worker_that_passes_a_request_on_sends_no_payload_of_its_own(self) -> None:
        target = Target()
        target.request()
        worker = Channel("service_worker", "w:")
        http = HttpTraffic(worker, target.state)
        target.http = http
        target.request("7")
        assert (len(target.log.exchanges), target.exchange.relayed) == (1, True)
        target.request("8", postData='{"session_id": "s-12345"}')
        assert [e.request for e in target.log.exchanges] == ["1", "w:8"]

    def test_a_payload_is_that_of_the_rule_with_its_address(self) -> None:
        target = Target({"name": "other", "url": "/other$"}, {"name": "chat"})
        target.request()
        assert target.exchange.rule.name == "chat"

    def test_a_body_that_cannot_be_read_may_be_a_payload_or_not(self) -> None:
        target = Target({"when": "type == 'chat'"})
        target.request(postData=None, hasPostData=True, postDataEntries=[{"bytes": "/wD+"}])
        assert (target.exchange.doubtful, target.exchange.unreadable != "") == (True, True)

    def test_a_payload_that_no_rule_accepts_is_counted(self) -> None:
        target = Target({"when": "type == 'chat'"})
        target.request(postData='{"type": "title"}')
        assert target.log.reported == []
        assert str(target.state.unmatched).startswith("1 frame or body at the rule's URL met no rule")
        assert target.state.unmatched.has(f"POST {URL}")
        target.request("2", url="https://chat.example/else", postData='{"type": "title"}')
        assert not target.state.unmatched.has("POST https://chat.example/else")


class TestChannelOfReplies:
    def target(self, **rule: Any) -> Target:
        target = Target(
            {"answered_by": "events", "reply_to": "id"},
            EVENTS | {"session": None, "reply_to": "of", "done": "event == 'end'", **rule},
        )
        target.request(postData='{"session_id": "s-1", "id": "m-1"}')
        target.request(
            "e", url="https://chat.example/events", method="GET", kind="EventSource", postData=None
        )
        target.response("e", headers={"content-type": "text/event-stream"})
        return target

    def event(self, target: Target, name: str, data: str, t: float = 3.0) -> None:
        target.emit("eventSourceMessageReceived", "e", eventName=name, data=data, timestamp=t)

    def test_events_of_an_event_source_are_read_as_the_browser_shows_them(self) -> None:
        target = self.target()
        assert target.channel.names("streamResourceContent") == 1  # of the message, not of the events
        self.event(target, "", '{"of": "m-1",\n"provider": "Big hat"}', t=3.0)
        self.event(target, "end", '{"of": "m-1"}', t=4.0)
        exchange = target.exchange
        assert (exchange.provider, exchange.outcome, exchange.chunks) == ("Big hat", "ok", 2)
        assert (exchange.first_chunk_at, exchange.ended_at) == (WALL + 3.0, WALL + 4.0)
        assert exchange.bytes == len('{"of": "m-1",\n"provider": "Big hat"}') + len('{"of": "m-1"}')

    def test_a_poll_in_a_framing_is_read_by_it(self) -> None:
        target = self.target(
            framing="socket.io", reply_to="args[0].of", done="event == 'end'", provider="args[0].who"
        )
        target.request("p", url="https://chat.example/events", method="GET", postData=None)
        target.response("p", headers={"content-type": "text/plain"})
        target.data('42["t",{"of":"m-1","who":"Big hat"}]\x1e42["end",{"of":"m-1"}]', "p", t=3.0)
        target.finished("p")
        exchange = target.exchange
        assert (exchange.provider, exchange.outcome, exchange.chunks) == ("Big hat", "ok", 2)

    def test_its_end_may_come_from_a_cache(self) -> None:
        target = self.target()
        target.finished("e", served="service worker")
        target.finished("unknown", served="service worker")
        assert target.exchange.cached == ""

    def test_other_requests_have_no_such_events(self) -> None:
        target = self.target()
        target.emit("eventSourceMessageReceived", "1", eventName="end", data='{"of": "m-1"}', timestamp=3.0)
        target.emit("eventSourceMessageReceived", "9", eventName="end", data="{}", timestamp=3.0)
        assert target.exchange.outcome == ""

    @pytest.mark.parametrize(
        ("rule", "body", "chunks"),
        [
            ({}, [{"of": "m-1", "n": 1}, {"of": "m-1", "n": 2}], 2),
            ({"answer_when": "n"}, [{"of": "m-1", "n": 1}, {"of": "m-1", "n": 2}, {"of": "m-1"}], 2),
            ({"each": "items"}, {"items": [{"of": "m-1", "n": 1}, {"of": "m-1", "n": 2}]}, 2),
        ],
    )
    def test_a_long_poll_brings_several(self, rule: Params, body: Any, chunks: int) -> None:
        target = self.target(**rule)
        target.request("p", url="https://chat.example/events", method="GET", postData=None)
        target.response("p")
        target.data(json.dumps(body), "p")
        target.finished("p")
        assert target.exchange.chunks == chunks
        assert set(target.state.in_flight) == {"1"}

    def test_a_list_that_is_one_answer_stays_whole(self) -> None:
        target = self.target(answer_when="type(@) == 'array'", reply_to="[0].of", done=None)
        target.request("p", url="https://chat.example/events", method="GET", postData=None)
        target.response("p")
        target.data('[{"of": "m-1"}, {"of": "m-1"}]', "p")
        target.finished("p")
        assert (target.exchange.chunks, target.exchange.outcome) == (1, "ok")


class TestConnection:
    RULE: Params = {
        "transport": "websocket", "url": "/ws", "framing": "socket.io", "session": {"connection": "connect.sid"},
        "when": "event == 'chat'",
    }  # fmt: skip

    @pytest.mark.parametrize(
        ("url", "body", "earlier"),
        [
            ("https://chat.example/ws", '40{"sid": "s-1"}', ["s-1"]),
            ("https://chat.example/other", '40{"sid": "s-1"}', []),
            ("https://chat.example/ws", '42["chat"]', []),
            ("https://chat.example/ws", None, []),
        ],
    )
    def test_a_poll_may_say_the_session_of_its_connection(
        self, url: str, body: str | None, earlier: list[str]
    ) -> None:
        target = Target(self.RULE)
        target.request(url=url, postData=body)
        assert list(target.state.earlier.values()) == earlier


class TestTraffic:
    def seen(self, n: int, size: int = 0) -> Seen:
        return Seen("POST", f"https://a/{n}", {}, body_of("x" * size, {}))

    def test_the_body_is_read_by_its_own_type(self) -> None:
        headers = {"Accept": "application/json", "CONTENT-TYPE": "application/x-www-form-urlencoded"}
        assert Seen("POST", URL, headers, body_of("a=1", headers)).value == {"a": "1"}
        assert Seen("POST", URL, {}, body_of('{"a": 1}', {})).value == {"a": 1}
        assert Seen("POST", URL).value is None

    def test_the_last_400_are_held(self) -> None:
        traffic = Traffic()
        for n in range(401):
            traffic.add(self.seen(n))
        assert [s.url for s in traffic.seen] == [f"https://a/{n}" for n in range(1, 401)]

    def test_they_are_held_up_to_eight_million_characters_and_the_last_one_always(self) -> None:
        traffic, half = Traffic(), (1 << 22) - len("https://a/0")
        for n in range(2):
            traffic.add(self.seen(n, half))
        assert len(traffic.seen) == 2
        traffic.add(self.seen(2))
        assert [s.url[-1] for s in traffic.seen] == ["1", "2"]
        traffic.add(self.seen(3, 1 << 24))
        assert [s.url[-1] for s in traffic.seen] == ["3"]
        traffic.add(self.seen(4))
        assert [s.url[-1] for s in traffic.seen] == ["4"]


def test_the_wall_clock_follows_each_request() -> None:
    target = Target()
    target.request(t=1.0)
    assert target.state.offset == WALL
    image = {"url": "x:", "method": "GET", "headers": {}}
    event = {"timestamp": 5.0, "wallTime": WALL + 65.0, "type": "Image", "request": image}
    target.emit("requestWillBeSent", "2", **event)
    assert target.state.offset == WALL + 60.0


def test_a_body_that_is_binary_is_decoded_from_its_bytes() -> None:
    target = Target()
    entries = [{"bytes": base64.b64encode(part).decode()} for part in (b'{"session_id": ', b'"s-1"}')]
    target.request(postData="ignored", postDataEntries=entries, hasPostData=True)
    assert (target.exchange.session, target.exchange.size) == ("s-1", 21)
