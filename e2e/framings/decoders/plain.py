"""Frames without a protocol: JSON, JSON lines, text."""

from __future__ import annotations

from collections.abc import Iterable

from e2e.framings.base.decoder import Decoder, Message, framing, name_of, undecoded
from e2e.framings.base.first_frame import FirstFrame, json_or_none
from e2e.framings.base.json_text import loads


@framing("json", "a JSON value", http=True, confidence=0.6)
class JsonDecoder(Decoder):
    """``json`` (RFC 8259): a frame is one JSON value, which is the message's value.

    The name is the text at ``type``, ``event``, ``kind`` or ``action``, the first that there is, or ``message``.
    """

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """It is an object or an array."""
        return None if frame.blank else isinstance(frame.value, dict | list)

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        value = loads(self.text(data))
        yield Message(name_of(value), value)


@framing("ndjson", "lines, each a JSON value", http=True, confidence=0.7)
class NdjsonDecoder(Decoder):
    """``ndjson`` (Newline Delimited JSON): every line of a frame is a JSON value, a message as with ``json``."""

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """It has several lines, and each is JSON."""
        if frame.blank or isinstance(frame.value, dict):
            return None
        lines = [line for line in (frame.text or "").split("\n") if line.strip()]
        return len(lines) > 1 and all(isinstance(json_or_none(line), dict | list) for line in lines)

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        for line in self.text(data).split("\n"):  # not splitlines(): U+2028 may stand inside a JSON string
            if not line.strip():
                continue
            try:
                value = loads(line)
            except ValueError:
                yield undecoded(line)
            else:
                yield Message(name_of(value), value)


@framing("text", "any text, as `text`", http=True, confidence=0.1)
class TextDecoder(Decoder):
    """``text``: a frame is text: ``{"text": "..."}``. Bytes in it that are no text are U+FFFD there."""

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """It is text."""
        return frame.text is not None

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        yield Message("text", {"text": self.text(data)})
