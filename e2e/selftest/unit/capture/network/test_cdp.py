"""Traffic as the DevTools protocol tells it: in the world's order, to its end, however the protocol tells of that end."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from playwright.sync_api import CDPSession, Error, Page

from e2e.capture.network.cdp.wire import CdpWire
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.traffic import Traffic
from e2e.capture.network.wire_rules import Rule
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.pages.calls import Calls
from e2e.profile.profile import WireRule
from e2e.profile.values.bounded import Pattern
from e2e.selftest.unit.capture.network.fakes import FakePage, FakeRequest, FakeResponse

WALL = 1_763_860_000.0
"""The wall clock when the protocol's own clock is at 0."""
URL = "https://chat.example/api/chat"
SSE = {"Content-Type": "text/event-stream"}
Params = dict[str, Any]


class FakeSession:
    """A CDP session: the test tells events, and says what commands answer."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Params], None]] = {}
        self.sent: list[str] = []
        self.answers: dict[str, Callable[[Params], Params]] = {
            "Network.enable": lambda _: {},
            "Target.setAutoAttach": lambda _: {},
            "Network.streamResourceContent": lambda _: {"bufferedData": ""},
        }

    def on(self, event: str, handler: Callable[[Params], None]) -> None:
        assert "Network.enable" not in self.sent, "the first events would be missed"
        self.handlers[event] = handler

    def send(self, method: str, params: Params) -> Params:
        self.sent.append(method)
        return self.answers[method](params)

    def emit(self, event: str, **params: Any) -> None:
        self.handlers[f"Network.{event}"](params)

    # -- the usual events

    def request(self, n: str = "1", t: float = 1.0, *, kind: str = "Fetch", **fields: Any) -> None:
        request = {"url": URL, "method": "POST", "headers": {}, "postData": '{"session_id": "s-1"}', **fields}
        more = {key: request.pop(key) for key in ("initiator", "redirectResponse") if key in request}
        request = {key: value for key, value in request.items() if value is not None}
        self.emit(
            "requestWillBeSent",
            requestId=n,
            timestamp=t,
            wallTime=WALL + t,
            type=kind,
            request=request,
            **more,
        )

    def response(self, n: str = "1", t: float = 2.0, *, status: int = 200, **fields: Any) -> None:
        self.emit(
            "responseReceived",
            requestId=n,
            timestamp=t,
            response={"status": status, "headers": SSE, **fields},
        )

    def data(self, text: str = "", n: str = "1", t: float = 3.0, *, length: int | None = None) -> None:
        length = len(text.encode()) if length is None else length
        fields = {"data": b64(text)} if text else {}
        self.emit(
            "dataReceived", requestId=n, timestamp=t, dataLength=length, encodedDataLength=length, **fields
        )

    def finished(self, n: str = "1", t: float = 4.0) -> None:
        self.emit("loadingFinished", requestId=n, timestamp=t)

    def failed(self, n: str = "1", t: float = 4.0, *, canceled: bool = False) -> None:
        self.emit("loadingFailed", requestId=n, timestamp=t, errorText="net::ERR_X", canceled=canceled)


class FakePulse:
    def __init__(self) -> None:
        self.guards = 0
        self.calls = Calls()

    def guarded(self, handler: Callable[[Params], None]) -> Callable[[Params], None]:
        self.guards += 1
        return handler

    def after(self, _: float, call: Callable[[], None]) -> None:
        """What is to be done later is done at once."""
        call()


class Log:
    """A listener that keeps everything in its order."""

    def __init__(self) -> None:
        self.reported: list[tuple[Any, ...]] = []
        self.texts: list[tuple[str, float]] = []
        self.exchanges: list[Exchange] = []

    def on_cookie(self, t: float, name: str, value: str | None) -> None:
        self.reported.append(("cookie", value, round(t - WALL, 3)))

    def on_payload(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        self.reported.append(("payload", exchange.session))

    def on_response(self, exchange: Exchange, t: float) -> None:
        self.reported.append(("response", exchange.status, t - WALL))

    def on_chunk(self, exchange: Exchange, t: float, event: str, value: Any) -> None:
        self.reported.append(("chunk", event, value, t - WALL))

    def on_text(self, exchange: Exchange, t: float, text: str) -> None:
        self.texts.append((text, t - WALL))

    def on_finished(self, exchange: Exchange) -> None:
        assert exchange.ended
        self.reported.append(("finished", exchange.outcome))

    @property
    def names(self) -> list[str]:
        return [reported[0] for reported in self.reported]

    @property
    def values(self) -> list[Any]:
        return [reported[2] for reported in self.reported if reported[0] == "chunk"]


class Scene:
    def __init__(
        self,
        *rules: Params,
        reading: bool = True,
        buffered: str = "",
        cookies: str | None = None,
        page: FakePage | None = None,
    ) -> None:
        self.cdp, self.log, self.waiter = FakeSession(), Log(), FakePulse()
        self.cdp.answers["Network.streamResourceContent"] = lambda _: {"bufferedData": b64(buffered)}
        self.wire = CdpWire(
            cast(CDPSession, self.cdp),
            tuple(Rule(WireRule.model_validate({**HTTP, **rule})) for rule in rules or ({},)),
            self.log,
            cast(EventWaiter, self.waiter),
            reading=reading,
            cookies=Pattern(cookies, "session.key_pattern") if cookies else None,
            page=cast(Page | None, page),
        )

    def streams_at_the_response(self, answer: Callable[[Params], Params]) -> None:
        """The browser has nothing to stream when the request has just left; it is asked again at the response."""

        def ask(params: Params) -> Params:
            if self.cdp.sent.count("Network.streamResourceContent") == 1:
                raise Error("No resource with given identifier found")
            return answer(params)

        self.cdp.answers["Network.streamResourceContent"] = ask

    @property
    def exchange(self) -> Exchange:
        assert len(self.log.exchanges) == 1
        return self.log.exchanges[0]


HTTP: Params = {"url": "/api/chat$", "session": "session_id", "provider": "provider"}
SOCKET: Params = {
    "transport": "websocket",
    "url": "/ws$",
    "when": "type == 'chat'",
    "reply_to": "id",
    "done": "type == 'done'",
}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def sse(*values: Any) -> str:
    return "".join(f"data: {json.dumps(value)}\n\n" for value in values)


def no_such(_: Params) -> Params:
    raise Error("No resource with given identifier found")


class TestStart:
    def test_errors_of_every_handler_reach_the_run(self) -> None:
        scene = Scene({}, SOCKET)
        assert scene.waiter.guards == len(scene.cdp.handlers) == 15

    def test_sockets_are_watched_also_where_no_rule_names_one(self) -> None:
        """New Chat may use one, and a message may leave by it."""
        scene = Scene()
        assert [event for event in scene.cdp.handlers if "webSocket" in event]
        assert (scene.wire.frame_sent, scene.wire.frame_received) == (0.0, 0.0)


class TestCookies:
    """The event that tells a cookie has no time: on a busy machine it is read after payloads that left with the new cookie."""

    NEW = "https://chat.example/api/new"

    def reported(self, *events: str) -> list[tuple[Any, ...]]:
        scene = Scene(cookies="^sid$")
        cdp = scene.cdp
        steps: dict[str, Callable[[], None]] = {
            "ask": lambda: cdp.request("1", 1.0, url=self.NEW),
            "cookie": lambda: cdp.emit(
                "responseReceivedExtraInfo", requestId="1", headers={"Set-Cookie": "sid=B; Path=/"}
            ),
            "redirected": lambda: cdp.request("1", 1.4, url=self.NEW, redirectResponse={"status": 302}),
            "answer": lambda: cdp.response("1", 1.5, status=204),
            "broken": lambda: cdp.failed("1", 1.7),
            "send": lambda: cdp.request("2", 1.9),
        }
        for event in events:
            steps[event]()
        return [fields for fields in scene.log.reported if fields[0] in ("cookie", "payload")]

    @pytest.mark.parametrize(
        "events",
        [
            ("ask", "cookie", "answer", "send"),
            ("ask", "answer", "cookie", "send"),
            ("ask", "answer", "send", "cookie"),
            ("ask", "cookie", "send", "answer"),
        ],
    )
    def test_it_is_of_the_answers_time(self, events: tuple[str, ...]) -> None:
        assert ("cookie", "B", 1.5) in self.reported(*events)

    @pytest.mark.parametrize(
        ("carried", "session", "seen"), [("sid=B", "B", True), ("", None, True), (None, None, False)]
    )
    def test_a_request_whose_cookies_are_not_reported_was_not_seen(
        self, carried: str | None, session: str | None, seen: bool
    ) -> None:
        scene = Scene({"session": {"cookie": "sid"}})
        scene.cdp.request()
        if carried is not None:
            headers = {"Cookie": carried} if carried else {}
            scene.cdp.emit("requestWillBeSentExtraInfo", requestId="1", headers=headers, associatedCookies=[])
        scene.cdp.response()
        assert (scene.exchange.session, not scene.exchange.unreadable) == (session, seen)

    def test_a_redirection_sets_it_before_the_last_answer(self) -> None:
        assert self.reported("ask", "cookie", "redirected", "answer") == [("cookie", "B", 1.4)]

    def test_an_answer_that_breaks_off_has_set_it(self) -> None:
        assert self.reported("ask", "cookie", "broken") == [("cookie", "B", 1.7)]

    def test_one_of_a_request_that_nobody_follows_is_reported_at_once(self) -> None:
        ((_, value, t),) = self.reported("cookie")
        assert (value, t > 1.9) == ("B", True)


class TestStreamed:
    def test_what_happened_is_reported_in_its_order_and_time(self) -> None:
        scene = Scene()
        scene.cdp.request(t=1.0)
        scene.cdp.response(t=2.0)
        scene.cdp.data(sse({"n": 1}), t=3.0)
        scene.cdp.data(sse({"n": 2}, {"n": 3}), t=3.5)
        scene.cdp.finished(t=4.0)
        assert scene.log.reported == [
            ("payload", "s-1"),
            ("response", 200, 2.0),
            ("chunk", "message", {"n": 1}, 3.0),
            ("chunk", "message", {"n": 2}, 3.5),
            ("chunk", "message", {"n": 3}, 3.5),
            ("finished", "ok"),
        ]

    @pytest.mark.parametrize(
        "kind", ["text/plain; charset=utf-8", "text/html", "application/json", "application/x-own"]
    )
    def test_the_text_of_any_other_type_is_reported_as_it_comes(self, kind: str) -> None:
        scene = Scene({"provider": {"regex": "by (\\w+ hat)"}})
        scene.cdp.request(t=1.0)
        scene.cdp.response(t=2.0, headers={"Content-Type": kind})
        scene.cdp.data("Told by B", t=3.0)
        assert (scene.log.texts, scene.exchange.provider) == ([("Told by B", 3.0)], None)
        scene.cdp.data("ig hat, é.", t=4.0)
        scene.cdp.finished(t=5.0)
        assert scene.log.texts[1:] == [("ig hat, é.", 4.0)]
        assert scene.exchange.provider == "Big hat"

    def test_the_exchange_keeps_its_numbers(self) -> None:
        scene = Scene()
        scene.cdp.request(t=1.0)
        scene.cdp.response()
        scene.cdp.data(sse(1), t=3.0)
        scene.cdp.data(sse(2), t=3.5)
        assert not scene.exchange.ended
        scene.cdp.finished(t=4.0)
        e = scene.exchange
        assert (e.request, e.transport, e.method, e.url, e.status) == ("1", "http", "POST", URL, 200)
        assert (e.sent_at, e.first_chunk_at, e.ended_at) == (WALL + 1, WALL + 3, WALL + 4)
        assert (e.chunks, e.bytes, e.outcome, e.error) == (2, 2 * len(sse(1)), "ok", "")

    def test_an_event_may_be_cut_anywhere(self) -> None:
        scene = Scene()
        scene.cdp.request()
        scene.cdp.response()
        for character in sse({"n": 1}):
            scene.cdp.data(character)
        assert scene.log.values == [{"n": 1}]

    def test_what_was_buffered_before_we_asked_comes_first(self) -> None:
        scene = Scene(buffered=sse(1) + "data: ")
        scene.cdp.request()
        scene.cdp.response(t=2.0)
        scene.cdp.data("2\n\n")
        assert scene.log.values == [1, 2]
        assert scene.log.reported[2] == ("chunk", "message", 1, 2.0)

    def test_what_comes_while_we_ask_comes_after_what_was_buffered(self) -> None:
        scene = Scene()

        def ask(_: Params) -> Params:
            scene.cdp.data("2\n\n" + sse(3), t=2.5)
            return {"bufferedData": b64(sse(1) + "data: ")}

        scene.streams_at_the_response(ask)
        scene.cdp.request()
        scene.cdp.response()
        scene.cdp.data(sse(4))
        assert scene.log.values == [1, 2, 3, 4]

    @pytest.mark.parametrize("outcome", ["ok", "failed"])
    def test_an_end_while_we_ask_is_reported_after_everything_else(self, outcome: str) -> None:
        scene = Scene()

        def ask(_: Params) -> Params:
            scene.cdp.data(sse(2))
            if outcome == "ok":
                scene.cdp.finished()
            else:
                scene.cdp.failed()
            assert "finished" not in scene.log.names
            return {"bufferedData": b64(sse(1))}

        scene.streams_at_the_response(ask)
        scene.cdp.request()
        scene.cdp.response()
        assert scene.log.values == [1, 2]
        assert scene.log.reported[-1] == ("finished", outcome)
        assert scene.log.names.count("finished") == 1

    def test_the_stream_is_asked_for_when_the_request_leaves(self) -> None:
        """Asked for at the response, 97 of 100 short replies had ended."""
        scene = Scene()
        scene.cdp.request()
        assert "Network.streamResourceContent" in scene.cdp.sent
        scene.cdp.response()
        scene.cdp.data(sse(1))
        scene.cdp.finished()
        assert scene.log.values == [1]
        assert scene.cdp.sent.count("Network.streamResourceContent") == 1
        assert "Network.getResponseBody" not in scene.cdp.sent

    def test_a_body_that_is_no_stream_is_reported_at_its_end(self) -> None:
        scene = Scene()
        scene.cdp.request()
        scene.cdp.response(headers={"content-type": "application/json"})
        scene.cdp.data('{"provider": ')
        scene.cdp.data('"Big hat"}')
        assert scene.log.values == []
        scene.cdp.finished(t=4.0)
        assert scene.log.reported[-2:] == [
            ("chunk", "", {"provider": "Big hat"}, 4.0),
            ("finished", "ok"),
        ]
        assert scene.exchange.provider == "Big hat"

    def test_a_body_that_is_announced_as_too_long_is_not_read(self) -> None:
        scene = Scene()
        scene.cdp.request()
        scene.cdp.response(headers={"content-type": "application/json", "content-length": str(100 << 20)})
        assert scene.exchange.too_long
        scene.cdp.data('{"provider": "Big hat"}')
        scene.cdp.finished()
        assert scene.log.values == []
        assert "Network.getResponseBody" not in scene.cdp.sent
        assert scene.exchange.provider is None

    @pytest.mark.parametrize(
        ("kind", "length"), [("text/event-stream", str(100 << 20)), ("application/json", "x")]
    )
    def test_a_stream_of_values_may_be_as_long_as_it_likes(self, kind: str, length: str) -> None:
        scene = Scene()
        scene.cdp.request()
        scene.cdp.response(headers={"content-type": kind, "content-length": length})
        scene.cdp.data(sse(1) if "stream" in kind else "1")
        scene.cdp.finished()
        assert not scene.exchange.too_long
        assert scene.log.values == [1]

    def test_the_type_that_the_browser_guessed_serves_without_a_header(self) -> None:
        scene = Scene()
        scene.cdp.request()
        scene.cdp.response(headers={}, mimeType="text/event-stream")
        scene.cdp.data(sse(1))
        assert scene.log.values == [1]

    def test_the_first_provider_of_a_reply_is_the_replys(self) -> None:
        scene = Scene()
        scene.cdp.request()
        scene.cdp.response()
        scene.cdp.data(sse({}, {"provider": "Big hat"}, {"provider": "Tin drum"}))
        assert scene.exchange.provider == "Big hat"

    def test_a_provider_in_a_header_is_known_with_the_answers_head(self) -> None:
        scene = Scene({"provider": {"header": "X-Provider"}})
        scene.cdp.request()
        scene.cdp.response(headers={**SSE, "x-provider": "Big hat"})
        assert scene.exchange.provider == "Big hat"

    @pytest.mark.parametrize(
        ("fields", "cached"),
        [
            ({}, ""),
            ({"fromDiskCache": True}, "browser cache"),
            ({"fromPrefetchCache": True}, "browser cache"),
            ({"fromServiceWorker": True, "fromDiskCache": True}, "service worker"),
        ],
    )
    def test_an_answer_out_of_a_cache_is_marked(self, fields: Params, cached: str) -> None:
        scene = Scene()
        scene.cdp.request()
        scene.cdp.response(**fields)
        assert scene.exchange.cached == cached


class TestWhole:
    """The answer had ended before we could ask for its stream."""

    @pytest.mark.parametrize("encoded", [True, False])
    def test_the_body_is_read_at_the_end(self, encoded: bool) -> None:
        scene, body = Scene(), sse({"n": "ü"}, {"n": 2})
        scene.cdp.answers["Network.streamResourceContent"] = no_such
        scene.cdp.answers["Network.getResponseBody"] = lambda _: {
            "body": b64(body) if encoded else body,
            "base64Encoded": encoded,
        }
        scene.cdp.request()
        scene.cdp.response()
        scene.cdp.data(body[:5])
        assert "Network.getResponseBody" not in scene.cdp.sent
        scene.cdp.finished(t=4.0)
        assert scene.log.reported[-3:] == [
            ("chunk", "message", {"n": "ü"}, 4.0),
            ("chunk", "message", {"n": 2}, 4.0),
            ("finished", "ok"),
        ]

    def test_an_end_before_we_asked_is_no_end_too_soon(self) -> None:
        scene = Scene()

        def ask(_: Params) -> Params:
            scene.cdp.finished()
            raise Error("No resource with given identifier found")

        scene.streams_at_the_response(ask)
        scene.cdp.answers["Network.getResponseBody"] = lambda _: {"body": sse(1), "base64Encoded": False}
        scene.cdp.request()
        scene.cdp.response()
        assert scene.log.names == ["payload", "response", "chunk", "finished"]

    def test_a_body_that_cannot_be_read_is_stated(self) -> None:
        scene = Scene()
        scene.cdp.answers["Network.streamResourceContent"] = no_such
        scene.cdp.answers["Network.getResponseBody"] = no_such
        scene.cdp.request()
        scene.cdp.response()
        scene.cdp.finished()
        assert scene.exchange.outcome == "ok"
        assert scene.exchange.error.startswith("the answer's body could not be read: No resource")


class TestBadEnd:
    @pytest.mark.parametrize(("canceled", "outcome"), [(True, "cancelled"), (False, "failed")])
    @pytest.mark.parametrize("answered", [True, False])
    def test_failed_and_cancelled_are_distinguished(
        self, canceled: bool, outcome: str, answered: bool
    ) -> None:
        scene = Scene()
        scene.cdp.request()
        if answered:
            scene.cdp.response()
            scene.cdp.data(sse(1))
        scene.cdp.failed(t=4.0, canceled=canceled)
        assert scene.log.values == ([1] if answered else [])
        assert (scene.exchange.outcome, scene.exchange.error) == (outcome, "net::ERR_X")
        assert scene.exchange.ended_at == WALL + 4
        assert scene.exchange.status == (200 if answered else None)

    def test_an_exchange_ends_once(self) -> None:
        scene = Scene()
        scene.cdp.request()
        scene.cdp.response()
        scene.cdp.finished()
        scene.cdp.failed()
        assert scene.log.names.count("finished") == 1

    def test_the_end_of_something_unknown_is_nothing(self) -> None:
        scene = Scene()
        scene.cdp.response("9")
        scene.cdp.data("x", "9")
        scene.cdp.finished("9")
        scene.cdp.failed("8")
        assert scene.log.reported == []


class TestRequest:
    @pytest.mark.parametrize("kind", ["Fetch", "XHR", "EventSource", "Ping"])
    def test_what_scripts_send_is_looked_at(self, kind: str) -> None:
        scene = Scene()
        scene.cdp.request(kind=kind)
        assert scene.log.names == ["payload"]

    def test_a_form_that_loads_a_page_is_a_payload(self) -> None:
        scene = Scene()
        scene.cdp.request(kind="Document")
        assert scene.log.reported == [("payload", "s-1")]
        assert set(scene.wire.in_flight) == set()

    @pytest.mark.parametrize("kind", ["Preflight", "Script", "Image"])
    def test_anything_else_is_not(self, kind: str) -> None:
        scene = Scene()
        scene.cdp.request(kind=kind)
        assert scene.log.reported == []
        assert set(scene.wire.in_flight) == set()
        assert scene.wire.recent == []

    def test_a_payload_that_the_rule_does_not_want_is_none(self) -> None:
        scene = Scene({"when": "type == 'chat'"})
        scene.cdp.request("1", postData='{"type": "title", "session_id": "s-1"}')
        scene.cdp.request("2", postData='{"type": "chat", "session_id": "s-2"}')
        assert scene.log.reported == [("payload", "s-2")]

    def test_the_first_rule_that_names_it_counts(self) -> None:
        scene = Scene({"name": "one", "session": "other"}, {"name": "two"})
        scene.cdp.request(postData='{"session_id": "s-1", "other": "o-1"}')
        assert (scene.exchange.rule.name, scene.exchange.session) == ("one", "o-1")

    def test_a_payload_too_long_for_the_event_is_fetched(self) -> None:
        scene = Scene({"history": "history"})
        body = '{"session_id": "s-7", "history": [1, 2]}'
        scene.cdp.answers["Network.getRequestPostData"] = lambda params: {
            "postData": body if params == {"requestId": "1"} else ""
        }
        scene.cdp.request(postData=None, hasPostData=True)
        assert (scene.exchange.session, scene.exchange.history, scene.exchange.body) == ("s-7", 2, body)

    def test_a_request_without_a_body_is_not_asked_for_one(self) -> None:
        scene = Scene({"method": "GET", "session": {"query": "s"}, "url": "/api/chat"})
        scene.cdp.request(method="GET", postData=None, url=URL + "?s=s-1")
        assert (scene.exchange.session, scene.exchange.body) == ("s-1", "")
        assert "Network.getRequestPostData" not in scene.cdp.sent

    def test_a_fragment_belongs_to_the_address(self) -> None:
        scene = Scene({"url": "/api/chat"})
        scene.cdp.request(urlFragment="#top")
        assert scene.exchange.url == URL + "#top"

    def test_a_redirected_request_is_one_exchange(self) -> None:
        scene = Scene({"url": "/api/chat/?$"})
        scene.cdp.request()
        scene.cdp.request(t=1.5, url=URL + "/", redirectResponse={"status": 307})
        scene.cdp.response(t=2.0)
        scene.cdp.data(sse(1))
        scene.cdp.finished()
        assert scene.log.names == ["payload", "response", "chunk", "finished"]
        assert (scene.exchange.sent_at, scene.exchange.outcome) == (WALL + 1, "ok")

    def test_the_callers_are_kept_innermost_first_and_counted_from_1(self) -> None:
        def call(function: str, line: int) -> Params:
            return {
                "functionName": function,
                "url": "https://chat.example/a.js",
                "lineNumber": line,
                "columnNumber": 7,
            }

        stack = {
            "callFrames": [call("post", 0), call("send", 3)],
            "parent": {"callFrames": [call("click", 9)]},
        }
        scene = Scene()
        scene.cdp.request(initiator={"type": "script", "stack": stack})
        frames = [(f["function"], f["line"], f["column"]) for f in scene.exchange.stack]
        assert frames == [("post", 1, 8), ("send", 4, 8), ("click", 10, 8)]

    def test_a_long_stack_is_cut(self) -> None:
        frame = {"functionName": "f", "url": "https://chat.example/a.js", "lineNumber": 0, "columnNumber": 0}
        stack: Params = {"callFrames": [frame] * 10}
        scene = Scene()
        scene.cdp.request(initiator={"stack": {**stack, "parent": {**stack, "parent": stack}}})
        assert len(scene.exchange.stack) == 16

    def test_without_a_stack_there_is_none(self) -> None:
        scene = Scene()
        scene.cdp.request(initiator={"type": "other"})
        assert scene.exchange.stack == []

    def test_the_last_requests_are_remembered_without_their_secrets(self) -> None:
        scene = Scene({}, SOCKET)
        for n in range(12):
            scene.cdp.request(str(n), url=f"https://chat.example/{n}?token=t", urlFragment="#f")
        scene.cdp.emit("webSocketCreated", requestId="w", url="wss://chat.example/ws?token=t")
        assert len(scene.wire.recent) == 10
        assert scene.wire.recent[-2:] == ["POST https://chat.example/11", "WebSocket wss://chat.example/ws"]

    def test_a_websocket_that_could_not_be_opened_is_remembered_with_the_reason(self) -> None:
        scene = Scene(SOCKET)
        scene.cdp.emit("webSocketCreated", requestId="w", url="wss://chat.example/ws?token=t")
        sent = scene.wire.last_sent
        refused = "Error during WebSocket handshake: Unexpected response code: 503"
        scene.cdp.emit("webSocketFrameError", requestId="w", timestamp=5.0, errorMessage=refused)
        assert scene.wire.failures == [f"WebSocket wss://chat.example/ws failed: {refused}"]
        assert scene.wire.recent[-1] == scene.wire.failures[0]
        assert scene.wire.last_sent == sent


class TestInFlight:
    def test_a_request_is_under_way_until_it_has_ended(self) -> None:
        scene = Scene()
        scene.cdp.request("1")
        scene.cdp.request("2", url="https://chat.example/other")
        assert set(scene.wire.in_flight) == {"1", "2"}
        scene.cdp.finished("2")
        scene.cdp.response("1")
        assert set(scene.wire.in_flight) == {"1"}
        scene.cdp.failed("1")
        assert set(scene.wire.in_flight) == set()

    def test_a_beacon_is_never_waited_for(self) -> None:
        scene = Scene()
        scene.cdp.request(kind="Ping")
        assert set(scene.wire.in_flight) == set()

    def test_a_keepalive_request_ends_with_its_announced_bytes(self) -> None:
        # the protocol never says loadingFinished for it
        scene = Scene()
        scene.cdp.request(url="https://chat.example/end-session")
        scene.cdp.response(headers={"Content-Length": "10"})
        scene.cdp.data(length=6)
        assert set(scene.wire.in_flight) == {"1"}
        scene.cdp.data(length=4)
        assert set(scene.wire.in_flight) == set()

    @pytest.mark.parametrize(
        ("status", "headers"), [(204, {}), (205, {}), (304, {}), (200, {"content-length": "0"})]
    )
    def test_an_answer_without_a_body_ends_with_its_head(self, status: int, headers: dict[str, str]) -> None:
        scene = Scene()
        scene.cdp.request(url="https://chat.example/end-session", method="DELETE")
        scene.cdp.response(status=status, headers=headers)
        assert set(scene.wire.in_flight) == set()

    @pytest.mark.parametrize("headers", [{}, {"content-length": "many"}])
    def test_without_an_announced_length_its_end_is_waited_for(self, headers: dict[str, str]) -> None:
        scene = Scene()
        scene.cdp.request(url="https://chat.example/other")
        scene.cdp.response(headers=headers)
        scene.cdp.data(length=1000)
        assert set(scene.wire.in_flight) == {"1"}


class TestNotReading:
    def test_the_end_is_followed_and_no_answer_is_read(self) -> None:
        scene = Scene(reading=False)
        scene.cdp.request()
        scene.cdp.response()
        scene.cdp.data(length=30)
        scene.cdp.finished()
        assert scene.log.names == ["payload", "response", "finished"]
        assert (scene.exchange.chunks, scene.exchange.bytes, scene.exchange.outcome) == (1, 30, "ok")
        assert scene.cdp.sent == ["Target.setAutoAttach", "Network.enable"]


class Socket(Scene):
    """A scene with one open WebSocket, ``w``; the wall clock is known from a request before."""

    def __init__(self, **fields: Any) -> None:
        super().__init__({}, {**SOCKET, **fields})
        self.cdp.request("0", url="https://chat.example/config")
        self.cdp.emit("webSocketCreated", requestId="w", url="wss://chat.example/ws")

    def send(self, socket: str = "w", t: float = 1.0, **payload: Any) -> None:
        self._frame("webSocketFrameSent", socket, t, json.dumps(payload))

    def receive(self, socket: str = "w", t: float = 2.0, **frame: Any) -> None:
        self._frame("webSocketFrameReceived", socket, t, json.dumps(frame))

    def _frame(self, event: str, socket: str, t: float, text: str) -> None:
        self.cdp.emit(event, requestId=socket, timestamp=t, response={"payloadData": text})


class TestIdOfTheConnection:
    """The payload carries no ID: the page says one in a message before, for all that follow."""

    def scene(self) -> Socket:
        return Socket(session={"connection": "hello"}, reply_to=None, answer_when="type == 'text'")

    def test_the_backend_gave_another_one_before_it_answered(self) -> None:
        scene = self.scene()
        scene.send(hello="s-1")
        scene.send(type="chat", t=1.0)
        scene.receive(type="given", as_id="s-2", t=1.4)
        scene.send(hello="s-2", t=1.5)
        scene.receive(type="text", t=2.0)
        assert (scene.exchange.session, scene.exchange.overtaken) == ("s-1", True)

    def test_an_answer_that_had_begun_was_the_old_ones(self) -> None:
        scene = self.scene()
        scene.send(hello="s-1")
        scene.send(type="chat", t=1.0)
        scene.receive(type="text", t=1.2)
        scene.receive(type="given", as_id="s-2", t=1.4)
        scene.send(hello="s-2", t=1.5)
        assert not scene.exchange.overtaken

    def test_the_id_of_a_connection_that_begins_as_a_poll(self) -> None:
        """The protocol gives the poll's body as bytes, which are an attachment to Socket.IO."""
        scene = Socket(framing="socket.io", session={"connection": "connect.sid"}, when="event == 'chat'")
        poll = '40{"sid": "s-1"}'
        entries = [{"bytes": b64(poll)}]
        scene.cdp.request("p", url="https://chat.example/ws", postData=poll, postDataEntries=entries)
        scene._frame("webSocketFrameSent", "w", 2.0, '42["chat", {"text": "hello"}]')
        assert scene.exchange.session == "s-1"

    def test_a_page_that_says_its_own_id_too_late_sent_the_old_one(self) -> None:
        scene = self.scene()
        scene.send(hello="s-1")
        scene.send(type="chat", t=1.0)
        scene.send(hello="s-2", t=1.5)
        scene.receive(type="text", t=2.0)
        assert not scene.exchange.overtaken


