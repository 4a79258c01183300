"""Request bodies as bytes, decoded to text: compressed ones too. What cannot be decoded is marked so, and never taken for empty."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import brotli
import zstandard

from e2e.capture.network.bodies.parsing import charset_of

LIMIT = 1 << 24
"""Bytes that a body may have after decompression; beyond, decoding stops: a page could send a decompression bomb."""
_STEP = 1 << 16
_ZSTD_STEP = 1 << 10  # a few bytes of zstd may expand to 128 KiB, and its reader takes no limit
_GZIP, _ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"
_GZIP_BASE64 = "H4sI"
_TEXT_CONTROLS = frozenset(
    "\t\n\v\f\r\x1b\x1e"
)  # a record separator ends SignalR's and JSON sequences' records
_OPAQUE = re.compile(r"[A-Za-z0-9+/_=\-]{40,}")
_NUMBERS = re.compile(r"\[(?:\s*\d{1,3}\s*,){31}")  # bytes as a JSON array
_WORDY = re.compile(r"[a-z]+(?:[-_][a-z]+)*")


class Undecodable(ValueError):
    """A body that only its sender and receiver can read; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body after decoding."""

    data: bytes | str
    """Decompressed; a text where the protocol gave one."""
    text: str
    """Searched for message texts and IDs. Of a binary body it has U+FFFD for what is no text; ``""`` when undecodable."""
    size: int
    """Of what was sent: characters of a text, bytes of anything else."""
    unreadable: str = ""
    """Why it could not be decoded, or ``""``."""
    coded: bool = False
    """It was sent compressed: the text is not what went over the wire."""


EMPTY = Body("", "", 0)


def lost(reason: str) -> Body:
    """The body of a request whose body the browser did not give."""
    return Body("", "", 0, reason)


def body_of(raw: bytes | str, headers: Mapping[str, str]) -> Body:
    """Decode ``raw`` by the request's headers, and by its own first bytes where these say more. Never raises."""
    low = {name.lower(): value for name, value in headers.items()}
    kind = low.get("content-type", "")
    if isinstance(raw, str):
        return _of_text(raw)
    if not raw:
        return EMPTY
    try:
        data = decompressed(raw, low.get("content-encoding", ""))
    except Undecodable as error:
        return Body(b"", "", len(raw), str(error))
    coded = data is not raw
    text = text_of(data, kind)
    if text is None and "multipart/" in kind.lower():
        return Body(
            data, data.decode("utf-8", "replace"), len(raw), coded=coded
        )  # files may be binary, its fields are text
    if text is None:
        named = kind.partition(";")[0].strip() or "no content type"
        searched = data.decode("utf-8", "replace")
        return Body(data, searched, len(raw), f"it is binary, not text ({named})", coded)
    if not coded and (found := _of_text(text)).coded:
        return found
    return Body(data, text, len(raw) if coded else len(text), coded=coded)


def frame_of(data: str | bytes) -> str | bytes:
    """A WebSocket frame; decompressed, when it is compressed as a whole."""
    if isinstance(data, str):
        return data
    try:
        return decompressed(data, "")
    except Undecodable:
        return data


def _of_text(text: str) -> Body:
    """``text``, unless the whole of it is base64 of something compressed."""
    if text.startswith(_GZIP_BASE64):
        try:
            inner = decompressed(base64.b64decode(text, validate=True), "gzip")
            return Body(inner, inner.decode("utf-8"), len(text), coded=True)
        except (binascii.Error, ValueError):
            pass
    return Body(text, text, len(text))


def decompressed(raw: bytes, encoding: str) -> bytes:
    """``raw`` without its content codings (RFC 9110, section 8.4), the last one first; by its magic bytes where no header says so.

    A body that is no such stream is returned as it is: the browser may have decoded it before it showed it, and headers may lie.
    Raises `Undecodable` for a coding that is not known, and for a stream that is cut or larger than `LIMIT`.
    """
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        if name == "identity":
            continue
        decode = _CODINGS.get(name)
        if decode is None:
            raise Undecodable(f"its content-encoding {name!r} is not known")
        try:
            raw = decode(raw)
        except Undecodable:
            raise
        except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
            if text_of(raw, "") is not None:
                return raw
            raise Undecodable(f"it is not the {name} stream that its content-encoding names") from error
    for magic, decode in ((_GZIP, _inflated), (_ZSTD, _zstd)):
        if raw.startswith(magic):
            try:
                return decode(raw)
            except (zlib.error, zstandard.ZstdError):
                return raw
    if (
        not encoding and len(raw) > 2 and raw[0] == 0x78 and (raw[0] << 8 | raw[1]) % 31 == 0
    ):  # zlib's header (RFC 1950)
        try:
            return _inflated(raw)
        except (zlib.error, Undecodable):
            return raw
    return raw


def text_of(data: bytes, content_type: str) -> str | None:
    """``data`` as text in UTF-8 or the charset of its type; None when it is none: it decodes in neither, or has control characters."""
    for charset in ("utf-8-sig", charset_of(content_type)):
        try:
            text = data.decode(charset) if charset else None
        except (ValueError, LookupError):
            continue
        if text is not None and not any(c < " " and c not in _TEXT_CONTROLS for c in text):
            return text
    return None


def looks_opaque(text: str) -> bool:
    """``text`` contains a long run of base64, of hexadecimal digits or of byte values: it may hide anything.

    A UUID is too short for that, and a run of few characters (a rule of dashes) is none.
    """
    runs = (run for run in _OPAQUE.findall(text) if not _WORDY.fullmatch(run))
    return any(len(set(run)) >= 10 for run in runs) or _NUMBERS.search(text) is not None


def _inflated(raw: bytes) -> bytes:
    """gzip or zlib, by the header of ``raw``."""
    return _in_steps(zlib.decompressobj(wbits=47), raw)


def _deflated(raw: bytes) -> bytes:
    """``deflate``: zlib by the standard, and raw deflate by custom."""
    try:
        return _inflated(raw)
    except zlib.error:
        return _in_steps(zlib.decompressobj(wbits=-15), raw)


def _in_steps(stream: zlib._Decompress, raw: bytes) -> bytes:
    found = stream.decompress(raw, LIMIT)
    if stream.unconsumed_tail:
        raise Undecodable(f"it is larger than {LIMIT >> 20} MiB after decompression")
    if not stream.eof:
        raise zlib.error("cut")
    return found


def _brotli(raw: bytes) -> bytes:
    stream, found = brotli.Decompressor(), bytearray()
    piece = raw
    while True:
        found += stream.process(piece, output_buffer_limit=_STEP)
        if len(found) > LIMIT:
            raise Undecodable(f"it is larger than {LIMIT >> 20} MiB after decompression")
        if stream.is_finished():
            return bytes(found)
        if stream.can_accept_more_data():
            raise brotli.error("cut")
        piece = b""


def _zstd(raw: bytes) -> bytes:
    stream, found = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj(), bytearray()
    for at in range(0, len(raw), _ZSTD_STEP):
        found += stream.decompress(raw[at : at + _ZSTD_STEP])
        if len(found) > LIMIT:
            raise Undecodable(f"it is larger than {LIMIT >> 20} MiB after decompression")
        if stream.eof:
            return bytes(found)
    raise zstandard.ZstdError("cut")


_CODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": _inflated,
    "x-gzip": _inflated,
    "deflate": _deflated,
    "br": _brotli,
    "zstd": _zstd,
}
