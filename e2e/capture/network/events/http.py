"""HTTP of one target: requests that a rule names, and their answers as the bytes come."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable
from typing import Any

from e2e.capture.code.stacks import initiator_frames
from e2e.capture.network.bodies import encodings
from e2e.capture.network.bodies.event_reader import AnswerReader, FramedReader
from e2e.capture.network.bodies.parsing import cookies_of
from e2e.capture.network.events.channel import Channel, Handler, Params
from e2e.capture.network.events.post_data import carried_body, read_body
from e2e.capture.network.events.state import WireState
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.payloads import COOKIES_NOT_SEEN, as_message, is_framed, taken_by
from e2e.capture.network.traffic import Seen
from e2e.capture.network.wire_rules import Rule, Sent, session_fields
from e2e.framings.base.decoder import Message
from e2e.framings.registry import FRAMINGS, make_decoder

_SCRIPTED = ("Fetch", "XHR", "EventSource", "Ping")
Sink = Callable[[float, str, Any, int], None]
"""Takes ``(time, event name, value, bytes)``."""


class HttpTraffic:
    """Reads the Network events of one channel."""

    def __init__(self, channel: Channel, wire: WireState) -> None:
        self._channel = channel
        self._wire = wire
        self._exchanges = wire.exchanges
        self._bodies: dict[str, _Body] = {}
        self._held: dict[str, tuple[Params, Rule]] = {}
        """Requests whose cookies were not reported yet."""
        self._cookies: dict[str, dict[str, str]] = {}
        self._wants_cookies = any(rule.needs_cookies for rule in self._exchanges.rules)
        self._left: dict[str, int] = {}
        self._set: dict[str, list[tuple[str, str | None]]] = {}
        """Cookies that an answer sets, reported before the time of that answer."""
        self._answered: dict[str, float] = {}
        """When answers came whose cookies may be reported later."""
        self.handlers: dict[str, Handler] = {
            "Network.requestWillBeSent": self._request,
            "Network.responseReceived": self._response,
            "Network.dataReceived": self._data,
            "Network.loadingFinished": self._finished,
            "Network.loadingFailed": self._failed,
            "Network.eventSourceMessageReceived": self._server_event,
        }
        if channel.kind == "worker":
            self.handlers["Inspector.detached"] = self._gone
        if self._wants_cookies:
            self.handlers["Network.requestWillBeSentExtraInfo"] = self._request_extra
        if wire.cookies is not None:
            self.handlers["Network.responseReceivedExtraInfo"] = self._response_extra

    # -- requests -----------------------------------------------------------------------------------------------------

    def _request(self, e: Params) -> None:
        request = e["request"]
        self._wire.offset = e["wallTime"] - e["timestamp"]
        if "redirectResponse" in e:
            self._have_answered(e, known=False)
        url = request["url"] + request.get("urlFragment", "")
        # Its body, or its cookies, may be reported when the page has moved on.
        e["page"] = self._wire.addresses.now
        complete = not request.get("hasPostData") or carried_body(request) is not None
        if complete:
            self._look_in(e, url)
        self._take(e, url)
        if not complete:  # asking lets other events in: this request must be known before those of its end
            self._look_in(e, url)

    def _take(self, e: Params, url: str) -> None:
        request, request_id = e["request"], e["requestId"]
        scripted = e.get("type") in _SCRIPTED or (
            self._channel.kind not in ("page", "iframe") and e.get("type") != "Script"
        )
        if not scripted and e.get("type") != "Document":
            return
        if scripted:
            self._wire.remember(request["method"], url)
        if request_id in self._bodies:
            return  # redirected: the same payload goes on to another address
        self._connect(request, url)
        rule = next((r for r in self._exchanges.rules if r.names(request["method"], url)), None)
        if rule is not None and rule.received:
            self._bodies[request_id] = self._reading(rule, e.get("type") == "EventSource")
            return
        if scripted and e["type"] not in ("Ping", "EventSource"):
            self._wire.in_flight[self._channel.prefix + request_id] = time.monotonic()
        elif not scripted:
            self._wire.loading[self._channel.prefix + request_id] = time.monotonic()
        if rule is None:
            return
        if rule.needs_cookies and request_id not in self._cookies:
            self._held[request_id] = (
                e,
                rule,
            )  # they are reported in an event of their own, before or after this one
            return
        self._payload(e)

    def _look_in(self, e: Params, url: str) -> None:
        """Search what leaves for the message that was sent last: a rule may name another request than the one that carries it."""
        request = e["request"]
        method, headers, raw = request["method"], request["headers"], carried_body(request)

        def left(body: encodings.Body | None) -> None:
            self._wire.traffic.add(Seen(method, url, headers, body))
            readable = body is not None and not body.unreadable
            self._wire.look_in(method, url, None if body is None else body.text, readable=readable)

        if raw is not None or not request.get("hasPostData"):
            left(encodings.body_of(raw or "", headers))
        elif self._wire.reading:
            self._channel.ask(
                "Network.getRequestPostData",
                {"requestId": e["requestId"]},
                lambda got, _: left(encodings.body_of(read_body(got), headers) if got else None),
            )

    def _connect(self, request: Params, url: str) -> None:
        """A connection may begin as long polls: what they say for all that follows on the socket."""
        for rule in self._exchanges.rules:
            body = carried_body(request) if rule.needs_connection and rule.names_url(url) else None
            if isinstance(body, bytes):  # to a framing bytes are an attachment, and a poll's packets are text
                body = encodings.body_of(body, request["headers"]).text
            if body:
                for message in make_decoder(rule.framing).decode(body, True):
                    if session := rule.connection_of(message.value):
                        self._wire.earlier[rule.name] = session

    def _request_extra(self, e: Params) -> None:
        self._cookies[e["requestId"]] = {
            c["cookie"]["name"]: c["cookie"]["value"]
            for c in e.get("associatedCookies", ())
            if not c.get("blockedReasons")
        } or cookies_of(next((v for k, v in e["headers"].items() if k.lower() == "cookie"), ""))
        self._release(e["requestId"])
        if len(self._cookies) > 512:
            del self._cookies[next(iter(self._cookies))]

    def _release(self, request_id: str) -> None:
        held = self._held.pop(request_id, None)
        if held is not None:
            self._payload(held[0])

    def _payload(self, e: Params) -> None:
        """Hand on the payload to the first rule that accepts it; when its body was not reported yet, request it first."""
        raw = carried_body(e["request"])
        if raw is None and e["request"].get("hasPostData"):
            early = self._bodies[e["requestId"]] = _Body(
                None
            )  # its answer may come before its body is reported
            early.waits = True

            def reported(got: Params | None, error: str) -> None:
                if got is None:
                    self._sent(e, encodings.lost(f"the browser did not give it: {error}"))
                else:
                    self._sent(e, encodings.body_of(read_body(got), e["request"]["headers"]))

            self._channel.ask("Network.getRequestPostData", {"requestId": e["requestId"]}, reported)
            return
        self._sent(e, encodings.body_of(raw or "", e["request"]["headers"]))

    def _sent(self, e: Params, body: encodings.Body) -> None:
        request, request_id = e["request"], e["requestId"]
        url = request["url"] + request.get("urlFragment", "")
        early = self._bodies.pop(request_id, None)
        headers = request["headers"]
        cookies = self._cookies.pop(request_id, None)
        sent = Sent(url, headers, cookies or {}, e.get("page", ""))
        rules = [r for r in self._exchanges.rules if not r.received and r.names(request["method"], url)]
        taken = taken_by(rules, body, headers)
        if taken is None:
            if rules:
                self._wire.unmatched.add(
                    request["method"], url, rules[0].framing, as_message(rules[0], body, headers)
                )
            return
        rule = taken.rule
        if self._channel.kind == "service_worker" and self._exchanges.relayed(
            request["method"], url, body.size
        ):
            return
        exchange = Exchange(
            request=self._channel.prefix + request_id,
            rule=rule,
            transport="http",
            method=request["method"],
            url=url,
            sent_at=e["wallTime"],
            **session_fields(rule, sent, taken.value, taken.unreadable, doubtful=taken.doubtful),
            history=rule.history_of(taken.value),
            body=body.text,
            stack=initiator_frames(e.get("initiator")),
            headers=headers,
            origin=self._channel.kind,
            size=body.size,
            coded=body.coded or body.unreadable != "",
            reply_key=rule.key_of(taken.value, taken.key),
        )
        if (
            rule.needs_cookies and cookies is None
        ):  # not reported is not "none": what answers may be a worker, or faster
            exchange.unreadable = COOKIES_NOT_SEEN
        reading = self._bodies[request_id] = _Body(exchange)
        reading.sink = lambda t, event, value, _: self._exchanges.own_value(
            exchange, t, event, value.value if isinstance(value, Message) else value, reading.headers
        )
        reading.framed_by = rule if FRAMINGS[rule.framing].binary else None
        self._exchanges.begin(exchange)
        if self._wire.reading and self._bodies.get(request_id) is reading:
            # Requested at the response, it came too late for 97 of 100 short replies, which were then read as a whole.
            self._stream(request_id, reading, last=False)
        if early is not None and early.response is not None:
            self._response(early.response)
        if early is not None and early.ending is not None:
            self._end(*early.ending)

    def _reading(self, rule: Rule, event_source: bool) -> _Body:
        """A reader for a channel on which answers come."""
        line = f"rule:{rule.name}"

        def sink(t: float, event: str, value: Any, size: int) -> None:
            if isinstance(value, Message):
                self._exchanges.received(
                    line, rule, t, value.value, key=value.key, final=value.final, size=size
                )
                return
            is_list = isinstance(value, list) and not rule.has_lists
            several = is_list and not rule.is_answer(rule.read(value))
            for one in value if several or (is_list and not rule.marks_parts) else [value]:
                self._exchanges.received(line, rule, t, one, event=event, size=size)

        body = _Body(None, sink)
        body.framed_by = rule
        body.event_source = event_source
        return body

    # -- answers ------------------------------------------------------------------------------------------------------

    def _response(self, e: Params) -> None:
        response, request_id = e["response"], e["requestId"]
        self._release(request_id)
        self._have_answered(e)
        headers = {name.lower(): value for name, value in response["headers"].items()}
        self._expect(request_id, response["status"], headers)
        kind = headers.get("content-type", response.get("mimeType", ""))
        body = self._bodies.get(request_id)
        if body is None:
            if "event-stream" in kind:  # news of some kind, which may never end
                self._over(request_id)
            return
        body.response = e
        body.headers = headers
        exchange = body.exchange
        if exchange is not None:
            exchange.cached = _cached(response)
            self._exchanges.head(exchange, response["status"], headers, e["timestamp"] + self._wire.offset)
        if not self._wire.reading or body.sink is None or body.event_source:
            return
        rule = body.framed_by
        body.reader = FramedReader(rule.framing) if rule and is_framed(rule, kind) else AnswerReader(kind)
        body.dropped = body.reader.announced(_length(headers))
        if body.dropped and exchange is not None:
            exchange.too_long = (
                True  # the lane does not wait for the rest: 100 MB took the driver up to a minute
            )

        if body.requested:
            self._feed_early(body)
        else:
            self._stream(request_id, body, last=True)

    def _stream(self, request_id: str, body: _Body, *, last: bool) -> None:
        """Let the answer's bytes come with their events. Where that fails, it is tried at the response once more (``last``)."""
        body.requested = True

        def live(got: Params | None, _: str) -> None:
            if got is not None:
                body.live = True
                body.early.insert(0, (None, got["bufferedData"]))
                self._feed_early(body)
            elif last or body.ended:
                body.live = None  # it ended before the request: the body is read as a whole
            else:
                body.requested = False
                if body.reader is not None:
                    self._stream(request_id, body, last=True)
                    return
            if body.ended:
                self._complete(request_id, body)

        self._channel.ask("Network.streamResourceContent", {"requestId": request_id}, live)

    def _feed_early(self, body: _Body) -> None:
        """Read what came before it was known how; what the browser had kept until then came with the response."""
        if body.reader is None or body.response is None or not body.live:
            return
        for timestamp, data in body.early:
            at = body.response["timestamp"] if timestamp is None else timestamp
            self._feed(body, at, base64.b64decode(data))
        body.early.clear()

    def _response_extra(self, e: Params) -> None:
        assert self._wire.cookies is not None
        request_id, found = e["requestId"], list[tuple[str, str | None]]()
        for name, value in e["headers"].items():
            if name.lower() == "set-cookie":
                for line in value.split("\n"):
                    pair, *attributes = line.split(";")
                    cookie, _, text = (part.strip() for part in pair.partition("="))
                    if self._wire.cookies.search(cookie):
                        ages = ("max-age=0", "max-age=-1")
                        gone = any(a.strip().lower() in ages for a in attributes) or not text
                        found.append((cookie, None if gone else text))
        if not found:
            return
        key = self._channel.prefix + request_id
        # This event has no time of its own, and on a busy machine it is read late: after payloads that left with the new cookie.
        if request_id in self._answered:
            self._note_cookies(request_id, found, self._answered[request_id])
        elif key in self._wire.in_flight or key in self._wire.loading:
            self._set.setdefault(request_id, []).extend(found)
        else:
            self._note_cookies(request_id, found, time.time())

    def _have_answered(self, e: Params, *, known: bool = True) -> None:
        """An answer came (or a redirection, after which another answer of the same request comes): its cookies are of that time."""
        if self._wire.cookies is None:
            return
        request_id, t = e["requestId"], e["timestamp"] + self._wire.offset
        if known:
            t = self._answered.setdefault(request_id, t)
            if len(self._answered) > 512:
                del self._answered[next(iter(self._answered))]
        self._note_cookies(request_id, self._set.pop(request_id, ()), t)

    def _note_cookies(self, request_id: str, cookies: Iterable[tuple[str, str | None]], t: float) -> None:
        body = self._bodies.get(request_id)
        for name, value in cookies:
            if body is not None and body.exchange is not None:
                body.exchange.reply.add_headers(t, {"set-cookie": value or ""})
            self._exchanges.listener.on_cookie(t, name, value)

    def _expect(self, request_id: str, status: int, headers: dict[str, str]) -> None:
        """A request with ``keepalive`` never ends for the protocol; its announced length shows that it did."""
        if self._channel.prefix + request_id in self._wire.in_flight:
            length = _length(headers)
            self._left[request_id] = length
            if status in (204, 205, 304) or length == 0:
                self._over(request_id)

    def _over(self, request_id: str) -> None:
        self._wire.in_flight.pop(self._channel.prefix + request_id, None)
        self._wire.loading.pop(self._channel.prefix + request_id, None)
        self._left.pop(request_id, None)

    def _data(self, e: Params) -> None:
        left = self._left.get(e["requestId"], -1)
        if left > 0:
            self._left[e["requestId"]] = left - e["dataLength"]
            if left <= e["dataLength"]:
                self._over(e["requestId"])
        body = self._bodies.get(e["requestId"])
        if body is None:
            return
        exchange = body.exchange
        if exchange is not None and exchange.rule.answered_by is None:
            exchange.chunks += 1
            exchange.bytes += e["dataLength"]
            if exchange.first_chunk_at is None:
                exchange.first_chunk_at = e["timestamp"] + self._wire.offset
        body.came += e["dataLength"]
        if (data := e.get("data")) and not body.event_source and not body.dropped:
            body.early.append((e["timestamp"], data))
            self._feed_early(body)

    def _server_event(self, e: Params) -> None:
        body = self._bodies.get(e["requestId"])
        if body is not None and body.event_source and body.sink is not None:
            reader = AnswerReader("text/event-stream")
            text = f"event: {e['eventName']}\ndata: " + e["data"].replace("\n", "\ndata: ") + "\n\n"
            for event, value in reader.feed(text.encode()):
                body.sink(e["timestamp"] + self._wire.offset, event, value, len(e["data"]))

    def _finished(self, e: Params) -> None:
        body = self._bodies.get(e["requestId"])
        if e.get("served") and body is not None and body.exchange is not None:
            body.exchange.cached = e["served"]  # a page learns it only with the end
        if e.get("lost") and body is not None and body.exchange is not None:
            body.exchange.error = f"the answer's body could not be read: {e['lost']}"
        self._end(e, "ok", "")

    def _failed(self, e: Params) -> None:
        self._end(e, "cancelled" if e.get("canceled") else "failed", e.get("errorText", ""))

    def _gone(self, _: Params) -> None:
        """A worker has ended. Of one that the page ends with its reply the end of that may not be reported."""
        for request_id, body in list(self._bodies.items()):
            end = {"requestId": request_id, "timestamp": time.time() - self._wire.offset}
            self._end(end, "cancelled", "the worker has ended")
            if request_id in self._bodies:  # what was asked of the worker will not be answered
                self._close(request_id, body)

    def _end(self, e: Params, outcome: str, error: str) -> None:
        request_id = e["requestId"]
        self._release(request_id)
        self._have_answered(e)
        self._over(request_id)
        body = self._bodies.get(request_id)
        if body is None:
            return
        if body.waits:
            body.ending = (e, outcome, error)
            return
        body.ended_at = e["timestamp"] + self._wire.offset
        if body.exchange is not None and body.exchange.rule.answered_by is None:
            body.exchange.ended_at = body.exchange.ended_at or body.ended_at
        body.ended = (outcome, error)
        if body.reader is None or body.live is not False:
            self._complete(request_id, body)

    def _complete(self, request_id: str, body: _Body) -> None:
        if body.completed:
            return
        body.completed = True
        # Of a synchronous request the protocol streams nothing: its page stood still until all of it was there.
        unread = body.came > 0 and body.read == 0 and body.ended is not None and body.ended[0] == "ok"
        if body.reader is None or body.dropped or (body.live is not None and not unread):
            self._close(request_id, body)
            return

        def got(answer: Params | None, error: str) -> None:
            if answer is None:
                if body.exchange is not None:
                    body.exchange.error = f"the answer's body could not be read: {error}"
            else:
                text = answer["body"]
                raw = base64.b64decode(text) if answer["base64Encoded"] else text.encode()
                self._feed(body, body.ended_at - self._wire.offset, raw)
            self._close(request_id, body)

        self._channel.ask("Network.getResponseBody", {"requestId": request_id}, got)

    def _close(self, request_id: str, body: _Body) -> None:
        if body.reader is not None and body.sink is not None:
            for event, value in body.reader.end():
                body.sink(body.ended_at, event, value, 0)
        self._bodies.pop(request_id, None)
        if body.exchange is not None and body.ended is not None:
            self._exchanges.own_end(body.exchange, body.ended_at, *body.ended)

    def _feed(self, body: _Body, timestamp: float, data: bytes) -> None:
        assert body.reader is not None
        body.read += len(data)
        if body.exchange is not None and (text := body.reader.text(data)):
            self._exchanges.own_text(body.exchange, timestamp + self._wire.offset, text)
        for event, value in body.reader.feed(data):
            if body.sink is not None:
                body.sink(timestamp + self._wire.offset, event, value, len(data))
        if body.exchange is not None and body.reader.cut:
            body.exchange.too_long = True


