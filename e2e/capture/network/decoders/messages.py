"""What a decoder gives, and what all decoders have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from e2e.capture.network.bodies.parsing import loads

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

    def decode(self, data: str | bytes, sent: bool) -> list[Message]:
        """The messages that this frame completes: text frames are ``str``, binary ones ``bytes``. Never raises.

        A frame, or a record in it, that is not of this protocol gives ``Message("undecoded", {"text": characters})``
        or ``{"binary": bytes}``: the size, and nothing of its content.
        """
        messages: list[Message] = []
        try:
            messages.extend(self._read(data, sent))  # what came before a ValueError stays
        except ValueError:
            messages.append(undecoded(data))
        return messages

    @abstractmethod
    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        """The frame's messages; ValueError when it is not of this protocol."""


def undecoded(data: str | bytes) -> Message:
    """A message in place of ``data`` that could not be read."""
    return Message("undecoded", {"text" if isinstance(data, str) else "binary": len(data)})


def text_of(data: str | bytes) -> str:
    """``data`` as text. ValueError when it is bytes that are no UTF-8."""
    return data if isinstance(data, str) else data.decode("utf-8")


def object_of(data: str | bytes) -> dict[str, Any]:
    """The JSON object that ``data`` is. ValueError when it is none."""
    value = loads(text_of(data))
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def id_of(value: Any) -> str | None:
    """An ID as text; 1 and "1" become one text on purpose, for peers that answer a number with its text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)


def unfold(value: Any, depth: int = 3) -> Any:
    """A copy of ``value`` in which strings that are JSON objects or arrays are these, ``depth`` strings deep.

    Bounded: strings of more than 1 MiB characters, in all, and what lies under 60 levels stay as they are. A text that
    merely looks like JSON (``"[1]"``) is unfolded too: use it where the product is known to put JSON into strings.
    """
    return _Unfolding().of(value, depth, 60)


class _Unfolding:
    def __init__(self) -> None:
        self._left = 1 << 20

    def of(self, value: Any, depth: int, levels: int) -> Any:
        if levels == 0:
            return value
        if isinstance(value, dict):
            return {name: self.of(item, depth, levels - 1) for name, item in value.items()}
        if isinstance(value, list):
            return [self.of(item, depth, levels - 1) for item in value]
        if isinstance(value, str) and depth > 0 and value.lstrip()[:1] in ("{", "["):
            return self._text(value, depth, levels)
        return value

    def _text(self, text: str, depth: int, levels: int) -> Any:
        if len(text) > self._left:
            return text
        self._left -= len(text)
        try:
            inner = loads(text)
        except ValueError:
            return text
        return self.of(inner, depth - 1, levels)
