"""Playwright's events of a page, for what its scripts cannot see: documents, cookies that a reply sets, what a worker sends."""

from __future__ import annotations

import base64
import time
from collections import Counter, deque
from collections.abc import Sequence
from functools import partial

from playwright.sync_api import Error, Request, Response

from e2e.capture.network.events.channel import Params, Then
from e2e.capture.network.in_page.channel import InPageChannel
from e2e.capture.network.wire_rules import Rule
from e2e.pages.calls import Call, Calls

_SCRIPTED = {"fetch": "Fetch", "xhr": "XHR", "eventsource": "EventSource", "ping": "Ping", "beacon": "Ping"}
_NOT_SEEN = "a worker sent it in which the suite's script does not run, and this browser shows no bodies"


class Outside:
    """Follows the requests of one page. ``known`` is called with each one that the page's script reports."""

    def __init__(
        self,
        page: InPageChannel,
        workers: InPageChannel,
        rules: Sequence[Rule],
        calls: Calls,
        *,
        follows_cookies: bool,
    ) -> None:
        self._page = page
        self._workers = workers
        self._rules = rules
        self._follows_cookies = follows_cookies
        self._calls = calls
        self._loading: dict[Request, str] = {}
        self._responses: dict[Request, Response] = {}
        """Those of `_loading`."""
        self._redirected: dict[Request, str] = {}
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
        before = request.redirected_from
        if before is None and request.resource_type in _SCRIPTED and self._is_named(request):
            self._scripted[request] = (t, None)
            # Chromium's events of Playwright have no cookies, Firefox's have all.
            if (cookies := request.headers.get("cookie")) is not None:
                self._page.cookies(request.method, request.url, cookies)
        if not request.is_navigation_request():
            if request.resource_type not in _SCRIPTED:
                self._mention(request, t)
            return
        # Redirected it is the same request: what was sent goes on to another address.
        request_id = self._redirected.pop(before, "") if before is not None else ""
        if not request_id:
            self._count += 1
            request_id = f"document{self._count}"
        self._loading[request] = request_id
        sent = _sent(request)
        if request.method != "GET" and "postDataEntries" not in sent and before is None:
            sent["hasPostData"] = True
            self._page.sends_form(request_id, sent["headers"])
        self._page.reads_whole(request_id, partial(self._read, request))
        self._page.emit(
            "Network.requestWillBeSent",
            {"requestId": request_id, "wallTime": t, "timestamp": t, "type": "Document", "request": sent},
        )
        if (cookies := request.headers.get("cookie")) is not None:
            self._page.note_cookies(request_id, cookies)

    def _mention(self, request: Request, t: float) -> None:
        """A script, an image or the like: the message may have left in its address."""
        self._count += 1
        me: Params = {"requestId": f"other{self._count}", "wallTime": t, "timestamp": t, "type": "Other"}
        self._page.emit("Network.requestWillBeSent", {**me, "request": _sent(request)})

    def _read(self, request: Request, then: Then) -> None:
        """The whole reply to a request that has ended."""
        response = self._responses.get(request)
        if response is None:
            then(None, "it had no reply")
            return

        def ended(call: Call) -> None:
            try:
                body: bytes = call.result()
            except Error as error:
                then(None, error.message.splitlines()[0])
            else:
                then({"body": base64.b64encode(body).decode(), "base64Encoded": True}, "")

        self._calls.start(response, "body", then=ended)

    def response(self, response: Response) -> None:
        t, request = time.time(), response.request
        request_id = self._loading.get(request)
        if request in self._scripted:
            self._scripted[request] = (self._scripted[request][0], response)
        if self._follows_cookies:
            self._cookies(response, request_id)
        if request_id is None:
            return
        if 300 <= response.status < 400 and "location" in response.headers:
            self._redirected[request] = request_id
            return
        self._responses[request] = response
        self._page.emit(
            "Network.responseReceived",
            {"requestId": request_id, "timestamp": t, "response": _answer(response)},
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
        if request_id is None or request in self._redirected:
            return
        end: Params = {"requestId": request_id, "timestamp": time.time()}
        if failed:
            self._page.ended(
                "Network.loadingFailed", {**end, "errorText": request.failure or "", "canceled": False}
            )
        else:
            self._page.ended("Network.loadingFinished", end)
        self._responses.pop(request, None)

    def unseen(self, request: Request) -> None:
        """The request is over, and the page's script has had its time: what it did not report, a worker sent."""
        t, response = self._scripted.pop(request, (0.0, None))
        key = (request.method, _plain(request.url))
        if not t:
            return
        if self._seen[key] > 0:
            self._seen[key] -= 1
            self._page.answered(*key, None if response is None else _answer(response))
            return
        self._count += 1
        me: Params = {"requestId": f"outside{self._count}"}
        sent = _sent(request)
        if request.method not in ("GET", "HEAD") and "postDataEntries" not in sent:
            self._workers.lost(me["requestId"], _NOT_SEEN)
            sent["hasPostData"] = True
        kind = _SCRIPTED[request.resource_type]
        if response is not None:
            self._responses[request] = response
        self._workers.reads_whole(me["requestId"], partial(self._read, request))
        self._workers.emit(
            "Network.requestWillBeSent", {**me, "wallTime": t, "timestamp": t, "type": kind, "request": sent}
        )
        now = time.time()
        if response is not None:
            self._workers.emit(
                "Network.responseReceived", {**me, "timestamp": now, "response": _answer(response)}
            )
        self._workers.ended("Network.loadingFinished", {**me, "timestamp": now})
        self._responses.pop(request, None)

    def _is_named(self, request: Request) -> bool:
        return any(rule.names(request.method, request.url) for rule in self._rules)


def _sent(request: Request) -> Params:
    """What left. Chromium tells the body, Firefox does not."""
    sent: Params = {"url": request.url, "method": request.method, "headers": dict(request.headers)}
    if body := request.post_data_buffer:
        sent["postDataEntries"] = [{"bytes": base64.b64encode(body).decode()}]
    return sent


def _answer(response: Response) -> Params:
    return {"status": response.status, "headers": response.headers, "url": response.url}


def _plain(url: str) -> str:
    """Playwright's requests have no fragment."""
    return url.partition("#")[0]
