"""What Playwright's events add to the script in the page: documents, cookies of replies, requests that a worker sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Error

from e2e.capture.network.cdp import wire as cdp_wire
from e2e.capture.network.in_page import outside as module
from e2e.capture.network.in_page.outside import Outside
from e2e.capture.network.wire_rules import Rule
from e2e.pages.calls import Calls
from e2e.profile.profile import WireRule
from e2e.selftest.unit.capture.network.test_cdp import Scene

URL = "https://chat.example/api/chat"


class Channel:
    """Keeps what it is handed."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.unknown: list[tuple[str, str]] = []
        self.carried: list[tuple[str, str, str]] = []
        self.forms: list[str] = []
        self.whole: list[str] = []
        self.beacons: list[tuple[str, str, dict[str, Any] | None]] = []

    def emit(self, event: str, params: dict[str, Any]) -> None:
        self.events.append((event.removeprefix("Network."), params))

    def lost(self, request: str, why: str) -> None:
        self.unknown.append((request, why))

    def cookies(self, method: str, url: str, header: str) -> None:
        self.carried.append((method, url, header))

    def note_cookies(self, request: str, header: str) -> None:
        self.carried.append(("", request, header))

    def sends_form(self, request: str, _: dict[str, str]) -> None:
        self.forms.append(request)

    def reads_whole(self, request: str, _: object) -> None:
        self.whole.append(request)

    def ended(self, event: str, params: dict[str, Any]) -> None:
        self.emit(event, params)

    def answered(self, method: str, url: str, answer: dict[str, Any] | None) -> None:
        self.beacons.append((method, url, answer))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


class Request:
    def __init__(self, url: str = URL, method: str = "POST", kind: str = "fetch", **headers: str) -> None:
        self.url, self.method, self.resource_type = url, method, kind
        self.headers, self.failure = headers, None
        self.post_data_buffer: bytes | None = None
        self.redirected_from: Request | None = None

    def is_navigation_request(self) -> bool:
        return self.resource_type == "document"


class Scenery:
    def __init__(self, *, follows_cookies: bool = True) -> None:
        self.page, self.workers = Channel(), Channel()
        rule = Rule(WireRule.model_validate({"url": "/api/chat$", "session": "s"}))
        page, workers = self.page, self.workers
        self.outside = Outside(
            page,  # type: ignore[arg-type]
            workers,  # type: ignore[arg-type]
            [rule],
            Calls(),
            follows_cookies=follows_cookies,
        )

    def request(self, request: Any) -> None:
        self.outside.request(request)

    def response(self, request: Any, *, status: int = 200, cookie: str | Exception | None = None) -> None:
        def value(name: str) -> str | None:
            assert name == "set-cookie"
            if isinstance(cookie, Exception):
                raise cookie
            return cookie

        headers = {"content-type": "text/plain"}
        response: Any = SimpleNamespace(
            request=request, status=status, headers=headers, url=request.url, header_value=value
        )
        self.outside.response(response)

    def over(self, request: Any) -> None:
        self.outside.unseen(request)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(1, 10_000))
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: float(next(times))))


