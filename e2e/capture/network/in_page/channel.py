"""What the script in the page saw, as the events of a `Channel`: the same readers read them as those of Chromium's protocol."""

from __future__ import annotations

import base64
import re
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from e2e.capture.network.bodies.parsing import cookies_of
from e2e.capture.network.events.channel import Handler, Params, Then
from e2e.records.records import SERVED_UNSEEN

_NOT_SEEN = "the script in the page did not see it"
_REMEMBERED = 256  # requests whose body may still be asked for
_FORM_AGE = 1.0  # seconds between a form's report and the request of its document, at most
_BOUNDARY = re.compile(r'boundary="?([^";]+)')


class InPageChannel:
    """The page with its frames, or one kind of worker. ``receive`` takes the script's records in their order."""

    def __init__(self, kind: str = "page", prefix: str = "", cookies: frozenset[str] = frozenset()) -> None:
        """``cookies`` are those that rules read: of a request without one of them it is not known whether it had it (HttpOnly)."""
        self.kind = kind
        self.prefix = prefix
        self._handlers: dict[str, list[Handler]] = defaultdict(list)
        self._cookies = cookies
        self._headers: dict[tuple[str, str], deque[str]] = defaultdict(lambda: deque(maxlen=8))
        """Method and URL -> cookie headers that the browser itself reported."""
        self._open: dict[tuple[str, str], deque[str]] = defaultdict(lambda: deque(maxlen=8))
        """The same -> requests whose cookies are not known."""
        self._bodies: dict[str, Params | None] = {}
        """Request -> its body in the answer of ``Network.getRequestPostData``; None: it was lost."""
        self._wanted: dict[str, list[Then]] = defaultdict(list)
        self._pending: set[str] = set()
        self._lost: dict[str, str] = {}
        self._whole: dict[str, Callable[[Then], None]] = {}
        """Request -> what reads its reply when it has ended; the script in the page does not see that one."""
        self._pings: dict[tuple[str, str], deque[str]] = defaultdict(lambda: deque(maxlen=8))
        """Method and URL -> beacons; their replies are none of the page's business."""
        self._last_form: tuple[float, Params] | None = None
        """When (monotonic) the script reported a form that no document was requested with yet."""
        self._waits_for_form: tuple[str, dict[str, str]] | None = None
        """The document that was requested with a form that the script has not reported yet, and its headers."""

    def on(self, event: str, handler: Handler) -> None:
        self._handlers[event].append(handler)

    def ask(self, method: str, params: Params | None = None, then: Then | None = None) -> None:
        """Bodies of requests come from the script; those of replies come as they are read, never later."""
        if then is None:
            return
        request = str((params or {}).get("requestId", ""))
        if method == "Network.streamResourceContent":
            if request in self._whole:
                then(None, "it is read as a whole")
            else:
                then({"bufferedData": ""}, "")
        elif method == "Network.getResponseBody" and request in self._whole:
            self._whole[request](then)
        elif method == "Network.getRequestPostData" and request in self._pending:
            self._wanted[request].append(then)
        elif method == "Network.getRequestPostData" and (body := self._bodies.get(request)) is not None:
            then(body, "")
        else:
            then(None, self._lost.get(request, _NOT_SEEN))

    def emit(self, event: str, params: Params) -> None:
        """Hand an event to those who read it."""
        for handler in self._handlers.get(event, ()):
            handler(params)

    def lost(self, request: str, why: str) -> None:
        """The body of this request will not be known."""
        self._lost[request] = why

    def reads_whole(self, request: str, read: Callable[[Then], None]) -> None:
        """The script does not see the reply of this request: ``read`` gives the whole of it, for ``Network.getResponseBody``."""
        self._whole[request] = read

    def ended(self, event: str, params: Params) -> None:
        """The end of a request that the script does not see."""
        self.emit(event, params)
        request: str = params["requestId"]
        if self._waits_for_form is not None and self._waits_for_form[0] == request:
            self._waits_for_form = None
            self._body({"id": request, "lost": _NOT_SEEN}, 0)
        self._whole.pop(request, None)

    def sends_form(self, request: str, headers: dict[str, str]) -> None:
        """A document is about to be requested with a body that only its form knows. The script reports that before or after it."""
        self._pending.add(request)
        self._waits_for_form = (request, headers)
        if self._last_form is not None and time.monotonic() - self._last_form[0] < _FORM_AGE:
            self._form_body(self._last_form[1])

    def _form(self, record: Params, _: float) -> None:
        if self._waits_for_form is not None:
            self._form_body(record)
        else:
            self._last_form = (time.monotonic(), record)

    def _form_body(self, record: Params) -> None:
        assert self._waits_for_form is not None
        request, headers = self._waits_for_form
        self._waits_for_form = self._last_form = None
        raw = base64.b64decode(record["bytes"])
        # The script made its copy of a form with files itself, with another boundary than the browser's.
        ours, theirs = (
            _BOUNDARY.search(kind or "") for kind in (record.get("type"), headers.get("content-type"))
        )
        if ours and theirs:
            raw = raw.replace(ours[1].encode(), theirs[1].encode())
        self._body({"id": request, "bytes": base64.b64encode(raw).decode()}, 0)

    def answered(self, method: str, url: str, answer: Params | None) -> None:
        """The browser itself reported the end of a request that the script saw leave. ``answer`` is None where it failed."""
        if not self._pings[method, url]:
            return
        me = {"requestId": self._pings[method, url].popleft(), "timestamp": time.time()}
        if answer is None:
            self.emit("Network.loadingFailed", {**me, "errorText": "", "canceled": False})
        else:
            self.emit("Network.responseReceived", {**me, "response": answer})
            self.emit("Network.loadingFinished", me)

    def receive(self, record: Params) -> None:
        """One record of the script."""
        if "page" in record:
            depth = record["depth"]
            frame = {"id": f"depth {depth}", "url": record["page"]}
            self.emit(
                "Page.frameNavigated",
                {"frame": {**frame, **({"parentId": f"depth {depth - 1}"} if depth else {})}},
            )
        getattr(self, f"_{record['e']}")(record, record.get("t", 0) / 1000)

    # -- requests -----------------------------------------------------------------------------------------------------

    def _request(self, record: Params, t: float) -> None:
        request_id: str = record["id"]
        request: Params = {
            "url": record["url"],
            "method": record["method"],
            "headers": dict(record["headers"]),
        }
        if "text" in record:
            request["postData"] = record["text"]
        elif "bytes" in record:
            request["postDataEntries"] = [{"bytes": record["bytes"]}] if record["bytes"] else []
        elif record.get("pending") or record.get("lost"):
            request["hasPostData"] = True
            if record.get("pending"):
                self._pending.add(request_id)
            else:
                self._lost[request_id] = record["lost"]
        me = {"requestId": request_id, "timestamp": t}
        self.emit(
            "Network.requestWillBeSent", {**me, "wallTime": t, "type": record["kind"], "request": request}
        )
        if record["kind"] == "Ping":
            self._pings[record["method"], record["url"].partition("#")[0]].append(request_id)
        if not self._cookies:
            return
        cookie, key = record.get("cookie"), (record["method"], record["url"])
        if cookie is not None and self._cookies <= cookies_of(cookie).keys():
            self.note_cookies(request_id, cookie)
        elif self._headers[key]:
            self.note_cookies(request_id, self._headers[key].popleft())
        else:
            self._open[key].append(request_id)

    def cookies(self, method: str, url: str, header: str) -> None:
        """The browser itself reported the cookies of a request: also those that scripts cannot see."""
        if self._open[method, url]:
            self.note_cookies(self._open[method, url].popleft(), header)
        else:
            self._headers[method, url].append(header)

    def note_cookies(self, request_id: str, cookie: str) -> None:
        """It is known which cookies a request carries."""
        self.emit(
            "Network.requestWillBeSentExtraInfo",
            {"requestId": request_id, "associatedCookies": [], "headers": {"cookie": cookie}},
        )

    def _body(self, record: Params, _: float) -> None:
        request_id: str = record["id"]
        self._pending.discard(request_id)
        body: Params | None = None
        if "bytes" in record:
            body = {"postData": record["bytes"], "base64Encoded": True}
        else:
            self._lost[request_id] = record["lost"]
        self._bodies[request_id] = body
        for then in self._wanted.pop(request_id, ()):
            then(body, "" if body is not None else record["lost"])
        while len(self._bodies) > _REMEMBERED:
            del self._bodies[next(iter(self._bodies))]

    # -- replies ------------------------------------------------------------------------------------------------------

    def _response(self, record: Params, t: float) -> None:
        response: Params = {"status": record["status"], "headers": record["headers"], "url": record["url"]}
        self.emit(
            "Network.responseReceived", {"requestId": record["id"], "timestamp": t, "response": response}
        )

    def _data(self, record: Params, t: float) -> None:
        event = {"dataLength": record["size"], "data": record["bytes"]}
        self.emit("Network.dataReceived", {"requestId": record["id"], "timestamp": t, **event})

    def _event(self, record: Params, t: float) -> None:
        event = {"eventName": record["name"], "data": record["data"], "eventId": ""}
        self.emit("Network.eventSourceMessageReceived", {"requestId": record["id"], "timestamp": t, **event})
        # The same as bytes of the reply, for a rule whose payload is the request of the EventSource itself.
        text = f"event: {record['name']}\ndata: " + record["data"].replace("\n", "\ndata: ") + "\n\n"
        self._data(
            {"id": record["id"], "size": len(text), "bytes": base64.b64encode(text.encode()).decode()}, t
        )

    def _finished(self, record: Params, t: float) -> None:
        served = SERVED_UNSEEN if record.get("served") == "service worker" else record.get("served", "")
        me = {"requestId": record["id"], "timestamp": t}
        self.emit("Network.loadingFinished", {**me, "served": served, "lost": record.get("lost")})

    def _failed(self, record: Params, t: float) -> None:
        event = {"errorText": record.get("error", ""), "canceled": bool(record.get("cancelled"))}
        self.emit("Network.loadingFailed", {"requestId": record["id"], "timestamp": t, **event})

    # -- WebSockets ---------------------------------------------------------------------------------------------------

    def _socket(self, record: Params, t: float) -> None:
        me = {"requestId": record["id"]}
        self.emit("Network.webSocketCreated", {**me, "url": record["url"]})
        headers = {"cookie": record["cookie"]} if record.get("cookie") else {}
        self.emit(
            "Network.webSocketWillSendHandshakeRequest",
            {**me, "wallTime": t, "timestamp": t, "request": {"headers": headers}},
        )

    def _sent(self, record: Params, t: float) -> None:
        self._frame("Network.webSocketFrameSent", record, t)

    def _received(self, record: Params, t: float) -> None:
        self._frame("Network.webSocketFrameReceived", record, t)

    def _frame(self, event: str, record: Params, t: float) -> None:
        binary = "bytes" in record
        response: dict[str, Any] = {
            "opcode": 2 if binary else 1,
            "payloadData": record["bytes" if binary else "text"],
        }
        self.emit(event, {"requestId": record["id"], "timestamp": t, "response": response})

    def _closed(self, record: Params, t: float) -> None:
        self.emit("Network.webSocketClosed", {"requestId": record["id"], "timestamp": t})
