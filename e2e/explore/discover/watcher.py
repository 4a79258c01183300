"""Records in memory what a page sends, receives and stores. Needs no profile."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, Error, Page

from e2e.capture.in_page import STORES
from e2e.capture.network.bodies.encodings import body_of
from e2e.capture.network.bodies.event_reader import AnswerReader
from e2e.capture.network.bodies.parsing import cookies_of
from e2e.capture.network.cdp.channels import PageChannel, watch_children, watch_shared_workers
from e2e.capture.network.events.channel import Channel, Params
from e2e.capture.network.events.post_data import carried_body, read_body
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.pages.stored import store_texts

_BODY_LIMIT = 1 << 20
_SCRIPTED = ("Fetch", "XHR", "EventSource", "Ping", "Document", "Other")


@dataclass(slots=True)
class Payload:
    """A request, or a frame that the page sent on a socket."""

    number: int
    t: float
    transport: str
    method: str
    url: str
    headers: dict[str, str]
    body: str | bytes
    socket: str = ""
    kind: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    values: list[tuple[float, str, Any]] = field(default_factory=list)
    """``(time, event, value)`` of the response."""
    plain: str = ""
    """Text of the response, where it is no JSON and no stream of events."""
    ended: bool = False
    ended_at: float = 0.0
    origin: str = "page"

    @property
    def text(self) -> str:
        return self.body if isinstance(self.body, str) else self.body.decode("utf-8", errors="replace")


@dataclass(slots=True)
class Frame:
    """A frame that arrived on a socket."""

    t: float
    socket: str
    data: str | bytes


@dataclass(frozen=True, slots=True)
class Stores:
    """Contents of all stores at one moment."""

    t: float
    local: dict[str, str]
    session: dict[str, str]
    cookies: dict[str, str]
    http_only: frozenset[str]
    records: dict[str, str]
    """IndexedDB: JSON of ``[database, store, key]`` -> value as a string."""
    address: str


class Watcher:
    """Watches a page and its workers from the start."""

    def __init__(self, page: Page, waiter: EventWaiter) -> None:
        self.page = page
        self.waiter = waiter
        """Beats when scripts sent or received anything."""
        self.payloads: list[Payload] = []
        self.frames: list[Frame] = []
        self.sockets: dict[str, tuple[str, dict[str, str]]] = {}
        """Socket -> URL and handshake headers."""
        self.last = time.monotonic()
        """Time of the last event, `time.monotonic`."""
        self._requests: dict[str, Payload] = {}
        self._readers: dict[str, AnswerReader] = {}
        self._early: dict[str, list[bytes]] = {}
        self._cookies: dict[str, dict[str, str]] = {}
        self._offset = 0.0
        self.close = self._start()
        """Detaches from the shared workers; call it before the context is closed."""

    def _start(self) -> Callable[[], None]:
        """Watch the page; returns what detaches from its shared workers."""
        channel = PageChannel(self.page.context.new_cdp_session(self.page))
        watch_children(channel, self._attach, lambda handler: handler)
        self._attach(channel)
        return self._shared_workers()

    def _shared_workers(self) -> Callable[[], None]:
        """Watch shared workers. They belong to no page, so only the browser's own session reports them."""
        context = self.page.context
        browser = context.browser
        if browser is None:
            return lambda: None
        me = context.new_cdp_session(self.page).send("Target.getTargetInfo")["targetInfo"]["browserContextId"]
        session = PageChannel(browser.new_browser_cdp_session())
        return watch_shared_workers(session, me, self._attach, lambda handler: handler)

    def stores(self, frame: Any = None) -> Stores:
        """The contents of all stores."""
        held: Any = None
        with suppress(Error):
            held = (frame or self.page.main_frame).evaluate(STORES)
        jar = self.page.context.cookies()
        cookies = {str(c.get("name")): str(c.get("value")) for c in jar} | store_texts(held, "cookie")
        hidden = frozenset(str(c.get("name")) for c in jar if c.get("httpOnly"))
        address = held.get("address") if isinstance(held, dict) else None
        return Stores(
            time.time(),
            store_texts(held, "localStorage"),
            store_texts(held, "sessionStorage"),
            cookies,
            hidden,
            store_texts(held, "indexedDB"),
            address if isinstance(address, str) else self.page.url,
        )

    def _note_event(self) -> None:
        self.last = time.monotonic()
        self.waiter.wake()

    # -- events -------------------------------------------------------------------------------------------------------

    def _attach(self, channel: Channel) -> None:
        p = channel.prefix
        on = {
            "requestWillBeSent": lambda e: self._request(channel, e),
            "requestWillBeSentExtraInfo": lambda e: self._extra(p, e),
            "responseReceived": lambda e: self._response(channel, e),
            "dataReceived": lambda e: self._data(p, e),
            "loadingFinished": lambda e: self._end(channel, e),
            "loadingFailed": lambda e: self._end(channel, e),
            "eventSourceMessageReceived": lambda e: self._event(p, e),
            "webSocketCreated": lambda e: self._socket(p, e),
            "webSocketWillSendHandshakeRequest": lambda e: self._handshake(p, e),
            "webSocketFrameSent": lambda e: self._sent(channel, e),
            "webSocketFrameReceived": lambda e: self._received(p, e),
        }
        for name, handler in on.items():
            channel.on(f"Network.{name}", handler)
        channel.ask("Network.enable", {"maxPostDataSize": _BODY_LIMIT}, lambda _, __: None)

    def _request(self, channel: Channel, e: Params) -> None:
        self._offset = e["wallTime"] - e["timestamp"]
        if e.get("type") not in _SCRIPTED or e["request"]["url"].startswith(("data:", "blob:", "chrome")):
            return
        request = e["request"]
        key = channel.prefix + e["requestId"]
        if key in self._requests:
            return
        body = decoded(carried_body(request) or "", request["headers"])
        payload = Payload(
            len(self.payloads), e["wallTime"], "http", request["method"], request["url"] + request.get("urlFragment", ""),
            {k.lower(): v for k, v in request["headers"].items()}, body, kind=e.get("type", ""), origin=channel.kind,
            cookies=self._cookies.pop(key, {}),
        )  # fmt: skip
        self.payloads.append(payload)
        self._requests[key] = payload
        self._note_event()
        if not body and request.get("hasPostData"):

            def store_body(got: Params | None, _: str) -> None:
                payload.body = decoded(read_body(got), request["headers"]) if got else ""
                self.waiter.wake()

            channel.ask("Network.getRequestPostData", {"requestId": e["requestId"]}, store_body)

    def _extra(self, prefix: str, e: Params) -> None:
        cookies = {
            c["cookie"]["name"]: c["cookie"]["value"]
            for c in e.get("associatedCookies", ())
            if not c.get("blockedReasons")
        }
        payload = self._requests.get(prefix + e["requestId"])
        if payload is not None:
            payload.cookies = cookies
        elif len(self._cookies) < 500:
            self._cookies[prefix + e["requestId"]] = cookies

    def _response(self, channel: Channel, e: Params) -> None:
        key = channel.prefix + e["requestId"]
        payload = self._requests.get(key)
        if payload is None:
            return
        payload.status = e["response"]["status"]
        payload.response_headers = {k.lower(): v for k, v in e["response"]["headers"].items()}
        if payload.kind in ("EventSource", "Document"):
            return
        reader = AnswerReader(payload.response_headers.get("content-type", ""))

        def live(got: Params | None, _: str) -> None:
            if got is not None:
                self._readers[key] = reader
                for data in [base64.b64decode(got["bufferedData"]), *self._early.pop(key, [])]:
                    self._feed(payload, reader, data, e["timestamp"])

        channel.ask("Network.streamResourceContent", {"requestId": e["requestId"]}, live)

    def _data(self, prefix: str, e: Params) -> None:
        key = prefix + e["requestId"]
        payload = self._requests.get(key)
        if payload is None or not e.get("data"):
            return
        self._note_event()
        data = base64.b64decode(e["data"])
        reader = self._readers.get(key)
        if reader is None:
            self._early.setdefault(key, []).append(data)
        else:
            self._feed(payload, reader, data, e["timestamp"])

    def _feed(self, payload: Payload, reader: AnswerReader, data: bytes, timestamp: float) -> None:
        payload.values += [(timestamp + self._offset, event, value) for event, value in reader.feed(data)]
        payload.plain = (payload.plain + reader.text(data))[:_BODY_LIMIT]

    def _end(self, channel: Channel, e: Params) -> None:
        key = channel.prefix + e["requestId"]
        payload = self._requests.pop(key, None)
        if payload is None:
            return
        payload.ended = True
        self._note_event()
        t = payload.ended_at = e["timestamp"] + self._offset
        reader = self._readers.pop(key, None)
        if reader is not None:
            payload.values += [(t, event, value) for event, value in reader.end()]
            return

        def got(answer: Params | None, _: str) -> None:
            if answer is not None and len(answer["body"]) < _BODY_LIMIT:
                whole = AnswerReader(payload.response_headers.get("content-type", ""))
                raw = base64.b64decode(answer["body"]) if answer["base64Encoded"] else answer["body"].encode()
                payload.plain = whole.text(raw)
                payload.values += [(t, event, value) for event, value in [*whole.feed(raw), *whole.end()]]

        if payload.kind != "Document":
            channel.ask("Network.getResponseBody", {"requestId": e["requestId"]}, got)

    def _event(self, prefix: str, e: Params) -> None:
        payload = self._requests.get(prefix + e["requestId"])
        if payload is not None:
            self._note_event()
            text = f"event: {e['eventName']}\ndata: " + e["data"].replace("\n", "\ndata: ") + "\n\n"
            reader = AnswerReader("text/event-stream")
            payload.values += [
                (e["timestamp"] + self._offset, event, value) for event, value in reader.feed(text.encode())
            ]

    def _socket(self, prefix: str, e: Params) -> None:
        self.sockets[prefix + e["requestId"]] = (e["url"], {})

    def _handshake(self, prefix: str, e: Params) -> None:
        self._offset = e["wallTime"] - e["timestamp"]
        url, _ = self.sockets.get(prefix + e["requestId"], ("", {}))
        headers = {k.lower(): v for k, v in e.get("request", {}).get("headers", {}).items()}
        self.sockets[prefix + e["requestId"]] = (url, headers)

    def _sent(self, channel: Channel, e: Params) -> None:
        socket = channel.prefix + e["requestId"]
        url, headers = self.sockets.get(socket, ("", {}))
        self.payloads.append(
            Payload(
                len(self.payloads), e["timestamp"] + self._offset, "websocket", "SEND", url, headers, _frame(e), socket,
                cookies=cookies_of(headers.get("cookie", "")), origin=channel.kind,
            )
        )  # fmt: skip
        self._note_event()

    def _received(self, prefix: str, e: Params) -> None:
        self.frames.append(Frame(e["timestamp"] + self._offset, prefix + e["requestId"], _frame(e)))
        self._note_event()


def decoded(raw: bytes | str, headers: dict[str, str]) -> bytes | str:
    """The text of a body, decompressed; its bytes where it is none."""
    body = body_of(raw, headers)
    return body.data if body.unreadable or not body.text else body.text


def _frame(e: Params) -> str | bytes:
    data: str = e["response"]["payloadData"]
    return base64.b64decode(data) if e["response"].get("opcode") == 2 else data


def new_page(context: BrowserContext, waiter: EventWaiter) -> tuple[Page, Watcher]:
    """Open a page, and watch it before it loads anything."""
    page = context.new_page()
    return page, Watcher(page, waiter)
