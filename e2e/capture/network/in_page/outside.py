"""Playwright's events of a page, for what its scripts cannot see: documents, cookies that a reply sets, what a worker sends."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence

from playwright.sync_api import Error, Request, Response

from e2e.capture.network.events.channel import Params
from e2e.capture.network.in_page.channel import InPageChannel
from e2e.capture.network.wire_rules import Rule

_SCRIPTED = {"fetch": "Fetch", "xhr": "XHR", "eventsource": "EventSource", "ping": "Ping", "beacon": "Ping"}
_NOT_SEEN = "a worker sent it in which the suite's script does not run, and this browser shows no bodies"


class Outside:
    """Follows the requests of one page. ``known`` is called with each one that the page's script reports."""

    def __init__(
        self, page: InPageChannel, workers: InPageChannel, rules: Sequence[Rule], *, follows_cookies: bool
    ) -> None:
        self._page = page
        self._workers = workers
        self._rules = rules
        self._follows_cookies = follows_cookies
        self._loading: dict[Request, str] = {}
        self._scripted: dict[Request, tuple[float, Response | None]] = {}
        self._seen: Counter[tuple[str, str]] = Counter()
        """Requests by method and URL that the page's script reported, and that no event was matched with."""
        self._order: deque[tuple[str, str]] = deque(maxlen=512)
        self._count = 0

    def known(self, method: str, url: str) -> None:
        key = (method, _plain(url))
        if len(self._order) == self._order.maxlen:
            self._seen[self._order[0]] -= 1
        self._order.append(key)
        self._seen[key] += 1

    def request(self, request: Request) -> None:
        t = time.time()
        if request.resource_type in _SCRIPTED and self._is_named(request):
            self._scripted[request] = (t, None)
            # Chromium's events of Playwright have no cookies, Firefox's have all.
            if (cookies := request.headers.get("cookie")) is not None:
                self._page.cookies(request.method, request.url, cookies)
        if not request.is_navigation_request():
            return
        self._count += 1
        request_id = self._loading[request] = f"document{self._count}"
        sent: Params = {"url": request.url, "method": request.method, "headers": request.headers}
        self._page.emit(
            "Network.requestWillBeSent",
            {"requestId": request_id, "wallTime": t, "timestamp": t, "type": "Document", "request": sent},
        )

    def response(self, response: Response) -> None:
        t, request = time.time(), response.request
        request_id = self._loading.get(request)
        if request in self._scripted:
            self._scripted[request] = (self._scripted[request][0], response)
        if self._follows_cookies:
            self._cookies(response, request_id)
        if request_id is not None:
            answer: Params = {"status": response.status, "headers": response.headers, "url": response.url}
            self._page.emit(
                "Network.responseReceived", {"requestId": request_id, "timestamp": t, "response": answer}
            )

    def _cookies(self, response: Response, request_id: str | None) -> None:
        try:
            header = response.header_value("set-cookie")
        except Error:
            return
        if header:
            self._page.emit(
                "Network.responseReceivedExtraInfo",
                {"requestId": request_id or "", "headers": {"set-cookie": header}},
            )

    def ended(self, request: Request, *, failed: bool) -> None:
        request_id = self._loading.pop(request, None)
        if request_id is None:
            return
        end: Params = {"requestId": request_id, "timestamp": time.time()}
        if failed:
            self._page.emit(
                "Network.loadingFailed", {**end, "errorText": request.failure or "", "canceled": False}
            )
        else:
            self._page.emit("Network.loadingFinished", end)

    def unseen(self, request: Request) -> None:
        """The request is over, and the page's script has had its time: what it did not report, a worker sent."""
        t, response = self._scripted.pop(request, (0.0, None))
        key = (request.method, _plain(request.url))
        if not t:
            return
        if self._seen[key] > 0:
            self._seen[key] -= 1
            return
        self._count += 1
        me: Params = {"requestId": f"outside{self._count}"}
        sent: Params = {"url": request.url, "method": request.method, "headers": request.headers}
        if request.method not in ("GET", "HEAD"):
            self._workers.lost(me["requestId"], _NOT_SEEN)
            sent["hasPostData"] = True
        kind = _SCRIPTED[request.resource_type]
        self._workers.emit(
            "Network.requestWillBeSent", {**me, "wallTime": t, "timestamp": t, "type": kind, "request": sent}
        )
        now = time.time()
        if response is not None:
            answer: Params = {"status": response.status, "headers": response.headers, "url": response.url}
            self._workers.emit("Network.responseReceived", {**me, "timestamp": now, "response": answer})
        self._workers.emit("Network.loadingFinished", {**me, "timestamp": now})

    def _is_named(self, request: Request) -> bool:
        return any(rule.names(request.method, request.url) for rule in self._rules)


def _plain(url: str) -> str:
    """Playwright's requests have no fragment."""
    return url.partition("#")[0]
