"""What the script in the page reports reaches the same readers as Chromium's protocol does."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, cast

import pytest
from playwright.sync_api import Error, Page

from e2e.capture.network.in_page.wire import InPageWire, event_names
from e2e.capture.network.wire_rules import Rule
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.profile.profile import WireRule
from e2e.profile.values.bounded import Pattern
from e2e.records.records import SERVED_UNSEEN
from e2e.selftest.unit.capture.network.fakes import FakePage, FakeRequest, FakeResponse
from e2e.selftest.unit.capture.network.test_cdp import HTTP, SOCKET, FakePulse, Log, Params, sse

T = 1_700_000_000_000
URL = "https://chat.example/api/chat"
POST: Params = {
    "e": "request", "t": T, "id": "a1", "kind": "Fetch", "method": "POST", "url": URL, "cookie": "",
    "headers": {"content-type": "application/json"},
}  # fmt: skip


class Seen:
    def __init__(self, *rules: Params, cookies: str | None = None) -> None:
        self.log, self.page = Log(), FakePage()
        self.wire = InPageWire(
            cast(Page, self.page),
            tuple(Rule(WireRule.model_validate({**HTTP, **rule})) for rule in rules or ({},)),
            self.log,
            cast(EventWaiter, FakePulse()),
            cookies=Pattern(cookies, "session.key_pattern") if cookies else None,
        )

    def emit(self, event: str, thing: Any) -> None:
        self.page.emits(event, thing)

    def loads(self, request: FakeRequest, text: str = "", **headers: str) -> Log:
        """A whole request, as Playwright reports it."""
        self.emit("request", request)
        self.emit("response", FakeResponse(request, text, headers=headers))
        self.emit("requestfinished", request)
        return self.log

    def receive(self, *records: Params) -> Log:
        for record in records:
            self.wire.receive({"k": "wire", **record})
        return self.log


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def answered(text: str, kind: str = "text/event-stream") -> list[Params]:
    return [
        {"e": "response", "t": T + 10, "id": "a1", "url": URL, "status": 200, "headers": {"content-type": kind}},
        {"e": "data", "t": T + 20, "id": "a1", "bytes": b64(text), "size": len(text)},
        {"e": "finished", "t": T + 30, "id": "a1"},
    ]  # fmt: skip


def test_request_and_streamed_reply_become_an_exchange() -> None:
    body = json.dumps({"session_id": "s-1"})
    log = Seen().receive({**POST, "text": body}, *answered(sse({"provider": "p1"}, {"x": 1})))
    assert log.names == ["payload", "response", "chunk", "chunk", "finished"]
    (exchange,) = log.exchanges
    assert (exchange.session, exchange.provider, exchange.outcome) == ("s-1", "p1", "ok")
    assert (exchange.sent_at, exchange.ended_at) == (T / 1000, T / 1000 + 0.03)


def test_body_that_is_read_later_is_waited_for() -> None:
    seen = Seen()
    log = seen.receive({**POST, "pending": True}, *answered("{}", "application/json"))
    assert log.names == []
    seen.receive({"e": "body", "id": "a1", "bytes": b64('{"session_id": "s-2"}')})
    assert log.exchanges[0].session == "s-2"
    assert log.names[-1] == "finished"


def test_body_that_the_page_streams_is_not_seen_and_no_value() -> None:
    seen = Seen()
    seen.wire.seek("nonce")
    (exchange,) = seen.receive({**POST, "lost": "the page sends it as a stream"}).exchanges
    assert exchange.session is None
    assert "the page sends it as a stream" in exchange.unreadable
    assert seen.wire.unread == [f"POST {URL}"]


def test_frames_of_a_socket_in_both_directions() -> None:
    log = Seen(SOCKET).receive(
        {"e": "socket", "t": T, "id": "w1", "url": "wss://chat.example/ws", "cookie": ""},
        {"e": "sent", "t": T + 1, "id": "w1", "text": '{"type": "chat", "id": 7, "session_id": "s-3"}'},
        {"e": "received", "t": T + 2, "id": "w1", "bytes": b64('{"id": 7, "provider": "p2"}')},
        {"e": "received", "t": T + 3, "id": "w1", "text": '{"id": 7, "type": "done"}'},
        {"e": "closed", "t": T + 4, "id": "w1"},
    )
    (exchange,) = log.exchanges
    assert (exchange.session, exchange.provider, exchange.outcome) == ("s-3", "p2", "ok")


def test_cookies_that_the_page_does_not_see_are_not_taken_for_none() -> None:
    rule = {"session": {"cookie": "sid"}}
    (exchange,) = Seen(rule).receive({**POST, "text": "{}", "cookie": "theme=dark; sid=s-4"}).exchanges
    assert exchange.session == "s-4"
    unknown = Seen(rule)
    unknown.receive({**POST, "text": "{}", "cookie": None}, *answered("{}", "application/json"))
    assert unknown.log.exchanges[0].unreadable


def test_cookies_that_only_the_browser_sees_are_taken_from_its_own_events() -> None:
    """Firefox reports them to Playwright, before or after the page's script does."""
    seen = Seen({"session": {"cookie": "sid"}})
    seen.receive({**POST, "text": "{}", "cookie": "theme=dark"})
    seen.wire.known_cookies("POST", URL, "theme=dark; sid=s-5")
    seen.wire.known_cookies("POST", URL, "sid=s-6")
    seen.receive({**POST, "id": "a2", "text": "{}", "cookie": ""})
    assert [exchange.session for exchange in seen.log.exchanges] == ["s-5", "s-6"]


