"""Which requests get the header ``traceparent``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from playwright.sync_api import Error

from e2e.capture.network.events.trace_context import TraceContext, origin
from e2e.capture.network.wire_rules import Rule
from e2e.profile.profile import load

RULES = tuple(Rule(rule) for rule in load("reference").wire)
CHAT = "https://chat.example.org/api/chat"
PAGE = "https://chat.example.org/app?x=1"


def header(
    url: str = CHAT, document: str = PAGE, *, method: str = "POST", present: tuple[str, ...] = ()
) -> str | None:
    context = TraceContext(RULES, ("https://api.example.org/v1",), lambda: "00-a-b-01")
    return context.header(method, url, document, present)


@pytest.mark.parametrize(
    ("url", "document", "expected"),
    [
        (CHAT, PAGE, True),
        ("https://chat.example.org:443/api/chat", PAGE, True),
        ("https://api.example.org/api/chat", PAGE, True),  # the profile names it
        ("https://other.example.org/api/chat", PAGE, False),
        ("http://chat.example.org/api/chat", PAGE, False),
        ("https://chat.example.org:8443/api/chat", PAGE, False),
        (CHAT, "https://portal.example.org/", False),
        (CHAT, "about:blank", False),
        (CHAT, "", False),
        ("https://chat.example.org/api/other", PAGE, False),
    ],
)
def test_only_chat_requests_to_an_origin_that_allows_it_get_the_header(
    url: str, document: str, expected: bool
) -> None:
    assert (header(url, document) is not None) is expected


def test_another_method_is_no_chat_request() -> None:
    assert header(method="GET") is None


def test_a_page_with_traces_of_its_own_keeps_them() -> None:
    assert header(present=("Accept", "Traceparent")) is None


def test_before_the_first_chat_there_is_no_context() -> None:
    assert TraceContext(RULES, (), lambda: None).header("POST", CHAT, PAGE, ()) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://a.example/x", "https://a.example:443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("about:blank", ""),
        ("http://[", ""),
        ("http://a:99999/", ""),
    ],
)
def test_origins_are_compared_with_their_port(address: str, expected: str) -> None:
    assert origin(address) == expected


class Target:
    """A channel of the protocol: keeps its commands, and pauses requests."""

    kind, prefix = "page", ""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}
        self.commands: list[tuple[str, Any]] = []

    def on(self, event: str, handler: Any) -> None:
        self.handlers[event] = handler

    def ask(self, method: str, params: Any = None, then: Any = None) -> None:
        self.commands.append((method, params))
        if then is not None:
            then(None, "the target is gone")

    def pauses(self, method: str, url: str, headers: dict[str, str]) -> Any:
        """What the paused request goes on with."""
        self.handlers["Fetch.requestPaused"](
            {"requestId": "7", "request": {"method": method, "url": url, "headers": headers}}
        )
        name, params = self.commands[-1]
        assert (name, params.pop("requestId")) == ("Fetch.continueRequest", "7")
        return params


class TestByProtocol:
    def target(self, document: str = PAGE) -> Target:
        target = Target()
        guarded: list[Any] = []

        def guard(handler: Any) -> Any:
            guarded.append(handler)
            return handler

        TraceContext(RULES, (), lambda: "00-a-b-01").by_protocol(target, lambda: document, guard)
        assert list(target.handlers.values()) == guarded
        return target

    def test_requests_of_scripts_are_paused(self) -> None:
        ((name, params),) = self.target().commands
        assert name == "Fetch.enable"
        assert params["patterns"] == [
            {"urlPattern": "*", "resourceType": kind, "requestStage": "Request"}
            for kind in ("Fetch", "XHR", "EventSource", "Ping")
        ]

    def test_a_chat_request_keeps_its_headers_and_gets_the_trace(self) -> None:
        assert self.target().pauses("POST", CHAT, {"Accept": "*/*"}) == {
            "headers": [{"name": "Accept", "value": "*/*"}, {"name": "traceparent", "value": "00-a-b-01"}]
        }

    def test_any_other_request_goes_on_as_it_is(self) -> None:
        assert self.target().pauses("GET", CHAT, {}) == {}
        assert self.target().pauses("POST", CHAT, {"traceparent": "00-c-d-01"}) == {}

    @pytest.mark.parametrize(
        ("referrer", "document", "added"),
        [
            ({}, PAGE, True),
            ({"Referer": ""}, PAGE, True),
            ({"Referer": "https://portal.example.org/"}, PAGE, False),
            ({"referer": PAGE}, "https://portal.example.org/", True),
            ({}, "https://portal.example.org/", False),
        ],
    )
    def test_the_page_that_sends_is_the_referrer_or_else_the_document(
        self, referrer: dict[str, str], document: str, added: bool
    ) -> None:
        assert bool(self.target(document).pauses("POST", CHAT, referrer)) is added


class TestByRoutes:
    class Page:
        def route(self, fits: Any, handler: Any) -> None:
            self.fits, self.handler = fits, handler

    def routed(self, frame: str, error: bool = False) -> tuple[Any, list[Any]]:
        page, went_on = self.Page(), []
        TraceContext(RULES, (), lambda: "00-a-b-01").by_routes(cast(Any, page), lambda handler: handler)

        def fallback(headers: Any) -> None:
            if error:
                raise Error("the page is closed")
            went_on.append(headers)

        request = SimpleNamespace(
            method="POST", url=CHAT, headers={"accept": "*/*"}, frame=SimpleNamespace(url=frame)
        )
        page.handler(SimpleNamespace(fallback=fallback), request)
        return page, went_on

    @pytest.mark.parametrize(
        ("frame", "headers"),
        [(PAGE, {"accept": "*/*", "traceparent": "00-a-b-01"}), ("https://portal.example.org/", None)],
    )
    def test_the_frame_that_sends_decides(self, frame: str, headers: Any) -> None:
        page, went_on = self.routed(frame)
        assert went_on == [headers]
        assert page.fits(CHAT)
        assert not page.fits("https://chat.example.org/api/other")

    def test_a_page_that_is_gone_is_no_error(self) -> None:
        assert self.routed(PAGE, error=True)[1] == []