class TestDocuments:
    def test_a_load_is_distinguished_from_its_request_to_its_end(self) -> None:
        scene, load = Scenery(), Request("https://chat.example/", "GET", "document", accept="html")
        scene.request(load)
        scene.response(load, status=203)
        scene.outside.ended(load, failed=False)  # type: ignore[arg-type]
        (_, sent), (_, answer), (_, end) = scene.page.events
        assert scene.page.names == ["requestWillBeSent", "responseReceived", "loadingFinished"]
        assert sent == {
            "requestId": "document1", "wallTime": 1.0, "timestamp": 1.0, "type": "Document",
            "request": {"url": load.url, "method": "GET", "headers": {"accept": "html"}},
        }  # fmt: skip
        response = {"status": 203, "headers": {"content-type": "text/plain"}, "url": load.url}
        assert answer == {"requestId": "document1", "timestamp": 2.0, "response": response}
        assert end == {"requestId": "document1", "timestamp": 3.0}

    def test_each_load_has_a_name_and_one_end(self) -> None:
        scene, loads = Scenery(), [Request(kind="document") for _ in range(2)]
        for load in loads:
            scene.request(load)
        loads[1].failure = "net::ERR"  # type: ignore[assignment]
        for load in (loads[1], loads[0], loads[0]):
            scene.outside.ended(load, failed=True)  # type: ignore[arg-type]
        assert scene.page.events[2:] == [
            (
                "loadingFailed",
                {"requestId": "document2", "timestamp": 3.0, "errorText": "net::ERR", "canceled": False},
            ),
            (
                "loadingFailed",
                {"requestId": "document1", "timestamp": 4.0, "errorText": "", "canceled": False},
            ),
        ]

    def test_other_requests_are_described_by_the_pages_script(self) -> None:
        scene, fetch = Scenery(), Request()
        scene.request(fetch)
        scene.response(fetch)
        scene.outside.ended(fetch, failed=False)  # type: ignore[arg-type]
        assert (scene.page.events, scene.workers.events) == ([], [])


class TestCookies:
    def test_those_of_a_reply_are_reported_with_its_document(self) -> None:
        scene, load, fetch = Scenery(), Request(kind="document"), Request("https://chat.example/other")
        for request in (load, fetch):
            scene.request(request)
            scene.response(request, cookie="sid=A")
        cookies = [params for name, params in scene.page.events if name == "responseReceivedExtraInfo"]
        head = {"set-cookie": "sid=A"}
        assert cookies == [{"requestId": "document1", "headers": head}, {"requestId": "", "headers": head}]
        assert scene.page.names.index("responseReceivedExtraInfo") < scene.page.names.index(
            "responseReceived"
        )

    @pytest.mark.parametrize("cookie", [None, "", Error("gone")])
    def test_a_reply_without_any_shows_none(self, cookie: Any) -> None:
        scene, load = Scenery(), Request(kind="document")
        scene.request(load)
        scene.response(load, cookie=cookie)
        assert scene.page.names == ["requestWillBeSent", "responseReceived"]

    def test_they_are_reported_where_somebody_follows_them(self) -> None:
        scene, load = Scenery(follows_cookies=False), Request(kind="document")
        scene.request(load)
        scene.response(load, cookie="sid=A")
        assert "responseReceivedExtraInfo" not in scene.page.names

    def test_those_of_a_request_are_known_where_the_browser_shows_them(self) -> None:
        scene = Scenery()
        scene.request(Request(cookie="sid=A"))
        scene.request(Request(cookie=""))
        scene.request(Request())
        scene.request(Request("https://chat.example/other", cookie="sid=B"))
        scene.request(Request(kind="image", cookie="sid=C"))
        assert scene.page.carried == [("POST", URL, "sid=A"), ("POST", URL, "")]