def test_reply_of_a_service_worker_is_marked_as_not_seen() -> None:
    log = Seen().receive({**POST, "text": "{}"}, *answered("{}", "application/json"))
    assert log.exchanges[0].cached == ""
    *records, end = answered("{}", "application/json")
    log = Seen().receive({**POST, "text": "{}"}, *records, {**end, "served": "service worker"})
    assert log.exchanges[0].cached == SERVED_UNSEEN


def test_what_ends_after_its_page_was_closed_is_not_recorded() -> None:
    """The run may have ended: its evidence is closed, while another one plays on beside it."""
    seen = Seen()
    seen.page.closed = True
    assert seen.loads(FakeRequest()).reported == []


def test_what_a_worker_sends_unseen_by_the_script_is_a_payload_that_could_not_be_read() -> None:
    seen = Seen()
    request = FakeRequest()
    seen.page.listeners["request"](request)
    seen.page.listeners["requestfinished"](request)
    (exchange,) = seen.log.exchanges
    assert (exchange.origin, exchange.session) == ("worker", None)
    assert "a worker sent it" in exchange.unreadable
    seen.receive({**POST, "text": '{"session_id": "s-1"}'})
    seen.page.listeners["request"](FakeRequest())
    assert [e.origin for e in seen.log.exchanges] == ["worker", "page"]


def test_worker_without_the_script_is_reported() -> None:
    seen = Seen()
    seen.receive({"e": "blind", "kind": "shared worker", "url": "https://chat.example/w.js?v=1"})
    assert seen.wire.blind == ["a shared worker (https://chat.example/w.js)"]


def test_address_of_the_page_comes_with_each_request() -> None:
    seen = Seen({"session": {"page": "/c/([^/]+)$"}})
    seen.receive({**POST, "text": "{}", "page": "https://chat.example/c/s-7", "depth": 0})
    assert seen.log.exchanges[0].session == "s-7"


@pytest.mark.parametrize(("cancelled", "outcome"), [(True, "cancelled"), (False, "failed")])
def test_a_reply_that_breaks_off_has_its_end_and_its_reason(cancelled: bool, outcome: str) -> None:
    *begun, _ = answered(sse({"x": 1}))
    broken = {"e": "failed", "t": T + 30, "id": "a1", "error": "NetworkError", "cancelled": cancelled}
    log = Seen().receive({**POST, "text": "{}"}, *begun, broken)
    (exchange,) = log.exchanges
    assert (exchange.outcome, exchange.ended_at) == (outcome, T / 1000 + 0.03)
    assert "NetworkError" in exchange.error
    assert log.names[-1] == "finished"


def test_a_document_of_the_page_has_the_status_of_its_response() -> None:
    seen = Seen({"transport": "http"})
    request = FakeRequest("document", post_data_buffer=b"{}")
    seen.emit("request", request)
    seen.emit("response", FakeResponse(request, status=403))
    (exchange,) = seen.log.exchanges
    assert exchange.status == 403
    assert "response" in seen.log.names


