"""Moments that an ID may contain: in decimal, hexadecimal, base 32, 36, 62 and 64, in UUIDs, ULIDs and snowflakes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_WHOLE_UUID = re.compile(rf"{UUID}|[0-9a-fA-F]{{32}}")
NEAR_S = (
    600.0  # seconds: a server's clock may be off by some; what is further away is no time of this writing
)
_HOUR = 3600.0
_LOWER36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE32HEX = _LOWER36[:32]
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_UPPER_FIRST = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LOWER_FIRST = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PUSH = "-" + _UPPER_FIRST[:36] + "_" + _UPPER_FIRST[36:]
_VALUES = {
    name: {symbol: value for value, symbol in enumerate(alphabet)}
    for name, alphabet in (
        ("base 10", _LOWER36[:10]),
        ("base 16", _LOWER36[:16]),
        ("base 36", _LOWER36),
        ("base 62", _LOWER_FIRST),
        ("base 62 (upper case first)", _UPPER_FIRST),
        ("crockford", _CROCKFORD),
        ("base 32 hex", _BASE32HEX),
        ("push", _PUSH),
    )
}
# unit, seconds of one, alphabet, characters that a present-day time takes
_TIMES = (
    ("s", 1.0, "base 10", 10),
    ("ms", 1e-3, "base 10", 13),
    ("µs", 1e-6, "base 10", 16),
    ("ns", 1e-9, "base 10", 19),
    ("s", 1.0, "base 16", 8),
    ("ms", 1e-3, "base 16", 11),
    ("padded ms", 1e-3, "base 16", 12),
    ("µs", 1e-6, "base 16", 13),
    ("s", 1.0, "base 36", 6),
    ("ms", 1e-3, "base 36", 8),
    ("µs", 1e-6, "base 36", 10),
    ("s", 1.0, "base 62", 6),
    ("ms", 1e-3, "base 62", 7),
    ("s", 1.0, "base 62 (upper case first)", 6),
    ("ms", 1e-3, "base 62 (upper case first)", 7),
)
_GREGORIAN = 12219292800.0  # seconds from 1582-10-15, where UUID v1 and v6 begin to count, to 1970
_SNOWFLAKES = {"Twitter": 1288834974.657, "Discord": 1420070400.0, "1970": 0.0}
_DATE = re.compile(r"(20\d{6})T?(\d{6})(\d{3})?Z?")


def uuid_version(text: str) -> int | None:
    """1 to 8 in the place of a UUID's version, its variant being the usual one; 0 for another UUID; None for none."""
    if len(text) not in (32, 36) or not _WHOLE_UUID.fullmatch(text):
        return None
    bare = text.replace("-", "")
    version = int(bare[12], 16)
    return version if bare[16] in "89abAB" and 1 <= version <= 8 else 0


def number_in(text: str, alphabet: str) -> int | None:
    """The number that ``text`` writes in that alphabet; None where a character is not of it."""
    values, out = _VALUES[alphabet], 0
    for symbol in text:
        value = values.get(symbol)
        if value is None:
            return None
        out = out * len(values) + value
    return out


def times_in(text: str, written: float) -> Iterator[tuple[str, float]]:
    """Every time that the text, its head or its tail may be read as: label, epoch seconds."""
    lower = text.lower()
    for unit, seconds, alphabet, size in _TIMES:
        if len(text) < size:
            continue
        form = text if "62" in alphabet else lower
        places = {"": form} if len(text) == size else {"head ": form[:size], "tail ": form[-size:]}
        for place, part in places.items():
            value = number_in(part, alphabet)
            if value is not None:
                yield f"{place}{unit} {alphabet}", value * seconds
    yield from _time_formats(text, lower)
    date = _DATE.fullmatch(re.sub("[-:.]", "", text[:30]))
    if date:
        yield from _date(date, written)


def _time_formats(text: str, lower: str) -> Iterator[tuple[str, float]]:
    """The formats that carry a time in a place of their own."""
    version = uuid_version(text)
    if version:
        yield from _uuid_time(lower.replace("-", ""), version)
    form: tuple[str, str, int, int, float, float] | None = {
        # label, alphabet, length, bits after the time, seconds of one, epoch
        26: ("ULID", "crockford", 26, 80, 1e-3, 0.0),
        27: ("KSUID", "base 62 (upper case first)", 27, 128, 1.0, 1400000000.0),
        24: ("ObjectId", "base 16", 24, 64, 1.0, 0.0),
        20: ("xid", "base 32 hex", 20, 68, 1.0, 0.0),
    }.get(len(text))
    if form:
        label, alphabet, _, shift, seconds, epoch = form
        value = number_in(text if label == "KSUID" else lower, alphabet)
        if value is not None:
            yield label, (value >> shift) * seconds + epoch
    if len(text) == 20:
        value = number_in(text[:8], "push")
        if value is not None:
            yield "push ID", value * 1e-3
    if len(text) == 25 and text.startswith("c"):
        value = number_in(text[1:9], "base 36")
        if value is not None:
            yield "cuid", value * 1e-3
    if 15 <= len(text) <= 19 and text.isascii() and text.isdigit():
        for name, epoch in _SNOWFLAKES.items():
            yield f"Snowflake ({name})", (int(text) >> 22) * 1e-3 + epoch


def _uuid_time(bare: str, version: int) -> Iterator[tuple[str, float]]:
    if version == 1:
        yield "UUID v1", int(bare[13:16] + bare[8:12] + bare[:8], 16) * 1e-7 - _GREGORIAN
    elif version == 6:
        yield "UUID v6", int(bare[:12] + bare[13:16], 16) * 1e-7 - _GREGORIAN
    elif version == 7:
        yield "UUID v7", int(bare[:12], 16) * 1e-3


def _date(date: re.Match[str], written: float) -> Iterator[tuple[str, float]]:
    """``20251122T021500``, in whichever time zone comes nearest to the writing."""
    try:
        day = datetime.strptime(date[1] + date[2], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return
    seconds = day.timestamp() + int(date[3] or 0) * 1e-3
    zone = round((seconds - written) / 900) * 900
    if abs(zone) <= 14 * _HOUR:
        yield "date and time", seconds - zone


def snowflake(text: str, before: str, written: float) -> list[float] | None:
    """Of a Snowflake of unknown epoch: seconds since the one before, and its epoch in whole seconds."""
    if not all(15 <= len(t) <= 19 and t.isascii() and t.isdigit() for t in (text, before)):
        return None
    now, then = (int(t) >> 22 for t in (text, before))
    if abs(now - then) * 1e-3 > NEAR_S:
        return None
    return [round((now - then) * 1e-3, 1), round(written - now * 1e-3)]