class _Body:
    """An answer while it comes in, and where its values go."""

    def __init__(self, exchange: Exchange | None, sink: Sink | None = None) -> None:
        self.exchange = exchange
        self.sink = sink
        self.reader: AnswerReader | FramedReader | None = None
        self.framed_by: Rule | None = None
        """The rule whose framing the body has, unless its type says that it has none."""
        self.event_source = False
        self.waits = False
        """The request's body was not reported yet, and so it is not known whose answer this is."""
        self.ending: tuple[Params, str, str] | None = None
        self.response: Params | None = None
        self.headers: dict[str, str] = {}
        self.requested = False
        """The bytes were requested."""
        self.live: bool | None = False
        """True: chunks come with their bytes; False: not requested yet, or pending; None: too late for that."""
        self.early: list[tuple[float | None, str]] = []
        self.ended: tuple[str, str] | None = None
        self.ended_at = 0.0
        self.completed = False
        self.dropped = False
        """It is announced as too long, and not read."""
        self.came = 0
        """Bytes that the browser reported."""
        self.read = 0
        """Bytes that were read."""


def _length(headers: dict[str, str]) -> int:
    """The announced length of the body; -1 where there is none."""
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 16 else -1


def _cached(response: Params) -> str:
    """What answered instead of the network, or ``""``."""
    if response.get("fromServiceWorker"):
        source = response.get("serviceWorkerResponseSource", "")
        if source == "network":
            return ""
        return f"service worker ({source})" if source else "service worker"
    if response.get("fromDiskCache") or response.get("fromPrefetchCache"):
        return "browser cache"
    return ""
