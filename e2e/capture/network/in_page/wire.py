"""Traffic as a script in the page reports it, with what Playwright sees from outside: for every engine."""

from __future__ import annotations

import re
import time
from collections.abc import Collection

from playwright.sync_api import Error, Page, Route
from playwright.sync_api import Request as PageRequest
from playwright.sync_api import Response as PageResponse

from e2e.capture.network.events.channel import Params
from e2e.capture.network.events.wire import Wire
from e2e.capture.network.exchanges import Listener
from e2e.capture.network.in_page.channel import InPageChannel
from e2e.capture.network.traffic import Traffic
from e2e.capture.network.wire_rules import Refusal, Rule
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.profile.values.bounded import Pattern


class InPageWire(Wire):
    """What the script of ``e2e/capture/in_page/wire.js`` and Playwright's own events report of a page."""

    def __init__(
        self,
        page: Page,
        rules: tuple[Rule, ...],
        listener: Listener,
        waiter: EventWaiter,
        *,
        refusals: tuple[Refusal, ...] = (),
        reading: bool = True,
        cookies: Pattern | None = None,
        blocked_hosts: Collection[str] = (),
        frame_depth: int = 0,
        traffic: Traffic | None = None,
    ) -> None:
        super().__init__(
            rules,
            listener,
            refusals=refusals,
            reading=reading,
            cookies=cookies,
            frame_depth=frame_depth,
            traffic=traffic,
        )
        self._page = page
        self._waiter = waiter
        self._latency = 0.0
        self._routed = False
        self._channel = InPageChannel()
        self.handle(self._channel, lambda handler: handler)
        self._outside = _Outside(self._channel, follows_cookies=cookies is not None)
        page.on("request", waiter.guarded(self._outside.request))
        page.on("response", waiter.guarded(self._outside.response))
        page.on("requestfinished", waiter.guarded(self._outside.finished))
        page.on("requestfailed", waiter.guarded(self._outside.failed))
        for host in blocked_hosts:
            page.route(re.compile(rf"^\w+://{re.escape(host)}[:/]"), _abort)

    def receive(self, record: Params) -> None:
        """A record of the script in the page."""
        self._channel.receive(record)

    def look_again(self) -> None:
        """The script goes on with the page that it is in."""

    def bypass_caches(self) -> None:
        self._route()

    def delay(self, latency: float) -> None:
        self._latency = latency
        if latency:
            self._route()

    def _route(self) -> None:
        """Playwright switches the HTTP cache off where requests are routed."""
        if not self._routed:
            self._routed = True
            self._page.route("**/*", self._go_on)

    def _go_on(self, route: Route) -> None:
        if self._latency:
            self._waiter.later(self._latency, route)
        else:
            _continue(route)


def _continue(route: Route) -> None:
    try:
        route.fallback()
    except Error:
        return  # the page went away with the request


def _abort(route: Route) -> None:
    try:
        route.abort("blockedbyclient")
    except Error:
        return


class _Outside:
    """Playwright's events of a page, for what its scripts cannot see: documents that are loaded, and cookies that a reply sets."""

    def __init__(self, channel: InPageChannel, *, follows_cookies: bool) -> None:
        self._channel = channel
        self._follows_cookies = follows_cookies
        self._loading: dict[PageRequest, str] = {}
        self._count = 0

    def request(self, request: PageRequest) -> None:
        if not request.is_navigation_request():
            return
        self._count += 1
        request_id = self._loading[request] = f"document{self._count}"
        t = _now()
        sent: Params = {"url": request.url, "method": request.method, "headers": request.headers}
        self._channel.emit(
            "Network.requestWillBeSent",
            {"requestId": request_id, "wallTime": t, "timestamp": t, "type": "Document", "request": sent},
        )

    def response(self, response: PageResponse) -> None:
        t, request_id = _now(), self._loading.get(response.request)
        if self._follows_cookies:
            self._cookies(response, request_id)
        if request_id is not None:
            answer: Params = {"status": response.status, "headers": response.headers, "url": response.url}
            self._channel.emit(
                "Network.responseReceived", {"requestId": request_id, "timestamp": t, "response": answer}
            )

    def _cookies(self, response: PageResponse, request_id: str | None) -> None:
        try:
            header = response.header_value("set-cookie")
        except Error:
            return
        if header:
            self._channel.emit(
                "Network.responseReceivedExtraInfo",
                {"requestId": request_id or "", "headers": {"set-cookie": header}},
            )

    def finished(self, request: PageRequest) -> None:
        self._end("Network.loadingFinished", request, {})

    def failed(self, request: PageRequest) -> None:
        self._end("Network.loadingFailed", request, {"errorText": request.failure or "", "canceled": False})

    def _end(self, event: str, request: PageRequest, rest: Params) -> None:
        request_id = self._loading.pop(request, None)
        if request_id is not None:
            self._channel.emit(event, {"requestId": request_id, "timestamp": _now(), **rest})


def _now() -> float:
    return time.time()