class TestWebSocket:
    def test_a_message_and_its_reply(self) -> None:
        scene = Socket()
        scene.send(type="chat", id=7, session_id="s-1", t=1.0)
        scene.receive(type="text", id=7, provider="Big hat", t=2.0)
        scene.receive(type="done", id=7, t=3.0)
        assert scene.log.reported == [
            ("payload", "s-1"),
            ("chunk", "", {"type": "text", "id": 7, "provider": "Big hat"}, 2.0),
            ("chunk", "", {"type": "done", "id": 7}, 3.0),
            ("finished", "ok"),
        ]
        e = scene.exchange
        assert (e.transport, e.method, e.status, e.provider) == ("websocket", "SEND", 101, "Big hat")
        assert (e.sent_at, e.first_chunk_at, e.ended_at, e.chunks) == (WALL + 1, WALL + 2, WALL + 3, 2)
        assert e.bytes == sum(len(json.dumps(value)) for value in scene.log.values)

    def test_replies_to_two_messages_are_distinguished(self) -> None:
        scene = Socket()
        scene.send(type="chat", id=1, session_id="s-1")
        scene.send(type="chat", id=2, session_id="s-2")
        scene.receive(type="text", id=2, provider="Tin drum")
        scene.receive(type="text", id=1, provider="Big hat")
        scene.receive(type="done", id=2)
        first, second = scene.log.exchanges
        assert (first.provider, first.outcome) == ("Big hat", "")
        assert (second.provider, second.outcome) == ("Tin drum", "ok")

    def test_frames_that_answer_nothing_are_left_alone(self) -> None:
        scene = Socket()
        scene.receive(type="hello")
        scene.send(type="chat", id=1, session_id="s-1")
        scene.receive(type="presence")
        scene.receive(type="text", id=9)
        scene.receive(type="text", id=1, socket="other")
        scene._frame("webSocketFrameReceived", "w", 2.0, "not JSON")
        assert scene.log.names == ["payload"]
        assert scene.exchange.chunks == 0

    def test_after_its_end_a_reply_contains_nothing_more(self) -> None:
        scene = Socket()
        scene.send(type="chat", id=1, session_id="s-1")
        scene.receive(type="done", id=1)
        scene.receive(type="text", id=1)
        scene.cdp.emit("webSocketClosed", requestId="w", timestamp=5.0)
        assert scene.log.names == ["payload", "chunk", "finished"]
        assert scene.exchange.outcome == "ok"

    def test_without_a_tie_every_frame_answers_the_message(self) -> None:
        scene = Socket(reply_to=None)
        scene.send(type="chat", session_id="s-1")
        scene.receive(type="text", id=5)
        scene.receive(type="done")
        assert scene.log.names == ["payload", "chunk", "chunk", "finished"]

    @pytest.mark.parametrize(
        ("socket", "payload"),
        [("w", {"type": "ping", "session_id": "s-1"}), ("other", {"type": "chat", "session_id": "s-1"})],
        ids=["another kind of frame", "another socket"],
    )
    def test_a_frame_that_no_rule_names_is_no_payload(self, socket: str, payload: Params) -> None:
        scene = Socket()
        scene.cdp.emit("webSocketCreated", requestId="other", url="wss://chat.example/telemetry")
        scene.send(socket=socket, **payload)
        assert scene.log.reported == []

    def test_a_closed_socket_cuts_its_replies_and_no_others(self) -> None:
        scene = Socket()
        scene.cdp.emit("webSocketCreated", requestId="v", url="wss://chat.example/ws")
        scene.send(type="chat", id=1, session_id="s-1")
        scene.send(type="chat", id=1, session_id="s-2", socket="v")
        scene.cdp.emit("webSocketClosed", requestId="w", timestamp=5.0)
        cut, other = scene.log.exchanges
        assert (cut.outcome, cut.error, cut.ended_at) == ("failed", "the WebSocket was closed", WALL + 5)
        assert not other.ended


