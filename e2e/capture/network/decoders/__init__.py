"""Framings of WebSockets and of long polling: raw frames in, messages out. Nothing here knows a browser or a profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from e2e.capture.network.decoders.calls import GraphqlWsDecoder, JsonRpcDecoder, SignalRDecoder
from e2e.capture.network.decoders.channels import ActionCableDecoder, PhoenixDecoder, StompDecoder
from e2e.capture.network.decoders.detect import detect
from e2e.capture.network.decoders.messages import Decoder, Message, unfold
from e2e.capture.network.decoders.plain import JsonDecoder, NdjsonDecoder, TextDecoder
from e2e.capture.network.decoders.socketio import SocketIoDecoder

__all__ = ["DECODERS", "Decoder", "Message", "detect", "make_decoder", "unfold"]

_MAKERS: Mapping[str, Callable[[], Decoder]] = {
    "json": JsonDecoder,
    "ndjson": NdjsonDecoder,
    "text": TextDecoder,
    "socket.io": SocketIoDecoder,
    "graphql-ws": GraphqlWsDecoder,
    "signalr": SignalRDecoder,
    "json-rpc": JsonRpcDecoder,
    "phoenix": PhoenixDecoder,
    "actioncable": ActionCableDecoder,
    "stomp": StompDecoder,
}
DECODERS = tuple(_MAKERS)
"""The names that `make_decoder` knows."""


def make_decoder(name: str) -> Decoder:
    """A decoder for one connection: ``name`` is one of `DECODERS`, anything else is a KeyError."""
    return _MAKERS[name]()