class TestForms:
    """A page that sends a form loads the next one: only the script, or Chromium, knows what was in it."""

    FORM: Params = {"e": "form", "t": T, "bytes": b64("session_id=s-8&text=hello")}
    SENT: Mapping[str, str] = {"content-type": "application/x-www-form-urlencoded"}

    def test_chromium_reports_its_body(self) -> None:
        request = FakeRequest("document", headers=self.SENT, post_data_buffer=b"session_id=s-7")
        (exchange,) = Seen().loads(request).exchanges
        assert (exchange.session, exchange.outcome) == ("s-7", "ok")

    @pytest.mark.parametrize("before", [True, False])
    def test_the_script_reports_it_before_or_after_the_request(self, before: bool) -> None:
        seen = Seen()
        request = FakeRequest("document", headers=self.SENT)
        if before:
            seen.receive(self.FORM)
        seen.emit("request", request)
        if not before:
            assert not seen.log.exchanges
            seen.receive(self.FORM)
        assert [exchange.session for exchange in seen.log.exchanges] == ["s-8"]

    def test_without_a_report_it_was_not_seen_and_is_no_form_without_an_id(self) -> None:
        (exchange,) = Seen().loads(FakeRequest("document", headers=self.SENT)).exchanges
        assert exchange.session is None
        assert "did not see it" in exchange.unreadable

    def test_one_with_files_has_the_boundary_of_its_request(self) -> None:
        part = '--{0}\r\nContent-Disposition: form-data; name="session_id"\r\n\r\ns-9\r\n--{0}--\r\n'
        kind = "multipart/form-data; boundary="
        seen = Seen()
        seen.receive({**self.FORM, "type": kind + "ours", "bytes": b64(part.format("ours"))})
        (exchange,) = seen.loads(FakeRequest("document", headers={"content-type": kind + "theirs"})).exchanges
        assert exchange.session == "s-9"


def test_the_page_that_a_form_loads_is_its_reply() -> None:
    request = FakeRequest("document", post_data_buffer=b'{"session_id": "s-1"}')
    log = Seen().loads(request, '{"provider": "p1"}', **{"content-type": "application/json"})
    assert log.exchanges[0].provider == "p1"


def test_a_redirected_document_is_one_payload() -> None:
    seen = Seen()
    first = FakeRequest("document", post_data_buffer=b'{"session_id": "s-1"}')
    seen.emit("request", first)
    seen.emit("response", FakeResponse(first, status=303, headers={"location": "/c/1"}))
    seen.emit("requestfinished", first)
    assert not seen.log.exchanges[0].ended
    seen.loads(FakeRequest("document", method="GET", redirected_from=first))
    (exchange,) = seen.log.exchanges
    assert (exchange.session, exchange.status, exchange.outcome) == ("s-1", 200, "ok")


def test_a_redirected_request_of_a_script_is_none_of_a_worker() -> None:
    seen = Seen()
    seen.receive({**POST, "text": '{"session_id": "s-1"}'})
    first = FakeRequest()
    seen.loads(first)
    seen.loads(FakeRequest(redirected_from=first))
    assert [exchange.origin for exchange in seen.log.exchanges] == ["page"]


def test_events_of_an_event_source_are_the_reply_to_its_own_request() -> None:
    request = {**POST, "kind": "EventSource", "method": "GET", "url": URL + "?session_id=s-1"}
    rule = {
        "url": "/api/chat",
        "method": "GET",
        "session": {"query": "session_id"},
        "done": "event == 'finish'",
    }
    head, *_ = answered("")
    log = Seen(rule).receive(
        request,
        head,
        {"e": "event", "t": T + 20, "id": "a1", "name": "token", "data": '{"text":\n"a"}'},
        {"e": "event", "t": T + 30, "id": "a1", "name": "finish", "data": '{"provider": "p3"}'},
    )
    (exchange,) = log.exchanges
    assert (exchange.session, exchange.provider, exchange.outcome) == ("s-1", "p3", "ok")
    assert log.names == ["payload", "response", "chunk", "chunk", "finished"]


def test_a_reply_that_the_script_could_not_read_is_no_empty_one() -> None:
    *_, end = answered("")
    log = Seen().receive({**POST, "text": "{}"}, {**end, "lost": "the page reads it as document"})
    assert "the page reads it as document" in log.exchanges[0].error


