"""Which decoder a connection needs, by its address, its subprotocol and its first frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from e2e.capture.network.bodies.parsing import loads
from e2e.capture.network.decoders.calls import RECORD
from e2e.capture.network.decoders.channels import STOMP_COMMANDS

_FRAMES, _LENGTH = 50, 1 << 20  # how many frames are looked at, and how long one may be
_SUBPROTOCOLS = {
    "graphql-transport-ws": "graphql-ws",
    "graphql-ws": "graphql-ws",
    "v10.stomp": "stomp",
    "v11.stomp": "stomp",
    "v12.stomp": "stomp",
    "actioncable-v1-json": "actioncable",
    "phoenix": "phoenix",
    "jsonrpc": "json-rpc",
    "json-rpc": "json-rpc",
}
_ADDRESSES = (
    (re.compile(r"/socket\.io/|[?&]EIO=[34]\b"), "socket.io", 0.85),
    (re.compile(r"/websocket/?\?(?:.*&)?vsn=[12]\."), "phoenix", 0.8),
    (re.compile(r"/cable/?(?:\?|$)"), "actioncable", 0.5),
    (re.compile(r"/graphql\b"), "graphql-ws", 0.4),
    (re.compile(r"hubs?/?(?:\?|$)|/hubs?/", re.IGNORECASE), "signalr", 0.3),
    (re.compile(r"/stomp\b", re.IGNORECASE), "stomp", 0.4),
)
_SOCKET_IO = re.compile(r'0\{"sid"|4[0-6](?:\d+-)?(?:/[^,]*,?)?\d*(?:[\[{].*)?\Z|\d+:[0-6]', re.DOTALL)
_ENGINE_IO = ("1", "2", "3", "5", "6", "2probe", "3probe", "ok")

Said = bool | None
"""True: of this protocol. False: not of it. None: the frame does not show it."""


def detect(
    frames: Sequence[tuple[bool, str | bytes]], url: str, protocol: str | None
) -> list[tuple[str, float]]:
    """Decoders that may be the connection's, ``(name, confidence from 0 to 1)``, the best first.

    ``frames`` are the first ones as ``(sent, data)``, ``protocol`` is the subprotocol the handshake agreed on. Hints
    (address, subprotocol) count until the frames contradict them. JSON without a protocol's marks is ``json``.
    """
    hints = _hints(url, protocol)
    seen = [_Frame(data) for _, data in frames[:_FRAMES] if len(data) <= _LENGTH]
    found: list[tuple[str, float]] = []
    for name, (weight, is_sign) in _SIGNS.items():
        hint = hints.get(name, 0.0)
        answers = [answer for frame in seen if (answer := is_sign(frame)) is not None]
        share = sum(answers) / len(answers) if answers else 0.0
        if answers and share == 0:
            hint *= 0.2
        confidence = 1 - (1 - hint) * (1 - weight * share)
        if confidence > 0:
            found.append((name, round(confidence, 3)))
    return sorted(found, key=lambda item: -item[1])


def _hints(url: str, protocol: str | None) -> dict[str, float]:
    try:
        parts = urlsplit(url)
        address = f"{parts.path}?{parts.query}" if parts.query else parts.path
    except ValueError:
        address = ""
    hints = {name: confidence for pattern, name, confidence in _ADDRESSES if pattern.search(address)}
    for word in (protocol or "").lower().split(","):
        if word.strip() in _SUBPROTOCOLS:
            hints[_SUBPROTOCOLS[word.strip()]] = 0.95
    return hints


class _Frame:
    """A frame with what all the questions about it need."""

    def __init__(self, data: str | bytes) -> None:
        self.binary = isinstance(data, bytes)
        try:
            self.text: str | None = data if isinstance(data, str) else data.decode("utf-8")
        except UnicodeDecodeError:
            self.text = None
        self.value = _value(self.text)
        self.blank = self.text is not None and not self.text.strip()


def _value(text: str | None) -> Any:
    try:
        return loads(text) if text else None
    except ValueError:
        return None


def _socket_io(frame: _Frame) -> Said:
    if frame.binary or frame.blank or frame.text in _ENGINE_IO:
        return None
    return _SOCKET_IO.match((frame.text or "").split(RECORD)[0]) is not None


def _signalr(frame: _Frame) -> Said:
    if frame.text is None or RECORD not in frame.text:
        return None if frame.binary or (frame.text or "").startswith("{") else False
    records = [_value(record) for record in frame.text.split(RECORD)[:-1]]
    return all(
        isinstance(record, dict)
        and (not record or "protocol" in record or "error" in record or isinstance(record.get("type"), int))
        for record in records
    )


def _graphql(frame: _Frame) -> Said:
    if frame.blank:
        return None
    if not isinstance(frame.value, dict):
        return False
    kind, payload = frame.value.get("type"), frame.value.get("payload")
    if kind in ("connection_init", "connection_ack", "connection_error", "start_ack"):
        return True
    if kind in ("subscribe", "start"):
        return isinstance(payload, dict) and ("query" in payload or "data" in payload)
    if kind in ("next", "data"):
        return "id" in frame.value and isinstance(payload, dict) and bool({"data", "errors"} & set(payload))
    return None if kind in ("complete", "stop", "error", "ka", "ping", "pong") else False


def _phoenix(frame: _Frame) -> Said:
    if frame.binary or frame.blank:
        return None
    match frame.value:
        case [_, _, str(), str(), dict()] | {"topic": str(), "event": str(), "payload": dict(), "ref": _}:
            return True
    return False


def _action_cable(frame: _Frame) -> Said:
    if frame.blank:
        return None
    match frame.value:
        case {"identifier": str(identifier)}:
            return isinstance(_value(identifier), dict)
        case {"type": "ping"}:
            return None
        case {"type": "welcome"}:
            return True
    return False


def _stomp(frame: _Frame) -> Said:
    if frame.blank or frame.text in ("o", "h"):
        return None
    text = frame.text or ""
    if text.startswith(("a[", "[")):
        inner = _value(text.removeprefix("a"))
        text = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], str) else ""
    first, newline, _ = text.partition("\n")
    return bool(newline) and first.rstrip("\r") in STOMP_COMMANDS


def _json_rpc(frame: _Frame) -> Said:
    if frame.blank:
        return None
    items = frame.value if isinstance(frame.value, list) else [frame.value]
    return bool(items) and all(isinstance(item, dict) and item.get("jsonrpc") == "2.0" for item in items)


def _json(frame: _Frame) -> Said:
    return None if frame.blank else isinstance(frame.value, dict | list)


def _ndjson(frame: _Frame) -> Said:
    if frame.blank or isinstance(frame.value, dict):
        return None
    lines = [line for line in (frame.text or "").split("\n") if line.strip()]
    return len(lines) > 1 and all(isinstance(_value(line), dict | list) for line in lines)


def _text(frame: _Frame) -> Said:
    return frame.text is not None


_SIGNS: Mapping[str, tuple[float, Callable[[_Frame], Said]]] = {
    "socket.io": (0.95, _socket_io),
    "signalr": (0.95, _signalr),
    "graphql-ws": (0.95, _graphql),
    "phoenix": (0.9, _phoenix),
    "actioncable": (0.9, _action_cable),
    "stomp": (0.95, _stomp),
    "json-rpc": (0.95, _json_rpc),
    "ndjson": (0.7, _ndjson),
    "json": (0.6, _json),
    "text": (0.1, _text),
}
