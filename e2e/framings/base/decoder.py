"""What a decoder gives, and what all decoders have in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from e2e.framings.base.first_frame import FirstFrame
from e2e.framings.base.json_text import loads

UNDECODED = "undecoded"
"""Name of the message that a decoder gives for what it cannot read."""
PENDING_LIMIT = 1 << 22
"""Characters or bytes of a record that has not ended; what is longer is dropped."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a protocol, out of one frame or several."""

    name: str
    """The protocol's own kind: its event, type, method or command; ``undecoded`` for what the decoder cannot read."""
    value: Any
    """A JSON value, to be searched by JMESPath."""
    key: str | None = None
    """The protocol's own ID of the request, on the request and on what answers it. None when it has none."""
    final: bool | None = None
    """True: this ends the reply. False: the reply goes on. None: the protocol does not say."""


class Decoder(ABC):
    """Reads the frames of one connection, in their order. It keeps what belongs together, apart for both directions."""

    framing: ClassVar[Framing]
    """Set by the decorator `framing`."""
    frames = 0
    """Frames that were decoded so far."""
    undecoded = 0
    """Those of which a part could not be read."""
    replaced = 0
    """Those that are text with bytes in between that are none: these were replaced by U+FFFD."""

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """Whether a frame is of this framing, for discovery; None when the frame does not show it."""
        del frame
        return None

    def decode(self, data: str | bytes, sent: bool) -> list[Message]:
        """The messages that this frame completes: text frames are ``str``, binary ones ``bytes``. Never raises.

        A frame, or a record in it, that is not of this protocol gives ``Message("undecoded", {"text": characters})``
        or ``{"binary": bytes}``: the size, and nothing of its content.
        """
        messages: list[Message] = []
        try:
            messages.extend(self._read(data, sent))  # what came before a ValueError stays
        except (ValueError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError):
            # Besides ValueError none is known to happen; a frame of the target's making must not end a run.
            messages.append(undecoded(data))
        self.frames += 1
        self.undecoded += any(message.name == UNDECODED for message in messages)
        return messages

    def text(self, data: str | bytes) -> str:
        """``data`` as text, its stray bytes replaced and counted. ValueError when most of it is no text."""
        try:
            return text_of(data)
        except UnicodeDecodeError:
            assert isinstance(data, bytes)
            text = data.decode("utf-8", "replace")
            if 2 * sum(c == "\ufffd" or not (c.isprintable() or c.isspace()) for c in text) >= len(text):
                raise
        self.replaced += 1
        return text

    @abstractmethod
    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        """The frame's messages; ValueError when it is not of this protocol."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How frames, or bodies, are encoded: one that a wire rule may name."""

    name: str
    summary: str
    """What its values look like, for the profile reference."""
    decoder: type[Decoder]
    http: bool
    """Bodies of requests and replies may have it too, not only frames of a WebSocket."""
    binary: bool
    """A body is read as bytes, whatever its type says of text."""
    lone_items: bool
    """A list of one item cannot be recognised by the item alone."""
    streams: bool
    """A body can be decoded while it comes, piece by piece."""
    confidence: float
    """Of discovery, when every frame shows the sign of the framing (`Decoder.is_sign`)."""
    subprotocols: tuple[str, ...]
    """Subprotocols of the WebSocket handshake that name it."""
    addresses: tuple[tuple[re.Pattern[str], float], ...]
    """Patterns of addresses (path and query) that hint at it, each with discovery's confidence in the hint."""


_Class = TypeVar("_Class", bound=type[Decoder])


def framing(
    name: str,
    summary: str,
    *,
    http: bool = False,
    binary: bool = False,
    lone_items: bool = False,
    streams: bool = False,
    confidence: float = 0.9,
    subprotocols: Sequence[str] = (),
    addresses: Sequence[tuple[str, float]] = (),
) -> Callable[[_Class], _Class]:
    """Class decorator: makes a decoder the one of the framing ``name``; see `Framing` for the fields."""
    patterns = tuple((re.compile(pattern), hint) for pattern, hint in addresses)

    def register(decoder: _Class) -> _Class:
        decoder.framing = Framing(
            name,
            summary,
            decoder,
            http,
            binary,
            lone_items,
            streams,
            confidence,
            tuple(subprotocols),
            patterns,
        )
        return decoder

    return register


def undecoded(data: str | bytes) -> Message:
    """A message in place of ``data`` that could not be read."""
    return Message(UNDECODED, {"text" if isinstance(data, str) else "binary": len(data)})


def text_of(data: str | bytes) -> str:
    """``data`` as text. ValueError when it is bytes that are no UTF-8."""
    return data if isinstance(data, str) else data.decode("utf-8")


def object_of(data: str | bytes) -> dict[str, Any]:
    """The JSON object that ``data`` is. ValueError when it is none."""
    value = loads(text_of(data))
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def name_of(value: Any) -> str:
    """A message's kind: the text at ``type``, ``event``, ``kind`` or ``action``, or ``message``."""
    if isinstance(value, dict):
        for member in ("type", "event", "kind", "action"):
            if isinstance(name := value.get(member), str) and name:
                return name
    return "message"


def id_of(value: Any) -> str | None:
    """An ID as text; 1 and "1" become one text on purpose, for peers that answer a number with its text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)
