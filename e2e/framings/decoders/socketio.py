"""Socket.IO over Engine.IO, on a WebSocket or in the bodies of long polling."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from e2e.framings.base.decoder import Decoder, Message, framing, undecoded
from e2e.framings.base.first_frame import FirstFrame
from e2e.framings.base.json_text import loads

_RECORD = "\x1e"
_V3_RECORD = re.compile(r"(\d{1,10}):")
_V3_BINARY = re.compile(rb"([\x00\x01])([\x00-\x09]{1,10})\xff")
_PACKET = re.compile(r"([0-6])(?:(\d{1,6})-)?(?:(/[^,]*)(?:,|$))?(\d{1,18})?(.*)", re.DOTALL)
_ATTACHED = ("5", "6")
_SIGN = re.compile(r'0\{"sid"|4[0-6](?:\d+-)?(?:/[^,]*,?)?\d*(?:[\[{].*)?\Z|\d+:[0-6]', re.DOTALL)
_HOUSEKEEPING = ("1", "2", "3", "5", "6", "2probe", "3probe", "ok")


@framing(
    "socket.io",
    "Socket.IO 2 to 4: `event`, and its arguments in `args`; acknowledgements are linked by themselves",
    http=True,
    confidence=0.95,
    addresses=[(r"/socket\.io/|[?&]EIO=[34]\b", 0.85)],
)
class SocketIoDecoder(Decoder):
    """``socket.io``: Engine.IO protocol 3 and 4 with the Socket.IO protocol 4 and 5 in it (Socket.IO 2, 3 and 4).

    =============  ============================================================
    name           value
    =============  ============================================================
    the event's    ``{"event": name, "args": [...], "namespace": "/", "id": ack ID or null}``
    ack            ``{"ack": ID, "args": [...], "namespace": "/"}``, final
    connect        ``{"connect": auth payload or null, "namespace": "/"}``
    connect_error  ``{"connect_error": reason, "namespace": "/"}``
    disconnect     ``{"disconnect": true, "namespace": "/"}``
    open, close    ``{"open": {"sid": ...}}``, ``{"close": true}``: Engine.IO's own
    =============  ============================================================

    Pings, pongs, upgrades and no-ops give nothing. The key is the ack ID, with the namespace before it when that is not
    ``/`` (``/admin,7``): each namespace counts for itself. A binary attachment is ``{"binary": bytes}`` in its place
    (Engine.IO 3 on a WebSocket counts its type byte), ``{"binary": null}`` when it never came.
    """

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """It begins as a packet does."""
        if frame.binary or frame.blank or frame.text in _HOUSEKEEPING:
            return None
        return _SIGN.match((frame.text or "").split(_RECORD)[0]) is not None

    def __init__(self) -> None:
        self._waiting: dict[bool, _Attached] = {}

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        if isinstance(data, bytes):
            records = list(_v3_binary_payload(data)) if _V3_BINARY.match(data) else []
            for record in records or [data]:
                yield from self._one(record, sent)
        elif data == "ok" and not sent:
            return  # what a long-poll POST is answered with
        elif _V3_RECORD.match(data):
            for packet in list(_v3_payload(data)):
                yield from self._one(packet, sent)
        else:
            for packet in data.split(_RECORD):
                yield from self._one(packet, sent)

    def _one(self, packet: str | bytes, sent: bool) -> Iterator[Message]:
        try:
            if isinstance(packet, bytes):
                yield from self._attachment(packet, sent)
            else:
                yield from self._engine_packet(packet, sent)
        except ValueError:
            yield undecoded(packet)

    def _engine_packet(self, packet: str, sent: bool) -> Iterator[Message]:
        kind, rest = packet[:1], packet[1:]
        if kind == "4":
            if sent in self._waiting:  # its attachments will not come any more
                yield self._waiting.pop(sent).message()
            yield from self._socket_packet(rest, sent)
        elif kind == "b":
            text = (
                rest[1:] if len(rest) % 4 == 1 else rest
            )  # Engine.IO 3 puts the packet's type before the base64
            yield from self._attachment(base64.b64decode(text, validate=True), sent)
        elif kind == "0":
            yield Message("open", {"open": loads(rest)})
        elif packet == "1":
            yield Message("close", {"close": True})
        elif packet not in ("2", "3", "2probe", "3probe", "5", "6"):
            raise ValueError("not an Engine.IO packet")

    def _socket_packet(self, packet: str, sent: bool) -> Iterator[Message]:
        match = _PACKET.fullmatch(packet)
        if match is None:
            raise ValueError("not a Socket.IO packet")
        kind, attachments, namespace, number, rest = match.groups()
        if (attachments is not None) != (kind in _ATTACHED):
            raise ValueError("attachments belong to binary packets")
        namespace = (namespace or "/").partition("?")[0]  # Socket.IO 2 puts a query there
        identity = int(number) if number is not None else None
        payload = loads(rest) if rest else None
        message = _message(kind, payload, namespace, identity)
        if attachments is None or int(attachments) == 0:
            yield message
        else:
            self._waiting[sent] = _Attached(message, int(attachments))

    def _attachment(self, data: bytes, sent: bool) -> Iterator[Message]:
        waiting = self._waiting.get(sent)
        if waiting is None:
            raise ValueError("no such attachment is expected")
        waiting.sizes.append(len(data))
        if len(waiting.sizes) == waiting.count:
            yield self._waiting.pop(sent).message()


@dataclass(slots=True)
class _Attached:
    """A binary packet whose attachments are still to come."""

    packet: Message
    count: int
    sizes: list[int] = field(default_factory=list)

    def message(self) -> Message:
        containers: list[Any] = [self.packet.value]
        while containers:  # a loop: what JSON nests may be deeper than calls can go
            at = containers.pop()
            for place, item in list(at.items() if isinstance(at, dict) else enumerate(at)):
                if isinstance(item, dict) and item.get("_placeholder") is True:
                    at[place] = {"binary": self._size(item.get("num"))}
                elif isinstance(item, dict | list):
                    containers.append(item)
        return self.packet

    def _size(self, number: Any) -> int | None:
        return self.sizes[number] if isinstance(number, int) and 0 <= number < len(self.sizes) else None


def _message(kind: str, payload: Any, namespace: str, number: int | None) -> Message:
    key = None if number is None else f"{number}" if namespace == "/" else f"{namespace},{number}"
    if kind in ("2", "5"):
        if not isinstance(payload, list) or not payload or not isinstance(payload[0], str | int):
            raise ValueError("not an event")
        event = {"event": payload[0], "args": payload[1:], "namespace": namespace, "id": number}
        return Message(str(payload[0]), event, key)
    if kind in ("3", "6"):
        if not isinstance(payload, list) or number is None:
            raise ValueError("not an ack")
        return Message("ack", {"ack": number, "args": payload, "namespace": namespace}, key, final=True)
    name = {"0": "connect", "1": "disconnect", "4": "connect_error"}[kind]
    return Message(name, {name: True if kind == "1" else payload, "namespace": namespace})


def _v3_payload(text: str) -> Iterator[str]:
    """The packets of an Engine.IO 3 payload, ``<length>:<packet>``; the length counts UTF-16 units, as JavaScript does."""
    units = text.encode("utf-16-le", "surrogatepass")
    at = 0
    while at < len(units):
        head = _V3_RECORD.match(units[at : at + 22].decode("utf-16-le", "replace"))
        if head is None:
            raise ValueError("no length")
        start, at = at + 2 * head.end(), at + 2 * head.end() + 2 * int(head[1])
        if at > len(units):
            raise ValueError("cut off")
        yield units[start:at].decode("utf-16-le", "surrogatepass")


def _v3_binary_payload(data: bytes) -> Iterator[str | bytes]:
    """The packets of a binary Engine.IO 3 payload: 0 (text) or 1 (binary), the length's digits, 255, the packet.

    Nothing when ``data`` only begins like one.
    """
    found: list[str | bytes] = []
    at = 0
    while at < len(data):
        head = _V3_BINARY.match(data, at)
        if head is None:
            return
        length = int("".join(map(str, head[2])))
        at = head.end() + length
        packet = data[head.end() : at]
        if len(packet) < length:
            return
        try:
            found.append(packet.decode("utf-8") if head[1] == b"\x00" else packet.removeprefix(b"\x04"))
        except UnicodeDecodeError:
            return
    yield from found