class TestBodies:
    """Bodies are bytes: the event's text is what Latin-1 makes of them."""

    def test_bytes_of_the_event_are_decompressed(self) -> None:
        sent = gzip.compress(b'{"session_id": "s-1"}')
        scene = Scene()
        entries = [{"bytes": base64.b64encode(sent).decode()}]
        gzipped = {"Content-Encoding": "gzip"}
        scene.cdp.request(postData=sent.decode("latin-1"), postDataEntries=entries, headers=gzipped)
        assert (scene.exchange.session, scene.exchange.unreadable) == ("s-1", "")
        assert "s-1" in scene.exchange.body

    def test_bytes_that_are_asked_for_are_decompressed(self) -> None:
        sent = base64.b64encode(gzip.compress(b'{"session_id": "s-1"}')).decode()
        scene = Scene()
        scene.cdp.answers["Network.getRequestPostData"] = lambda _: {"postData": sent, "base64Encoded": True}
        scene.cdp.request(postData=None, hasPostData=True, headers={"Content-Encoding": "gzip"})
        assert scene.exchange.session == "s-1"

    def test_a_body_that_is_not_given_is_unreadable(self) -> None:
        def refuse(_: Params) -> Params:
            raise Error("No post data available for the request")

        scene = Scene()
        scene.cdp.answers["Network.getRequestPostData"] = refuse
        scene.cdp.request(postData=None, hasPostData=True)
        assert "No post data available" in scene.exchange.unreadable

    def test_it_does_not_matter_where_the_session_is_a_header(self) -> None:
        scene = Scene({"session": {"header": "x-thread"}})
        noise = [{"bytes": base64.b64encode(bytes(range(128, 256))).decode()}]
        scene.cdp.request(
            postData=None, postDataEntries=noise, hasPostData=True, headers={"X-Thread": "a%2Fb"}
        )
        assert (scene.exchange.session, scene.exchange.form) == ("a/b", "percent-encoded")
        assert scene.exchange.unreadable == ""

    def test_a_binary_frame_is_unreadable_and_the_next_that_can_be_read_gets_the_reply(self) -> None:
        scene = Scene({"transport": "websocket", "url": "/ws"})
        scene.cdp.emit("webSocketCreated", requestId="9", url="wss://chat.example/ws")
        fields = {"opcode": 2, "payloadData": base64.b64encode(bytes(range(128, 256))).decode()}
        scene.cdp.emit("webSocketFrameSent", requestId="9", timestamp=1.0, response=fields)
        text = {"opcode": 1, "payloadData": '{"session_id": "s-1"}'}
        scene.cdp.emit("webSocketFrameSent", requestId="9", timestamp=1.1, response=text)
        scene.cdp.emit(
            "webSocketFrameReceived", requestId="9", timestamp=1.2, response={**text, "payloadData": "{}"}
        )
        heartbeat, message = scene.log.exchanges
        assert heartbeat.doubtful
        assert "binary" in heartbeat.unreadable
        assert not heartbeat.ended
        assert message.session == "s-1"
        assert message.ended


