"""Protocols of calls and their results: GraphQL over WebSocket (two of them), SignalR, JSON-RPC."""

from __future__ import annotations

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
from e2e.framings.base.packed import unpacked

_RECORD = "\x1e"  # ends a record of SignalR's JSON hub protocol
_KINDS = {
    1: "Invocation",
    2: "StreamItem",
    3: "Completion",
    4: "StreamInvocation",
    5: "CancelInvocation",
    7: "Close",
}
_WITHOUT_CONTENT = (6, 8, 9)
_FINAL = {"StreamItem": False, "Completion": True}


@framing(
    "graphql-ws",
    "GraphQL over WebSocket: `type`, `id` and `payload`; replies are linked by `id`",
    confidence=0.95,
    subprotocols=("graphql-transport-ws", "graphql-ws"),
    addresses=[(r"/graphql\b", 0.4)],
)
class GraphqlWsDecoder(Decoder):
    """``graphql-ws``: the subprotocols ``graphql-transport-ws`` and ``graphql-ws`` (subscriptions-transport-ws, legacy).

    The value is the whole message, the name its ``type``, the key its ``id``. ``complete`` and ``error`` are final,
    ``next`` and ``data`` are not. Pings, pongs and keep-alives give nothing.
    """

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """Its type is one of the protocol, with a payload that fits."""
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
            return (
                "id" in frame.value and isinstance(payload, dict) and bool({"data", "errors"} & set(payload))
            )
        return None if kind in ("complete", "stop", "error", "ka", "ping", "pong") else False

    _final = {"complete": True, "error": True, "next": False, "data": False}

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        message = object_of(data)
        kind = message.get("type")
        if not isinstance(kind, str):
            raise ValueError("no type")
        if kind not in ("ping", "pong", "ka"):
            yield Message(kind, message, id_of(message.get("id")), self._final.get(kind))


@framing(
    "signalr",
    "SignalR (JSON and MessagePack): `type`, `target`, `arguments`, `item`, `result`; linked by `invocationId`",
    confidence=0.95,
    addresses=[(r"(?i)hubs?/?(?:\?|$)|/hubs?/", 0.3)],
)
class SignalRDecoder(Decoder):
    """``signalr``: the JSON hub protocol of ASP.NET Core SignalR. Records end with U+001E, across frames if need be.

    The value is the whole message, the key its ``invocationId``; the name is the ``target`` of an invocation (types 1 and
    4), else ``StreamItem``, ``Completion``, ``CancelInvocation`` or ``Close``. A completion is final, a stream item is not.
    The handshake, pings, acks (8) and sequences (9) give nothing. Records of the MessagePack hub protocol give the same
    values as those of the JSON protocol.
    """

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """It has records, and each is a handshake or has a type."""
        if frame.text is None or _RECORD not in frame.text:
            return None if frame.binary or (frame.text or "").startswith("{") else False
        records = [json_or_none(record) for record in frame.text.split(_RECORD)[:-1]]
        return all(
            isinstance(record, dict)
            and (
                not record or "protocol" in record or "error" in record or isinstance(record.get("type"), int)
            )
            for record in records
        )

    def __init__(self) -> None:
        self._parts: dict[bool, list[str]] = {True: [], False: []}

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        if isinstance(data, bytes) and not (data.startswith(b"{") and data.endswith(_RECORD.encode())):
            for record in _packed_records(data):
                yield from self._message(_packed_message(record))
            return
        text = text_of(data)
        parts = self._parts[sent]
        for ended in (pieces := text.split(_RECORD))[:-1]:
            record = "".join([*parts, ended])
            parts.clear()
            yield from self._record(record)
        if not pieces[-1]:
            return
        if not parts and not pieces[-1].startswith("{"):
            raise ValueError("no record begins like this")
        parts.append(pieces[-1])
        if sum(map(len, parts)) > PENDING_LIMIT:
            parts.clear()
            raise ValueError("a record without end")

    def _record(self, record: str) -> Iterator[Message]:
        try:
            yield from self._message(object_of(record))
        except ValueError:
            yield undecoded(record)

    @staticmethod
    def _message(message: dict[str, Any]) -> Iterator[Message]:
        kind = message.get("type")
        if kind in _WITHOUT_CONTENT or (
            "type" not in message and (not message or {"protocol", "error"} & set(message))
        ):
            return
        name = _KINDS[kind] if isinstance(kind, int) and kind in _KINDS else None
        if name is None:
            raise ValueError("no such type")
        target = message.get("target")
        event = target if kind in (1, 4) and isinstance(target, str) else name
        yield Message(event, message, id_of(message.get("invocationId")), _FINAL.get(name))