def test_a_beacon_has_the_reply_that_the_browser_reports() -> None:
    seen = Seen()
    seen.receive({**POST, "kind": "Ping", "text": '{"session_id": "s-1"}'})
    (exchange,) = seen.loads(FakeRequest("ping")).exchanges
    assert (exchange.status, exchange.outcome) == (200, "ok")


def test_a_message_in_the_address_of_a_script_has_left() -> None:
    seen = Seen()
    seen.wire.seek("nonce")
    seen.emit("request", FakeRequest("script", method="GET", url="https://chat.example/jsonp?q=nonce"))
    assert seen.wire.carried == ["GET https://chat.example/jsonp"]


def test_events_that_a_rule_names_are_received() -> None:
    rules = [
        {"done": "event == 'finish'", "provider": 'event != `"ping"` && name'},
        {"done": "event_type == 'x'"},
    ]
    assert event_names([WireRule.model_validate({**HTTP, **rule}) for rule in rules]) == ["finish", "ping"]


class RoutedPage(FakePage):
    """A page that keeps its routes."""

    def __init__(self) -> None:
        super().__init__()
        self.routes: list[tuple[Any, Any]] = []

    def route(self, pattern: Any, handler: Any) -> None:
        self.routes.append((pattern, handler))


class RoutedRequest:
    """A request that waits for what becomes of it."""

    def __init__(self, gone: bool = False) -> None:
        self.done: list[str] = []
        self._gone = gone

    def fallback(self) -> None:
        self._end("went on")

    def abort(self, why: str) -> None:
        self._end(why)

    def _end(self, how: str) -> None:
        if self._gone:
            raise Error("the page is closed")
        self.done.append(how)


class TestRoutes:
    def wire(self, *hosts: str) -> tuple[InPageWire, RoutedPage, list[Any]]:
        page, pulse, later = RoutedPage(), FakePulse(), []
        pulse.later = lambda seconds, route: later.append((seconds, route))  # type: ignore[attr-defined]
        rule = Rule(WireRule.model_validate(HTTP))
        wire = InPageWire(cast(Page, page), (rule,), Log(), cast(EventWaiter, pulse), blocked_hosts=hosts)
        return wire, page, later

    def test_requests_to_blocked_hosts_are_refused(self) -> None:
        _, page, _ = self.wire("ads.example", "b.example")
        (pattern, refuse), (other, _) = page.routes
        for url, fits in (
            ("https://ads.example/x", True), ("wss://ads.example:8443/", True), ("https://adsXexample/x", False),
            ("https://my.ads.example/", False), ("https://a.example/ads.example/", False),
        ):  # fmt: skip
            assert bool(pattern.match(url)) is fits
        assert other.match("http://b.example/")
        request = RoutedRequest()
        refuse(request)
        refuse(RoutedRequest(gone=True))
        assert request.done == ["blockedbyclient"]

    def test_a_slow_network_delays_each_request_until_it_is_quick_again(self) -> None:
        wire, page, later = self.wire()
        wire.delay(0)
        assert page.routes == []
        wire.delay(0.4)
        ((pattern, go_on),) = page.routes
        slow, quick = RoutedRequest(), RoutedRequest()
        go_on(slow)
        wire.delay(0)
        go_on(quick)
        go_on(RoutedRequest(gone=True))
        assert (pattern, later, slow.done, quick.done) == ("**/*", [(0.4, slow)], [], ["went on"])

    def test_caches_are_off_where_requests_are_routed_and_that_once(self) -> None:
        wire, page, _ = self.wire()
        wire.bypass_caches()
        wire.bypass_caches()
        wire.delay(0.4)
        assert [pattern for pattern, _ in page.routes] == ["**/*"]


class TestRecords:
    def test_what_no_script_can_watch_is_named_once(self) -> None:
        seen = Seen()
        for url in ("http://a/w.js?x=1", "http://a/w.js?x=2", "http://a/other.js"):
            seen.receive({"e": "blind", "kind": "worker", "url": url})
        assert seen.wire.blind == ["a worker (http://a/w.js)", "a worker (http://a/other.js)"]

    def test_a_request_that_ends_after_its_page_is_not_looked_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = Seen()
        looked: list[Any] = []
        monkeypatch.setattr(seen.wire._outside, "unseen", looked.append)
        request = FakeRequest()
        for closed in (False, True):
            seen.page.closed = closed
            seen.emit("request", request)
            seen.emit("requestfinished", request)
        assert looked == [request]