def test_a_synchronous_request_is_read_as_a_whole() -> None:
    """Its page stands still until the reply is there: nothing of it can be streamed."""
    scene = Scene()
    whole = {"body": '{"provider": "p1"}', "base64Encoded": False}
    scene.cdp.answers["Network.getResponseBody"] = lambda _: whole
    scene.cdp.request(kind="XHR")
    scene.cdp.response(headers={"Content-Type": "application/json"})
    scene.cdp.data(length=18)
    scene.cdp.finished()
    assert (scene.exchange.provider, scene.exchange.outcome) == ("p1", "ok")


class TestWorkers:
    """Playwright lets a new worker run before this session has switched its events on."""

    @pytest.fixture
    def scene(self) -> Scene:
        scene = Scene()
        scene.cdp.answers["Target.sendMessageToTarget"] = lambda _: {}
        info = {"type": "worker", "url": "https://chat.example/w.js?v=1"}
        attached = {"sessionId": "w1", "targetInfo": info}
        scene.cdp.handlers["Target.attachedToTarget"](attached)
        return scene

    @staticmethod
    def reports(scene: Scene, **message: Any) -> None:
        reported = {"sessionId": "w1", "message": json.dumps(message)}
        scene.cdp.handlers["Target.receivedMessageFromTarget"](reported)

    def test_one_that_runs_already_may_have_sent_what_nobody_saw(self, scene: Scene) -> None:
        assert scene.wire.blind == ["a worker (https://chat.example/w.js)"]
        self.reports(scene, method="Inspector.workerScriptLoaded")
        self.reports(scene, id=1, result={})
        assert scene.wire.blind

    def test_one_that_was_watched_in_time_hides_nothing(self, scene: Scene) -> None:
        self.reports(scene, id=1, result={})
        self.reports(scene, method="Inspector.workerScriptLoaded")
        assert not scene.wire.blind

    def test_the_end_of_a_worker_is_the_end_of_its_reply(self, scene: Scene) -> None:
        request = {"url": URL, "method": "POST", "headers": {}, "postData": '{"session_id": "s-1"}'}
        me = {"requestId": "7", "timestamp": 1.0}
        sent = {**me, "wallTime": WALL + 1, "type": "Fetch", "request": request}
        self.reports(scene, method="Network.requestWillBeSent", params=sent)
        answer = {"status": 200, "headers": SSE}
        self.reports(scene, method="Network.responseReceived", params={**me, "response": answer})
        self.reports(scene, method="Network.dataReceived", params={**me, "dataLength": 5})
        assert not scene.exchange.ended
        scene.cdp.handlers["Target.detachedFromTarget"]({"sessionId": "w1"})
        assert (scene.exchange.session, scene.exchange.outcome) == ("s-1", "cancelled")
        assert "the worker has ended" in scene.exchange.error

    def test_the_body_of_a_request_that_a_worker_took_with_it_was_not_seen(self, scene: Scene) -> None:
        request = {"url": URL, "method": "POST", "headers": {}, "hasPostData": True}
        sent = {"requestId": "7", "timestamp": 1.0, "wallTime": WALL + 1, "type": "Fetch", "request": request}
        self.reports(scene, method="Network.requestWillBeSent", params=sent)
        scene.cdp.handlers["Target.detachedFromTarget"]({"sessionId": "w1"})
        assert "it has ended" in scene.exchange.unreadable
        assert scene.exchange.ended