_MEMBERS: dict[int, tuple[str, ...]] = {
    1: ("headers", "invocationId", "target", "arguments", "streamIds"),
    2: ("headers", "invocationId", "item"),
    3: ("headers", "invocationId", "resultKind", "result"),
    4: ("headers", "invocationId", "target", "arguments", "streamIds"),
    5: ("headers", "invocationId"),
    7: ("error", "allowReconnect"),
}
_FAILED = 1  # kind of a completion's result


def _packed_records(data: bytes) -> list[Any]:
    """The records of a MessagePack frame, each after its length as a variable-length integer (HubProtocol.md)."""
    found: list[Any] = []
    at = 0
    while at < len(data):
        size = shift = 0
        while True:
            if at == len(data) or shift > 28:
                raise ValueError("no length")
            size |= (data[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 0x80:
                break
        if at + size > len(data):
            raise ValueError("cut")
        found += unpacked(data[at : at + size])
        at += size
    return found


def _packed_message(record: Any) -> dict[str, Any]:
    """A record of the MessagePack protocol as the JSON protocol has it."""
    if not isinstance(record, list) or not record or not isinstance(record[0], int):
        raise ValueError("not a SignalR record")
    found = {"type": record[0]} | dict(zip(_MEMBERS.get(record[0], ()), record[1:], strict=False))
    if found.pop("resultKind", None) == _FAILED:
        found["error"] = found.pop("result", None)
    return {name: value for name, value in found.items() if value is not None}


@framing(
    "json-rpc",
    "JSON-RPC: `method`, `params`, `result`, `error`; replies are linked by `id`",
    confidence=0.95,
    subprotocols=("jsonrpc", "json-rpc"),
)
class JsonRpcDecoder(Decoder):
    """``json-rpc``: JSON-RPC 2.0, one message or a batch in a frame; ``jsonrpc`` itself may be missing (as in 1.0).

    The value is the whole message, the key its ``id`` as text: 1 and "1" are one key on purpose, for servers that answer a
    number with its text. The name is the ``method`` of a request or notification, else ``result`` or ``error``. A response
    is final; a notification has no key.
    """

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """It names the protocol's version."""
        if frame.blank:
            return None
        items = frame.value if isinstance(frame.value, list) else [frame.value]
        return bool(items) and all(isinstance(item, dict) and item.get("jsonrpc") == "2.0" for item in items)

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        value = loads(text_of(data))
        batch = value if isinstance(value, list) else [value]
        messages = [self._message(item) for item in batch]
        yield from (message for message in messages if message)
        if not messages or None in messages:
            raise ValueError("not JSON-RPC, or not all of it")

    @staticmethod
    def _message(item: Any) -> Message | None:
        if not isinstance(item, dict):
            return None
        if isinstance(item.get("method"), str):
            return Message(item["method"], item, id_of(item.get("id")))
        if "id" in item and ("result" in item or "error" in item):
            # JSON-RPC 1.0 carries both, the one that does not hold as null
            failed = item.get("error") is not None or "result" not in item
            return Message("error" if failed else "result", item, id_of(item["id"]), final=True)
        return None
