"""Frames without a protocol: JSON, JSON lines, text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from e2e.capture.network.bodies.parsing import loads
from e2e.capture.network.decoders.messages import Decoder, Message, text_of, undecoded


class JsonDecoder(Decoder):
    """``json`` (RFC 8259): a frame is one JSON value, which is the message's value.

    The name is the text at ``type``, ``event``, ``kind`` or ``action``, the first that there is, or ``message``.
    """

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        value = loads(text_of(data))
        yield Message(_name_of(value), value)


class NdjsonDecoder(Decoder):
    """``ndjson`` (Newline Delimited JSON): every line of a frame is a JSON value, a message as with ``json``."""

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        for line in text_of(data).split("\n"):  # not splitlines(): U+2028 may stand inside a JSON string
            if not line.strip():
                continue
            try:
                value = loads(line)
            except ValueError:
                yield undecoded(line)
            else:
                yield Message(_name_of(value), value)


class TextDecoder(Decoder):
    """``text``: a frame is text: ``{"text": "..."}``."""

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        yield Message("text", {"text": text_of(data)})


def _name_of(value: Any) -> str:
    if isinstance(value, dict):
        for member in ("type", "event", "kind", "action"):
            if isinstance(name := value.get(member), str) and name:
                return name
    return "message"