def test_what_a_short_worker_sent_is_taken_from_playwrights_events() -> None:
    page = FakePage()
    scene = Scene(page=page)
    assert not page.listeners, "four events for each request: not before a message"
    scene.wire.seek("nonce")
    request = FakeRequest(post_data_buffer=b'{"session_id": "s-1"}')
    page.emits("request", request)
    page.emits(
        "response", FakeResponse(request, '{"provider": "p1"}', headers={"content-type": "application/json"})
    )
    page.emits("requestfinished", request)
    assert (scene.exchange.session, scene.exchange.provider, scene.exchange.origin) == ("s-1", "p1", "worker")
    scene.cdp.request(n="2")
    page.emits("request", request := FakeRequest())
    page.emits("requestfinished", request)
    assert [one.origin for one in scene.log.exchanges] == ["worker", "page"]
    scene.wire.seek("another")
    assert not page.listeners


@pytest.mark.parametrize(
    ("hosts", "patterns"),
    [(("ads.example",), ["*://ads.example/*", "*://ads.example:*/*"]), ((), None)],
)
def test_requests_to_blocked_hosts_are_refused_and_what_is_seen_goes_where_the_lane_keeps_it(
    hosts: tuple[str, ...], patterns: list[str] | None
) -> None:
    session, traffic = FakeSession(), Traffic()
    urls: list[list[str]] = []

    def blocks(params: Params) -> Params:
        urls.append(params["urls"])
        return {}

    session.answers["Network.setBlockedURLs"] = blocks
    wire = CdpWire(
        cast(CDPSession, session), (Rule(WireRule.model_validate(HTTP)),), Log(), cast(EventWaiter, FakePulse()),
        blocked_hosts=hosts, traffic=traffic,
    )  # fmt: skip
    assert urls == ([patterns] if patterns else [])
    assert wire.traffic is traffic
