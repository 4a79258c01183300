"""MessagePack: one value after the other, in frames or in bodies."""

from __future__ import annotations

from collections.abc import Iterable

from e2e.framings.base.decoder import Decoder, Message, framing, name_of
from e2e.framings.base.first_frame import FirstFrame
from e2e.framings.base.packed import unpacked


@framing(
    "msgpack",
    "MessagePack, as `json`; keys that are numbers as `1.2`; bytes that are no text are hexadecimal digits",
    http=True,
    binary=True,
    confidence=0.8,
    subprotocols=("msgpack",),
)
class MsgpackDecoder(Decoder):
    """``msgpack`` (https://github.com/msgpack/msgpack/blob/master/spec.md): each value of a frame is a message.

    Only maps and arrays are: every text is a row of small numbers to MessagePack. The name is as with ``json``.
    """

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """It is binary, and the whole of it is maps and arrays."""
        if not isinstance(frame.data, bytes) or not frame.data:
            return None if frame.blank else False
        try:
            return bool(_values(frame.data))
        except ValueError:
            return False

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        if isinstance(data, str):
            raise ValueError("text")
        yield from (Message(name_of(value), value) for value in _values(data))


def _values(data: bytes) -> list[object]:
    found = unpacked(data)
    if not found or not all(isinstance(value, dict | list) for value in found):
        raise ValueError("no map and no array")
    return found
