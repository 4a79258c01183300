"""Protocols of channels and topics: Phoenix, Action Cable, STOMP."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from e2e.framings.base.decoder import (
    PENDING_LIMIT,
    Decoder,
    Message,
    framing,
    id_of,
    object_of,
    text_of,
    undecoded,
)
from e2e.framings.base.first_frame import FirstFrame, json_or_none
from e2e.framings.base.json_text import loads

_STOMP_COMMANDS = frozenset(
    "CONNECT STOMP CONNECTED SEND SUBSCRIBE UNSUBSCRIBE ACK NACK BEGIN COMMIT ABORT DISCONNECT MESSAGE RECEIPT ERROR".split()
)
_PHOENIX = ("join_ref", "ref", "topic", "event", "payload")
_UNESCAPED = {"\\r": "\r", "\\n": "\n", "\\c": ":", "\\\\": "\\"}
_SOCKJS = re.compile(r'[oh]\Z|[ac]?\[|"')


@framing(
    "phoenix",
    "Phoenix channels: `topic`, `event`, `payload`; replies are linked by `ref`",
    subprotocols=("phoenix",),
    addresses=[(r"/websocket/?\?(?:.*&)?vsn=[12]\.", 0.8)],
)
class PhoenixDecoder(Decoder):
    """``phoenix``: Phoenix channels, serializer 2 (an array of five) and 1 (an object).

    The value is ``{"join_ref", "ref", "topic", "event", "payload"}``, the name the event, the key the ``ref``.
    ``phx_reply`` is final.
    """

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """It has the form of a message, in either serializer."""
        if frame.binary or frame.blank:
            return None
        match frame.value:
            case [_, _, str(), str(), dict()] | {"topic": str(), "event": str(), "payload": dict(), "ref": _}:
                return True
        return False

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        value = loads(text_of(data))
        if isinstance(value, list) and len(value) == len(_PHOENIX):
            value = dict(zip(_PHOENIX, value, strict=True))
        if not isinstance(value, dict) or not {"topic", "event", "payload"} <= set(value):
            raise ValueError("not a Phoenix message")
        message = {name: value.get(name) for name in _PHOENIX}
        event = message["event"]
        if not isinstance(event, str):
            raise ValueError("no event")
        yield Message(event, message, id_of(message["ref"]), final=True if event == "phx_reply" else None)


@framing(
    "actioncable",
    "Rails' Action Cable: `command`, `type`, and JSON values in `identifier`, `data` and `message`",
    subprotocols=("actioncable-v1-json",),
    addresses=[(r"/cable/?(?:\?|$)", 0.5)],
)
class ActionCableDecoder(Decoder):
    """``actioncable``: Rails' ``actioncable-v1-json``. ``identifier``, ``data`` and ``message`` are parsed in their place.

    The name is the ``command`` of a client, the ``type`` of a server (``welcome``, ``confirm_subscription``), or
    ``message``. Pings give nothing; there are no keys.
    """

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """Its identifier is JSON in a string, or it is a welcome."""
        if frame.blank:
            return None
        match frame.value:
            case {"identifier": str(identifier)}:
                return isinstance(json_or_none(identifier), dict)
            case {"type": "ping"}:
                return None
            case {"type": "welcome"}:
                return True
        return False

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        message = object_of(data)
        name = next((message[at] for at in ("command", "type") if isinstance(message.get(at), str)), None)
        if name is None and "identifier" not in message:
            raise ValueError("not an Action Cable message")
        if name == "ping":
            return
        for place in {"identifier", "data", "message"} & set(message):
            message[place] = _parsed(message[place])
        yield Message(name or "message", message)


@framing(
    "stomp",
    "STOMP, also in SockJS: `command`, `headers`, `body`; linked by `correlation-id` or a receipt",
    confidence=0.95,
    subprotocols=("v10.stomp", "v11.stomp", "v12.stomp"),
    addresses=[(r"(?i)/stomp\b", 0.4)],
)
class StompDecoder(Decoder):
    """``stomp``: STOMP 1.0 to 1.2, several frames in a WebSocket frame, one over several, also in SockJS' frames.

    The value is ``{"command", "headers": {name: text}, "body": JSON value or text}`` (``{"binary": bytes}`` when the body
    is neither). The first of two headers with one name counts. The key is the first there is of the headers
    ``correlation-id``, ``receipt-id``, ``receipt`` and ``id``. An ``ERROR`` is final; heart-beats give nothing.
    """

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """It begins with a command, also inside a SockJS frame."""
        if frame.blank or frame.text in ("o", "h"):
            return None
        text = frame.text or ""
        if text.startswith(("a[", "[")):
            inner = json_or_none(text.removeprefix("a"))
            text = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], str) else ""
        first, newline, _ = text.partition("\n")
        return bool(newline) and first.rstrip("\r") in _STOMP_COMMANDS

    def __init__(self) -> None:
        self._rest: dict[bool, bytes] = {True: b"", False: b""}
        self._wrapped = {True: False, False: False}

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        if not self._rest[sent]:  # a frame goes on as it began: a bare body may well look like SockJS
            self._wrapped[sent] = isinstance(data, str) and _SOCKJS.match(data) is not None
        for piece in _sockjs(data) if self._wrapped[sent] and isinstance(data, str) else [data]:
            raw = piece.encode("utf-8", "surrogatepass") if isinstance(piece, str) else piece
            rest = self._rest[sent] + raw
            self._rest[sent] = b""
            while rest := rest.lstrip(b"\r\n"):  # heart-beats
                head, body, after = self._cut(rest)
                if after is None:
                    self._rest[sent] = rest
                    break
                yield _stomp(head, body)
                rest = after

    @staticmethod
    def _cut(rest: bytes) -> tuple[bytes, bytes, bytes | None]:
        """The head, the body, and what follows the frame; None there when it has not ended."""
        command = rest[:16].split(b"\n")[0].rstrip(b"\r").decode("ascii", "replace")
        begun = len(rest) < 16 and any(known.startswith(command) for known in _STOMP_COMMANDS)
        if (command not in _STOMP_COMMANDS and not begun) or len(rest) > PENDING_LIMIT:
            raise ValueError("not a STOMP frame")
        ends = [(at, len(gap)) for gap in (b"\n\n", b"\n\r\n") if (at := rest.find(gap)) >= 0]
        if not ends:
            return b"", b"", None
        at, gap = min(ends)
        head, start = rest[:at], at + gap
        length = _headers(head).get("content-length", "")
        end = start + int(length) if length.isdecimal() else rest.find(b"\0", start)
        if end < start or end >= len(rest):
            return head, b"", None
        if rest[end] != 0:
            raise ValueError("content-length is not the body's")
        return head, rest[start:end], rest[end + 1 :]


def _stomp(head: bytes, body: bytes) -> Message:
    command = head.split(b"\n")[0].rstrip(b"\r").decode("ascii")
    headers = _headers(head)
    key = next(
        (headers[at] for at in ("correlation-id", "receipt-id", "receipt", "id") if at in headers), None
    )
    try:
        content: Any = _parsed(body.decode("utf-8"))
    except UnicodeDecodeError:
        content = undecoded(body).value
    value = {"command": command, "headers": headers, "body": content}
    return Message(command, value, key, final=True if command == "ERROR" else None)


def _headers(head: bytes) -> dict[str, str]:
    command, *lines = [line.removesuffix("\r") for line in head.decode("utf-8", "replace").split("\n")]
    headers: dict[str, str] = {}
    for line in lines:
        name, _, text = line.partition(":")
        if command not in ("CONNECT", "CONNECTED"):  # they are not escaped, for the sake of STOMP 1.0
            name, text = _unescaped(name), _unescaped(text)
        headers.setdefault(name, text)
    return headers


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    text_out, at = "", 0
    while at < len(text):
        pair = text[at : at + 2]
        text_out += _UNESCAPED.get(pair, text[at])
        at += 2 if pair in _UNESCAPED else 1
    return text_out


def _sockjs(data: str) -> Iterator[str]:
    """The texts in a SockJS frame (sockjs-protocol 0.3.3): ``a[...]`` from the server, ``[...]`` or ``"..."`` to it."""
    if data in ("o", "h") or data.startswith("c["):
        return
    texts = loads(data.removeprefix("a"))
    for text in [texts] if isinstance(texts, str) else texts:
        if not isinstance(text, str):
            raise ValueError("not a SockJS frame")
        yield text


def _parsed(value: Any) -> Any:
    """``value``, or the JSON value that it is the text of."""
    try:
        return loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