class TestWorkers:
    def test_a_request_that_the_pages_script_did_not_report_is_a_workers(self) -> None:
        scene, sent = Scenery(), Request(a="b")
        scene.request(sent)
        scene.response(sent, status=201)
        scene.over(sent)
        assert scene.workers.events == [
            (
                "requestWillBeSent",
                {
                    "requestId": "outside1", "wallTime": 1.0, "timestamp": 1.0, "type": "Fetch",
                    "request": {"url": URL, "method": "POST", "headers": {"a": "b"}, "hasPostData": True},
                },
            ),
            (
                "responseReceived",
                {
                    "requestId": "outside1", "timestamp": 3.0,
                    "response": {"status": 201, "headers": {"content-type": "text/plain"}, "url": URL},
                },
            ),
            ("loadingFinished", {"requestId": "outside1", "timestamp": 3.0}),
        ]  # fmt: skip
        ((request, why),) = scene.workers.unknown
        assert (request, why.startswith("a worker sent it")) == ("outside1", True)
        scene.over(sent)
        assert len(scene.workers.events) == 3

    @pytest.mark.parametrize(
        ("kind", "type_"),
        [
            ("fetch", "Fetch"),
            ("xhr", "XHR"),
            ("eventsource", "EventSource"),
            ("ping", "Ping"),
            ("beacon", "Ping"),
        ],
    )
    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_it_has_the_type_of_its_kind(self, kind: str, type_: str, method: str) -> None:
        scene = Scenery()
        rule = Rule(WireRule.model_validate({"url": "/api/chat$", "session": "s", "method": method}))
        scene.outside._rules = [rule]
        sent = Request(kind=kind, method=method)
        scene.request(sent)
        scene.over(sent)
        assert [params.get("type") for _, params in scene.workers.events] == [type_, None]

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_one_without_a_body_lacks_nothing(self, method: str) -> None:
        scene = Scenery()
        rule = WireRule.model_validate({"url": "/api/chat$", "session": {"query": "s"}, "method": "GET"})
        scene.outside._rules = [Rule(rule)]
        sent = Request(method=method)
        scene.outside._scripted[sent] = (5.0, None)  # type: ignore[index]
        scene.over(sent)
        assert scene.workers.unknown == []
        assert "hasPostData" not in scene.workers.events[0][1]["request"]

    def test_each_report_of_the_script_explains_one_request(self) -> None:
        scene = Scenery()
        scene.outside.known("POST", f"{URL}#part")
        requests = [Request() for _ in range(2)]
        for request in requests:
            scene.request(request)
        for request in requests:
            scene.over(request)
        assert [params["requestId"] for _, params in scene.workers.events] == ["outside1"] * 2

    def test_a_request_that_no_rule_names_is_nobodys(self) -> None:
        scene, other = Scenery(), Request("https://chat.example/other")
        scene.request(other)
        scene.over(other)
        assert scene.workers.events == []

    def test_512_reports_are_remembered(self) -> None:
        scene = Scenery()
        scene.outside.known("POST", URL)
        for n in range(511):
            scene.outside.known("GET", f"https://chat.example/{n}")
        assert scene.outside._seen["POST", URL] == 1
        scene.outside.known("GET", "https://chat.example/x")
        assert scene.outside._seen["POST", URL] == 0


class TestCommands:
    """What Chromium's protocol is asked to do beside reporting."""

    def requested(self, do: Any) -> list[tuple[str, dict[str, Any]]]:
        scene = Scene()
        sent: list[tuple[str, dict[str, Any]]] = []

        def send(method: str, params: dict[str, Any]) -> dict[str, Any]:
            sent.append((method, params))
            return {}

        scene.cdp.send = send  # type: ignore[method-assign]
        do(scene.wire)
        return sent

    def test_caches_are_passed_by(self) -> None:
        assert self.requested(lambda wire: wire.bypass_caches()) == [
            ("Network.setCacheDisabled", {"cacheDisabled": True}),
            ("Network.setBypassServiceWorker", {"bypass": True}),
        ]

    def test_the_network_is_slowed_down_and_stays_online(self) -> None:
        conditions = {"offline": False, "latency": 250.0, "downloadThroughput": -1, "uploadThroughput": -1}
        assert self.requested(lambda wire: wire.delay(0.25)) == [
            ("Network.emulateNetworkConditions", conditions)
        ]

    def test_targets_are_attached_anew(self) -> None:
        assert self.requested(lambda wire: wire.look_again()) == [
            (
                "Target.setAutoAttach",
                {"autoAttach": False, "waitForDebuggerOnStart": False, "flatten": False},
            ),
            ("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": False}),
        ]

    def test_a_host_is_blocked_on_any_port(self) -> None:
        assert cdp_wire._url_patterns("a.example") == ["*://a.example/*", "*://a.example:*/*"]
        assert cdp_wire.POST_LIMIT == 1_048_576
