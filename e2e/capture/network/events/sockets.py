"""WebSockets of one target: frames of both directions, put together by the rule's framing."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace

from e2e.capture.network.bodies.encodings import looks_opaque
from e2e.capture.network.bodies.parsing import cookies_of
from e2e.capture.network.events.channel import Channel, Handler, Params
from e2e.capture.network.events.state import WireState
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.opening import Opening
from e2e.capture.network.payloads import NOT_IN_IT, Taken, unread_frame
from e2e.capture.network.traffic import Seen, body_of_frame, data_of
from e2e.capture.network.wire_rules import Rule, Sent, session_fields
from e2e.framings.base.decoder import Decoder, Message
from e2e.framings.registry import make_decoder

_KEPT = 64  # received frames of a connection in which an ID that the page repeats is looked for


class SocketTraffic:
    """Reads the WebSocket events of one channel."""

    def __init__(self, channel: Channel, wire: WireState) -> None:
        self._channel = channel
        self._wire = wire
        self._exchanges = wire.exchanges
        self._rules = tuple(r for r in wire.exchanges.rules if r.transport == "websocket")
        self._sockets: dict[str, Sent] = {}
        self._decoders: dict[tuple[str, str], Decoder] = {}
        self._received: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._sent = 0
        self._given: dict[tuple[str, str], str] = {}
        """Connection and rule -> the session that the backend gave it."""
        self._openings: dict[str, Opening] = defaultdict(Opening)
        self.handlers: dict[str, Handler] = {
            "Network.webSocketCreated": self._created,
            "Network.webSocketWillSendHandshakeRequest": self._handshake,
            "Network.webSocketFrameSent": self._frame_sent,
            "Network.webSocketFrameReceived": self._frame_received,
            "Network.webSocketFrameError": self._failed,
            "Network.webSocketClosed": self._closed,
        }

    def _created(self, e: Params) -> None:
        self._sockets[e["requestId"]] = Sent(e["url"])
        self._wire.sockets[self._channel.prefix + e["requestId"]] = e["url"]
        self._wire.remember("WebSocket", e["url"])

    def _handshake(self, e: Params) -> None:
        self._wire.offset = e["wallTime"] - e["timestamp"]
        known = self._sockets.get(e["requestId"])
        headers = e.get("request", {}).get("headers", {})
        cookies = cookies_of(next((v for k, v in headers.items() if k.lower() == "cookie"), ""))
        if known is not None:
            self._sockets[e["requestId"]] = Sent(known.url, headers, cookies)

    def _frame_sent(self, e: Params) -> None:
        self._wire.frame_sent = time.monotonic()
        socket = e["requestId"]
        sent = self._sockets.get(socket, Sent(""))
        rules = [r for r in self._rules if not r.received and r.names_url(sent.url)]
        payload = data_of(e)
        self._wire.traffic.add(Seen("SEND", sent.url, sent.headers, body_of_frame(payload)))
        if not rules and not self._wire.seeks:
            return
        messages = self._sent
        t = e["timestamp"] + self._wire.offset
        text = payload if isinstance(payload, str) else payload.decode("utf-8", errors="replace")
        self._wire.look_in("WebSocket", sent.url, text)
        taken: set[str] = set()
        for framing in dict.fromkeys(r.framing for r in rules):
            of_framing = [r for r in rules if r.framing == framing]
            for message in self._messages(socket, framing, e, sent=True):
                for listening in of_framing:
                    if session := listening.connection_of(message.value):
                        if self._received_lately(socket, session):
                            self._exchanges.given(self._line(socket), listening, session)
                        self._wire.earlier[listening.name] = session
                found = _taken(of_framing, message, text)
                if all(one.doubtful for one in found):
                    self._wire.unmatched.add("WebSocket", sent.url, framing, message)
                for one in found:
                    if one.rule.name not in taken or one.rule.has_lists:
                        taken.add(one.rule.name)
                        self._payload(socket, sent, one, text, payload, t)
        if rules:
            self._openings[socket].sent(payload, message=self._sent > messages)

    def _payload(
        self, socket: str, sent: Sent, taken: Taken, text: str, frame: str | bytes, t: float
    ) -> None:
        rule, value = taken.rule, taken.value
        key = rule.key_of(value, taken.key)
        earlier = self._given.get((socket, rule.name)) or self._wire.earlier.get(rule.name)
        connection = replace(sent, earlier=earlier, page=self._wire.addresses.now)
        self._sent += 1
        exchange = Exchange(
            request=f"{self._channel.prefix}{socket}#{key or self._sent}",
            rule=rule,
            transport="websocket",
            method="SEND",
            url=sent.url,
            sent_at=t,
            **session_fields(rule, connection, value, taken.unreadable, doubtful=taken.doubtful),
            history=rule.history_of(value),
            body=text,
            stack=[],
            origin=self._channel.kind,
            headers=sent.headers,
            size=len(frame),
            opening=None if taken.doubtful else self._openings[socket],
            frame=frame,
            reply_key=key,
            status=101,
        )
        self._exchanges.begin(exchange, self._line(socket))

    def _frame_received(self, e: Params) -> None:
        self._wire.frame_received = time.monotonic()
        socket = e["requestId"]
        url = self._sockets.get(socket, Sent("")).url
        rules = [r for r in self._rules if r.names_url(url)]
        if not rules:
            return
        self._openings[socket].received()
        if any(r.needs_connection for r in rules):
            payload = data_of(e)
            text = payload if isinstance(payload, str) else payload.decode("utf-8", errors="replace")
            self._received[socket].append(text)
        t = e["timestamp"] + self._wire.offset
        size = len(e["response"]["payloadData"])
        for framing in dict.fromkeys(r.framing for r in rules):
            for message in self._messages(socket, framing, e, sent=False):
                for rule in rules:
                    if rule.framing == framing:
                        if session := rule.received_of(message.value):
                            self._given[socket, rule.name] = session
                        line = f"rule:{rule.name}" if rule.received else self._line(socket)
                        self._exchanges.received(
                            line, rule, t, message.value, key=message.key, final=message.final, size=size
                        )

    def _received_lately(self, socket: str, value: str) -> bool:
        """The page has the value from the backend: it only repeats it."""
        return any(value in text for text in self._received[socket])

    def _failed(self, e: Params) -> None:
        """The connection could not be opened, or broke: where no payload is seen, this says why."""
        url = self._sockets.get(e["requestId"], Sent("")).url
        self._wire.remember_failure("WebSocket", url, str(e.get("errorMessage", "")))

    def _closed(self, e: Params) -> None:
        self._exchanges.line_closed(
            self._line(e["requestId"]), e["timestamp"] + self._wire.offset, "the WebSocket was closed"
        )
        self._sockets.pop(e["requestId"], None)
        self._received.pop(e["requestId"], None)
        self._openings.pop(e["requestId"], None)
        self._wire.sockets.pop(self._channel.prefix + e["requestId"], None)
        for key in [k for k in self._given if k[0] == e["requestId"]]:
            del self._given[key]
        for key in [k for k in self._decoders if k[0] == e["requestId"]]:
            del self._decoders[key]

    def _messages(self, socket: str, framing: str, e: Params, *, sent: bool) -> list[Message]:
        decoder = self._decoders.get((socket, framing))
        if decoder is None:
            decoder = self._decoders[socket, framing] = make_decoder(framing)
        messages = decoder.decode(data_of(e), sent)
        url = self._sockets.get(socket, Sent("")).url
        self._wire.traffic.decoded(socket, url, framing, decoder)
        return messages

    def _line(self, socket: str) -> str:
        return f"socket:{self._channel.prefix}{socket}"


def _taken(rules: Sequence[Rule], message: Message, text: str) -> list[Taken]:
    """The events in the message as payloads of the first rule that accepts any, or that might if it could be read."""
    for rule in rules:
        unread = unread_frame(rule, message)
        if unread is not None:
            return [unread]
        found = [value for value in rule.events(message.value) if rule.accepts(value)]
        if found:
            return [Taken(rule, value, message.key) for value in found]
    if rules and looks_opaque(text):
        return [Taken(rules[0], None, message.key, NOT_IN_IT, doubtful=True)]
    return []
