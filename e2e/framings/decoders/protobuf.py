"""Protocol Buffers without a schema, alone and in the frames of gRPC-Web and Connect."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterable
from typing import Any

from e2e.framings.base.binary_fields import TextOrMessage, printable
from e2e.framings.base.decoder import PENDING_LIMIT, UNDECODED, Decoder, Message, framing, undecoded
from e2e.framings.base.first_frame import FirstFrame, json_or_none

_VARINT, _FIXED_64, _LENGTH, _GROUP, _GROUP_END, _FIXED_32 = range(6)
_DEEPEST = 32
_ID_SIZES = (12, 16, 20, 32)  # bytes of an ObjectId, a UUID, a SHA-1 and a SHA-256
_HEAD = 5  # bytes before each message of a gRPC-Web body: flags, and the length
_COMPRESSED, _END_OF_STREAM, _TRAILERS = 1, 2, 0x80
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")


@framing(
    "protobuf",
    "Protocol Buffers without a schema: fields by number, as `1.2` or `3`; a field that comes twice is a list;"
    " bytes that are no text are hexadecimal digits",
    http=True,
    binary=True,
    lone_items=True,
    confidence=0.6,
    subprotocols=("protobuf",),
)
class ProtobufDecoder(Decoder):
    """``protobuf``: a frame is one message of the wire format (https://protobuf.dev/programming-guides/encoding/).

    The value is ``{"1": value, "2": [values]}``. A field of bytes is a text, a nested message, or both (`TextOrMessage`).
    """

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """It is binary, and the whole of it is a message."""
        if not isinstance(frame.data, bytes) or not frame.data:
            return None if frame.blank else False
        return message_of(frame.data) is not None

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        message = message_of(data) if isinstance(data, bytes) else None
        if message is None:
            raise ValueError("not a protobuf message")
        yield Message("message", message)


@framing(
    "grpc-web",
    "gRPC-Web and Connect streams: a `protobuf` (or JSON) value for each message; the end is `trailers`",
    http=True,
    binary=True,
    lone_items=True,
    streams=True,
    confidence=0.85,
    subprotocols=("grpc-websockets", "grpc-web"),
)
class GrpcWebDecoder(Decoder):
    """``grpc-web``: messages with a head of five bytes, cut anywhere; as base64 too (``application/grpc-web-text``).

    A message is read as ``protobuf``, or as JSON where it is some. Trailers, and the end of a Connect stream, are
    ``{"trailers": {name: text}}``, final.
    """

    def __init__(self) -> None:
        self._rest: dict[bool, bytes] = {True: b"", False: b""}
        self._digits: dict[bool, bytes] = {True: b"", False: b""}
        self._coded = {True: False, False: False}

    @staticmethod
    def is_sign(frame: FirstFrame) -> bool | None:
        """It is binary, and its heads give the lengths of what follows them."""
        if not isinstance(frame.data, bytes) or len(frame.data) < _HEAD:
            return None if frame.blank or frame.binary else False
        pieces, rest = _pieces(frame.data)
        return bool(pieces) and not rest and all(_is_message(*piece) for piece in pieces)

    def _read(self, data: str | bytes, sent: bool) -> Iterable[Message]:
        raw = self._binary(data.encode("utf-8") if isinstance(data, str) else data, sent)
        pieces, rest = _pieces(self._rest[sent] + raw)
        self._rest[sent] = b""
        if rest and (rest[0] & ~(_COMPRESSED | _END_OF_STREAM | _TRAILERS) or len(rest) > PENDING_LIMIT):
            raise ValueError("no message begins like this")
        self._rest[sent] = rest
        for flags, piece in pieces:
            yield _grpc_message(flags, piece)

    def _binary(self, data: bytes, sent: bool) -> bytes:
        """``data``, decoded where it is base64: in several parts, each with its own padding."""
        if not self._digits[sent] and not self._rest[sent]:  # a body goes on as it began
            self._coded[sent] = data[:1] >= b" " and _BASE64.fullmatch(data) is not None
        if not self._coded[sent]:
            return data
        digits = self._digits[sent] + b"".join(data.split())
        whole = len(digits) - len(digits) % 4
        self._digits[sent] = digits[whole:]
        try:
            parts = re.findall(rb"[^=]+=*", digits[:whole])
            return b"".join(base64.b64decode(part, validate=True) for part in parts)
        except binascii.Error as error:
            self._rest[sent] = self._digits[sent] = b""
            raise ValueError("not base64") from error


def message_of(data: bytes, depth: int = _DEEPEST) -> dict[str, Any] | None:
    """The fields of a message, by number; None when ``data`` is not wholly a message."""
    try:
        fields, end = _fields(data, 0, depth, None)
    except (IndexError, ValueError):
        return None
    return fields if end == len(data) else None


def _fields(data: bytes, at: int, depth: int, group: int | None) -> tuple[dict[str, Any], int]:
    """The fields from ``at`` on, up to the end of the data or of the ``group``."""
    if depth == 0:
        raise ValueError("nested too deep")
    found: dict[str, list[Any]] = {}
    while at < len(data) or group is not None:
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0 or number >= 1 << 29:
            raise ValueError("no such field")
        if kind == _GROUP_END and number == group:
            break
        value, at = _value(data, at, kind, number, depth)
        found.setdefault(str(number), []).append(value)
    return {number: values[0] if len(values) == 1 else values for number, values in found.items()}, at


def _value(data: bytes, at: int, kind: int, number: int, depth: int) -> tuple[Any, int]:
    if kind == _VARINT:
        return _varint(data, at)
    if kind == _GROUP:
        return _fields(data, at, depth - 1, number)
    size = {_FIXED_64: 8, _FIXED_32: 4}.get(kind)
    if kind == _LENGTH:
        size, at = _varint(data, at)
    if size is None or at + size > len(data):
        raise ValueError("no such type, or cut")
    piece = data[at : at + size]
    return (_of_bytes(piece, depth) if kind == _LENGTH else int.from_bytes(piece, "little")), at + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    found = 0
    for n in range(10):
        byte = data[at + n]
        found |= (byte & 0x7F) << 7 * n
        if byte < 0x80:
            return found, at + n + 1
    raise ValueError("a number without end")


def _of_bytes(data: bytes, depth: int) -> Any:
    """A text, a message, or what may be both.

    The line feed that begins a text is the tag of field 1, so a text that is wholly a message is taken for one there.
    Elsewhere texts such as "hi" are wholly messages as well.
    """
    text = printable(data)
    message = message_of(data, depth - 1) if data else None
    if message is None:
        return data.hex() if text is None else text
    if text is not None and not text.startswith("\n"):
        return TextOrMessage.of(text, message)
    if text is None and len(data) in _ID_SIZES and not _has_text(message):
        return TextOrMessage.of(data.hex(), message)
    return message


def _has_text(message: dict[str, Any]) -> bool:
    """Random bytes may be a message of numbers, but hardly one with words in it."""
    return any(isinstance(value, str) and len(value) > 2 for value in message.values())


def _pieces(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Flags and content of each whole message of a gRPC-Web body, and what is left."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while len(data) - at >= _HEAD:
        size = int.from_bytes(data[at + 1 : at + _HEAD], "big")
        if at + _HEAD + size > len(data):
            break
        found.append((data[at], data[at + _HEAD : at + _HEAD + size]))
        at += _HEAD + size
    return found, data[at:]


def _is_message(flags: int, content: bytes) -> bool:
    return flags in (0, _TRAILERS, _END_OF_STREAM) and _grpc_message(flags, content).name != UNDECODED


def _grpc_message(flags: int, content: bytes) -> Message:
    if flags & _COMPRESSED:
        stream = zlib.decompressobj(wbits=47)  # gzip or zlib, by its header
        try:
            content = stream.decompress(content, PENDING_LIMIT)
        except zlib.error:
            return undecoded(content)
    if flags & _TRAILERS:
        lines = content.decode("utf-8", "replace").split("\r\n")
        pairs = (line.partition(":") for line in lines if ":" in line)
        trailers: Any = {name.strip().lower(): text.strip() for name, _, text in pairs}
        return Message("trailers", {"trailers": trailers}, final=True)
    json = json_or_none(content.decode("utf-8", "replace")) if content[:1] == b"{" else None
    if flags & _END_OF_STREAM:
        return Message("trailers", {"trailers": json or {}}, final=True)
    if isinstance(json, dict):
        return Message("message", json)
    message = message_of(content)
    return undecoded(content) if message is None else Message("message", message)
