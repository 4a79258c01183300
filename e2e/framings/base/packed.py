"""MessagePack as JSON values: keys are texts, and bytes that are no text are hexadecimal digits."""

from __future__ import annotations

from typing import Any

from e2e.framings.base.binary_fields import text_or_digits
from e2e.framings.base.decoder import PENDING_LIMIT


def unpacked(data: bytes) -> list[Any]:
    """The values that ``data`` wholly consists of. ValueError when it is not MessagePack, or is cut."""
    import msgpack  # profiles are read without it

    unpacker = msgpack.Unpacker(
        raw=False,
        strict_map_key=False,
        unicode_errors="replace",
        timestamp=1,
        ext_hook=_extension,
        max_buffer_size=PENDING_LIMIT,
    )
    found: list[Any] = []
    try:
        unpacker.feed(data)
        while unpacker.tell() < len(data):
            found.append(_plain(unpacker.unpack()))
    except (msgpack.exceptions.UnpackException, msgpack.exceptions.BufferFull, TypeError) as error:
        raise ValueError("not MessagePack, or cut") from error
    return found


def _extension(code: int, data: bytes) -> dict[str, Any]:
    return {"type": code, "data": text_or_digits(data)}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return text_or_digits(value) if isinstance(value, bytes) else value


def _key(key: Any) -> str:
    return text_or_digits(key) if isinstance(key, bytes) else str(key)
