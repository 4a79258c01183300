"""Protocols of calls and their results: GraphQL over WebSocket (two of them), SignalR, JSON-RPC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from e2e.capture.network.bodies.parsing import loads
from e2e.capture.network.decoders.messages import (
    PENDING_LIMIT,
    Decoder,
    Message,
    id_of,
    object_of,
    text_of,
    undecoded,
)

RECORD = "\x1e"
"""What ends a record of SignalR's JSON hub protocol."""
_KINDS = {
    1: "Invocation",
    2: "StreamItem",
    3: "Completion",
    4: "StreamInvocation",
    5: "CancelInvocation",
    7: "Close",
}
_UNTOLD = (6, 8, 9)
_FINAL = {"StreamItem": False, "Completion": True}


class GraphqlWsDecoder(Decoder):
    """``graphql-ws``: the subprotocols ``graphql-transport-ws`` and ``graphql-ws`` (subscriptions-transport-ws, legacy).

    The value is the whole message, the name its ``type``, the key its ``id``. ``complete`` and ``error`` are final,
    ``next`` and ``data`` are not. Pings, pongs and keep-alives give nothing.
    """

    _final = {"complete": True, "error": True, "next": False, "data": False}

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        message = object_of(data)
        kind = message.get("type")
        if not isinstance(kind, str):
            raise ValueError("no type")
        if kind not in ("ping", "pong", "ka"):
            yield Message(kind, message, id_of(message.get("id")), self._final.get(kind))


class SignalRDecoder(Decoder):
    """``signalr``: the JSON hub protocol of ASP.NET Core SignalR. Records end with U+001E, across frames if need be.

    The value is the whole message, the key its ``invocationId``; the name is the ``target`` of an invocation (types 1 and
    4), else ``StreamItem``, ``Completion``, ``CancelInvocation`` or ``Close``. A completion is final, a stream item is not.
    The handshake, pings, acks (8) and sequences (9) give nothing. The MessagePack hub protocol is not read: its frames
    are undecoded.
    """

    def __init__(self) -> None:
        self._parts: dict[bool, list[str]] = {True: [], False: []}

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        text = text_of(data)
        if isinstance(data, bytes) and not (text.startswith("{") and text.endswith(RECORD)):
            raise ValueError("MessagePack")
        parts = self._parts[sent]
        for ended in (pieces := text.split(RECORD))[:-1]:
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
            message = object_of(record)
            kind = message.get("type")
            if kind in _UNTOLD or (
                "type" not in message and (not message or {"protocol", "error"} & set(message))
            ):
                return
            name = _KINDS[kind] if isinstance(kind, int) and kind in _KINDS else None
            if name is None:
                raise ValueError("no such type")
        except ValueError:
            yield undecoded(record)
            return
        target = message.get("target")
        event = target if kind in (1, 4) and isinstance(target, str) else name
        yield Message(event, message, id_of(message.get("invocationId")), _FINAL.get(name))


class JsonRpcDecoder(Decoder):
    """``json-rpc``: JSON-RPC 2.0, one message or a batch in a frame; ``jsonrpc`` itself may be missing (as in 1.0).

    The value is the whole message, the key its ``id`` as text: 1 and "1" are one key on purpose, for servers that answer a
    number with its text. The name is the ``method`` of a request or notification, else ``result`` or ``error``. A response
    is final; a notification has no key.
    """

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
