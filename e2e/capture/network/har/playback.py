"""Plays a recording as the events of Chromium's protocol, so that whatever watches a page can watch a recording."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from e2e.capture.network.events.channel import Handler, Params, Then
from e2e.capture.network.har.entries import Entry

_NO_BODY = "the HAR has no response body"
_DOCUMENT = "document"


class RecordedChannel:
    """A `Channel` whose target is a recording. Attach handlers first, then `play`."""

    kind = "page"
    prefix = ""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = {str(e.number): e for e in entries}
        self._handlers: dict[str, list[Handler]] = defaultdict(list)

    def on(self, event: str, handler: Handler) -> None:
        self._handlers[event].append(handler)

    def ask(self, method: str, params: Params | None = None, then: Then | None = None) -> None:
        """Only bodies are there; a recording never streams."""
        if then is None:
            return
        entry = self._entries.get(str((params or {}).get("requestId", "")))
        if method == "Network.getResponseBody" and entry is not None and not entry.content_missing:
            then({"body": base64.b64encode(entry.content).decode(), "base64Encoded": True}, "")
        else:
            then(None, entry.content_missing if entry is not None else _NO_BODY)

    def play(self) -> None:
        """Send all events, in the order of their times."""
        events = [e for entry in self._entries.values() for e in _events_of(entry)]
        events.sort(key=lambda e: e[0])  # a stable sort: of one time, in the order of the protocol
        for _, name, params in events:
            for handler in self._handlers[name]:
                handler(params)


def _events_of(entry: Entry) -> Iterator[tuple[float, str, Params]]:
    if entry.referer:
        yield entry.t, "Page.navigatedWithinDocument", {"frameId": "main", "url": entry.referer}
    if entry.kind == _DOCUMENT.title() and entry.status < 400:
        yield entry.t, "Page.frameNavigated", {"frame": {"id": "main", "url": entry.url}}
    yield from _socket(entry) if entry.kind == "WebSocket" else _http(entry)


def _http(entry: Entry) -> Iterator[tuple[float, str, Params]]:
    me: dict[str, Any] = {"requestId": str(entry.number)}
    request: Params = {"url": entry.url, "method": entry.method, "headers": dict(entry.headers)}
    if entry.body and not entry.body_missing:
        request["postDataEntries"] = [{"bytes": base64.b64encode(entry.body).decode()}]
    elif entry.body_missing:
        request["hasPostData"] = True  # and a request for it gets no response
    # Without the times of its events an EventSource is read like any response.
    kind = "Fetch" if entry.kind == "EventSource" and not entry.events else entry.kind
    yield entry.t, "Network.requestWillBeSent", {
        **me, "wallTime": entry.t, "timestamp": entry.t, "type": kind, "request": request,
    }  # fmt: skip
    if entry.cookies:
        cookies = [
            {"cookie": {"name": name, "value": value}, "blockedReasons": []}
            for name, value in entry.cookies.items()
        ]
        yield entry.t, "Network.requestWillBeSentExtraInfo", {
            **me, "associatedCookies": cookies, "headers": dict(entry.headers),
        }  # fmt: skip
    if entry.status <= 0:
        failed = {**me, "timestamp": entry.ended_at, "errorText": "no response was recorded"}
        yield entry.ended_at, "Network.loadingFailed", failed
        return
    headers = dict(entry.response_headers)
    if "set-cookie" in headers:
        yield entry.answered_at, "Network.responseReceivedExtraInfo", {**me, "headers": headers}
    response: Params = {"status": entry.status, "headers": headers, "fromDiskCache": bool(entry.cached)}
    yield entry.answered_at, "Network.responseReceived", {
        **me, "timestamp": entry.answered_at, "type": kind, "response": response,
    }  # fmt: skip
    for t, name, data in entry.events:
        event = {**me, "timestamp": t, "eventName": name, "data": data, "eventId": ""}
        yield t, "Network.eventSourceMessageReceived", event
    size = len(entry.content)
    if size:
        yield entry.ended_at, "Network.dataReceived", {**me, "timestamp": entry.ended_at, "dataLength": size}
    yield entry.ended_at, "Network.loadingFinished", {**me, "timestamp": entry.ended_at}


def _socket(entry: Entry) -> Iterator[tuple[float, str, Params]]:
    me: dict[str, Any] = {"requestId": str(entry.number)}
    headers = dict(entry.headers)
    if entry.cookies and "cookie" not in headers:
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in entry.cookies.items())
    yield entry.t, "Network.webSocketCreated", {**me, "url": entry.url}
    yield entry.t, "Network.webSocketWillSendHandshakeRequest", {
        **me, "wallTime": entry.t, "timestamp": entry.t, "request": {"headers": headers},
    }  # fmt: skip
    for frame in entry.frames:
        if frame.opcode not in (1, 2):
            continue  # ping, pong, close
        name = "Network.webSocketFrameSent" if frame.sent else "Network.webSocketFrameReceived"
        response = {"opcode": frame.opcode, "payloadData": frame.data}
        yield frame.t, name, {**me, "timestamp": frame.t, "response": response}
    yield entry.ended_at, "Network.webSocketClosed", {**me, "timestamp": entry.ended_at}
