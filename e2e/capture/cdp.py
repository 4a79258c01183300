"""Traffic as Chromium's DevTools protocol tells it: live, with its own times and stacks, and without touching the stream."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any, Protocol

from playwright.sync_api import CDPSession, Error

from e2e.capture.scheduler import Pulse
from e2e.capture.wire import AnswerReader, Exchange, Rule, as_json

_QUERY = re.compile(r"[?#].*", re.DOTALL)
_POST_LIMIT = 1 << 20  # bytes of a request's body that the browser hands out with the event itself


class Listener(Protocol):
    """Who is told what happened on the wire, in order."""

    def on_payload(self, exchange: Exchange) -> None: ...
    def on_response(self, exchange: Exchange, t: float) -> None: ...
    def on_chunk(self, exchange: Exchange, t: float, event: str, value: Any) -> None: ...
    def on_finished(self, exchange: Exchange) -> None: ...


class CdpWire:
    """Watches one page's requests and WebSocket frames for those that the rules name.

    ``reading`` False follows exchanges from start to end but reads no answer: just what a driver needs to wait for.
    """

    def __init__(
        self,
        session: CDPSession,
        rules: tuple[Rule, ...],
        listener: Listener,
        pulse: Pulse,
        *,
        reading: bool = True,
    ) -> None:
        self._session = session
        self._rules = rules
        self._listener = listener
        self._reading = reading
        self._offset = 0.0  # wall clock minus the protocol's monotonic clock, in seconds
        self._bodies: dict[str, _Body] = {}
        self._sockets: dict[str, str] = {}
        self._open_frames: dict[tuple[str, str | None], Exchange] = {}
        self.in_flight: set[str] = set()
        """Requests of the page's scripts that have not ended."""
        self._left: dict[str, int] = {}
        self.recent: list[str] = []
        """Method and URL (without query) of the last script requests, to say what there was when nothing matched."""
        on: dict[str, Callable[[dict[str, Any]], None]] = {
            "Network.requestWillBeSent": self._request,
            "Network.responseReceived": self._response,
            "Network.dataReceived": self._data,
            "Network.loadingFinished": self._finished,
            "Network.loadingFailed": self._failed,
        }
        if any(rule.transport == "websocket" for rule in rules):
            on |= {
                "Network.webSocketCreated": self._socket,
                "Network.webSocketFrameSent": self._frame_sent,
                "Network.webSocketFrameReceived": self._frame_received,
                "Network.webSocketClosed": self._socket_closed,
            }
        for event, handler in on.items():
            session.on(event, pulse.guarded(handler))
        session.send("Network.enable", {"maxPostDataSize": _POST_LIMIT})

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    def _request(self, e: dict[str, Any]) -> None:
        request, request_id = e["request"], e["requestId"]
        self._offset = e["wallTime"] - e["timestamp"]
        if e.get("type") not in ("Fetch", "XHR", "EventSource", "Ping"):
            return
        if e["type"] != "Ping":
            self.in_flight.add(request_id)
        url = request["url"] + request.get("urlFragment", "")
        self._remember(request["method"], url)
        if request_id in self._bodies:
            return  # redirected: the same payload goes on to another address
        rule = next((r for r in self._rules if r.names(request["method"], url)), None)
        if rule is None:
            return
        body = request.get("postData")
        if body is None and request.get("hasPostData"):
            body = self._session.send("Network.getRequestPostData", {"requestId": request_id})["postData"]
        payload = as_json(body or "")
        if not rule.accepts(payload):
            return
        exchange = Exchange(
            request=request_id,
            rule=rule,
            transport="http",
            method=request["method"],
            url=url,
            sent_at=e["wallTime"],
            session=rule.session_of(url, request["headers"], payload),
            history=rule.history_of(payload),
            body=body or "",
            stack=_frames(e.get("initiator")),
        )
        self._bodies[request_id] = _Body(exchange)
        self._listener.on_payload(exchange)

    def _remember(self, method: str, url: str) -> None:
        self.recent = [*self.recent[-9:], f"{method} {_QUERY.sub('', url)}"]

    def _response(self, e: dict[str, Any]) -> None:
        response = e["response"]
        self._expect(e["requestId"], response)
        body = self._bodies.get(e["requestId"])
        if body is None:
            return
        exchange = body.exchange
        exchange.status = response["status"]
        if response.get("fromServiceWorker"):
            exchange.cached = "service worker"
        elif response.get("fromDiskCache") or response.get("fromPrefetchCache"):
            exchange.cached = "browser cache"
        headers = {name.lower(): value for name, value in response["headers"].items()}
        body.headers = headers
        exchange.provider = exchange.rule.provider_of(headers, None)
        self._listener.on_response(exchange, e["timestamp"] + self._offset)
        if not self._reading:
            return
        body.reader = AnswerReader(headers.get("content-type", response.get("mimeType", "")))
        try:
            got = self._session.send("Network.streamResourceContent", {"requestId": e["requestId"]})
        except Error:
            body.live = None  # it had ended before we could ask: the body is read as a whole
        else:
            body.live = True
            body.early.insert(0, (e["timestamp"], got["bufferedData"]))
            for timestamp, data in body.early:
                self._feed(body, timestamp, base64.b64decode(data))
            body.early.clear()
        if body.ended:
            self._complete(body)

    def _expect(self, request_id: str, response: dict[str, Any]) -> None:
        """A request with ``keepalive`` never ends for the protocol; its announced length tells that it did."""
        if request_id in self.in_flight:
            length = next((v for k, v in response["headers"].items() if k.lower() == "content-length"), "")
            self._left[request_id] = int(length) if length.isdecimal() else -1
            if response["status"] in (204, 205, 304) or length == "0":
                self._over(request_id)

    def _over(self, request_id: str) -> None:
        self.in_flight.discard(request_id)
        self._left.pop(request_id, None)

    def _data(self, e: dict[str, Any]) -> None:
        left = self._left.get(e["requestId"], -1)
        if left > 0:
            self._left[e["requestId"]] = left - e["dataLength"]
            if left <= e["dataLength"]:
                self._over(e["requestId"])
        body = self._bodies.get(e["requestId"])
        if body is None:
            return
        exchange = body.exchange
        exchange.chunks += 1
        exchange.bytes += e["dataLength"]
        if exchange.first_chunk_at is None:
            exchange.first_chunk_at = e["timestamp"] + self._offset
        if data := e.get("data"):
            if body.live:
                self._feed(body, e["timestamp"], base64.b64decode(data))
            else:
                body.early.append((e["timestamp"], data))

    def _finished(self, e: dict[str, Any]) -> None:
        self._end(e, "ok", "")

    def _failed(self, e: dict[str, Any]) -> None:
        self._end(e, "cancelled" if e.get("canceled") else "failed", e.get("errorText", ""))

    def _end(self, e: dict[str, Any], outcome: str, error: str) -> None:
        self._over(e["requestId"])
        body = self._bodies.get(e["requestId"])
        if body is None:
            return
        body.exchange.ended_at = e["timestamp"] + self._offset
        body.ended = (outcome, error)
        if body.reader is None or body.live is not False:
            self._complete(body)

    def _complete(self, body: _Body) -> None:
        if body.completed or body.ended is None:
            return
        body.completed = True
        exchange = body.exchange
        ended_at = exchange.ended_at or exchange.sent_at
        if body.reader is not None:
            if body.live is None:
                try:
                    got = self._session.send("Network.getResponseBody", {"requestId": exchange.request})
                except Error as error:
                    exchange.error = f"the answer's body could not be read: {error.message}"
                else:
                    raw = base64.b64decode(got["body"]) if got["base64Encoded"] else got["body"].encode()
                    self._feed(body, ended_at - self._offset, raw)
            for event, value in body.reader.end():
                self._value(body.exchange, ended_at, event, value, body.headers)
        self._bodies.pop(exchange.request, None)
        exchange.outcome, why = body.ended
        exchange.error = why or exchange.error
        self._listener.on_finished(exchange)

    def _feed(self, body: _Body, timestamp: float, data: bytes) -> None:
        assert body.reader is not None
        for event, value in body.reader.feed(data):
            self._value(body.exchange, timestamp + self._offset, event, value, body.headers)

    def _value(self, exchange: Exchange, t: float, event: str, value: Any, headers: dict[str, str]) -> None:
        provider = exchange.rule.provider_of(headers, value)
        if provider is not None and exchange.provider is None:
            exchange.provider = provider
        self._listener.on_chunk(exchange, t, event, value)

    # -- WebSocket ----------------------------------------------------------------------------------------------------

    def _socket(self, e: dict[str, Any]) -> None:
        self._sockets[e["requestId"]] = e["url"]
        self._remember("WebSocket", e["url"])

    def _frame_sent(self, e: dict[str, Any]) -> None:
        socket = e["requestId"]
        url = self._sockets.get(socket, "")
        text = e["response"]["payloadData"]
        payload = as_json(text)
        rule = next(
            (
                r
                for r in self._rules
                if r.transport == "websocket" and r.names_url(url) and r.accepts(payload)
            ),
            None,
        )
        if rule is None:
            return
        key = rule.key_of(payload)
        exchange = Exchange(
            request=f"{socket}#{key or e['timestamp']}",
            rule=rule,
            transport="websocket",
            method="SEND",
            url=url,
            sent_at=e["timestamp"] + self._offset,
            session=rule.session_of(url, {}, payload),
            history=rule.history_of(payload),
            body=text,
            stack=[],
            reply_key=key,
            status=101,
        )
        self._open_frames[socket, key] = exchange
        self._listener.on_payload(exchange)

    def _frame_received(self, e: dict[str, Any]) -> None:
        socket = e["requestId"]
        frame = as_json(e["response"]["payloadData"])
        if frame is None:
            return
        t = e["timestamp"] + self._offset
        for (open_socket, key), exchange in list(self._open_frames.items()):
            if open_socket != socket or exchange.rule.key_of(frame) != key:
                continue
            exchange.chunks += 1
            exchange.bytes += len(e["response"]["payloadData"])
            exchange.first_chunk_at = exchange.first_chunk_at or t
            self._value(exchange, t, "", frame, {})
            if exchange.rule.is_done(frame):
                del self._open_frames[open_socket, key]
                exchange.ended_at, exchange.outcome = t, "ok"
                self._listener.on_finished(exchange)

    def _socket_closed(self, e: dict[str, Any]) -> None:
        for (socket, key), exchange in list(self._open_frames.items()):
            if socket == e["requestId"]:
                del self._open_frames[socket, key]
                exchange.ended_at = e["timestamp"] + self._offset
                exchange.outcome, exchange.error = "failed", "the WebSocket was closed"
                self._listener.on_finished(exchange)


class _Body:
    """An HTTP answer while it comes in."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.reader: AnswerReader | None = None
        self.headers: dict[str, str] = {}
        self.live: bool | None = False
        """True: chunks come with their bytes; False: not asked yet or being asked; None: too late for that."""
        self.early: list[tuple[float, str]] = []
        self.ended: tuple[str, str] | None = None
        self.completed = False


def _frames(initiator: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The initiator's stack, innermost first, lines and columns counted from 1."""
    frames: list[dict[str, Any]] = []
    stack = (initiator or {}).get("stack")
    while stack and len(frames) < 16:
        frames += [
            {
                "function": f["functionName"],
                "url": f["url"],
                "line": f["lineNumber"] + 1,
                "column": f["columnNumber"] + 1,
            }
            for f in stack["callFrames"]
        ]
        stack = stack.get("parent")
    return frames[:16]
