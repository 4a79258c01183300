"""What a session ID is made of, told without the ID: features to judge a pattern by, written down instead of the secret.

Of a random ID the features hold lengths, classes of characters, separators and keyed hashes. Numbers (a time's distance from the
writing, a counter's step) appear only where an ID came so near to a time or to its forerunner that it was no secret.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import md5, sha1, sha256, sha512
from typing import Any

from e2e.capture.session_ids.identity import wordy_prefix

VERSION = 1

Reference = Callable[[str], str]

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_TOKEN = re.compile(rf"(?<![0-9A-Za-z]){_UUID}(?![0-9A-Za-z])|[0-9A-Za-z]+")
_WHOLE_UUID = re.compile(rf"{_UUID}|[0-9a-fA-F]{{32}}")
_WORD_NUMBER = re.compile(r"([A-Za-z]+)([0-9]+)")
_SEPARATORS = frozenset("-_.:~/|+=@ ,;#")
_CLASSES = (
    ("0", frozenset("0123456789")),
    ("a", frozenset("abcdef")),
    ("g", frozenset("ghijklmnopqrstuvwxyz")),
    ("A", frozenset("ABCDEF")),
    ("G", frozenset("GHIJKLMNOPQRSTUVWXYZ")),
    ("u", frozenset("-_")),
    ("b", frozenset("+/")),
    ("=", frozenset("=")),
)
_PLAIN = frozenset().union(*(members for _, members in _CLASSES))
_TOKENS = 8  # an ID with more parts is told by its first ones and as a whole
_POSITIONS = 64
_NEAR = 600.0  # seconds: a server's clock may be off by some; what is further away is no time of this writing
_STEP = 1000  # a larger step between two IDs would tell one from the other
_HOUR = 3600.0

_LOWER36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_BASE32HEX = _LOWER36[:32]
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


def features(
    session_id: str,
    written: float,
    previous: str | None,
    reference: Reference,
    known: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """JSON-able features of one ID.

    ``written``: epoch seconds of its writing. ``previous``: the ID before it in the same lane. ``known``: texts that an ID might be a
    hash of, by name (``{"the user agent": "Mozilla/…"}``). ``reference``: a keyed hash, for equality only; it also gets parts of IDs
    and single characters, so it must not be one that remembers what it saw, as `Redactor.reference` does.

    Per position a keyed hash of the symbol is kept. Who knows many IDs of the very same run can learn from it which of their symbols
    another ID shares; who knows none learns nothing.
    """
    pieces = _pieces(session_id)
    before = _pieces(previous) if previous else {}
    tokens, gaps = _tokens(session_id)
    out: dict[str, Any] = {
        "version": VERSION,
        "written": round(written, 1),
        "length": len(session_id),
        "ref": reference(session_id),
        "tokens": len(tokens),
        "gaps": gaps[: _TOKENS + 1],
        "symbols": [reference(f"{i}:{symbol}")[-4:] for i, symbol in enumerate(session_id[:_POSITIONS])],
        "pieces": {
            key: _piece(text, before.get(key), written, reference, wordy_prefix(session_id), known or {})
            for key, text in pieces.items()
        },
    }
    jwt = _jwt(session_id, written)
    if jwt:
        out["jwt"] = jwt
    return out


def _tokens(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Spans of the words, and what stands before, between and after them (a character out of the ordinary as ``?``)."""
    spans = [match.span() for match in _TOKEN.finditer(text)]
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    gaps = [text[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2)]
    return spans, ["".join(c if c in _SEPARATORS else "?" for c in gap[:3]) for gap in gaps]


def _pieces(text: str) -> dict[str, str]:
    """Every way to cut an ID that the analysis may choose from, once it has seen all of them.

    ``whole``; ``0``, ``1``… the words; ``1+`` all from the second word on; ``-1`` the last word, ``..-1`` all before it;
    ``0w`` and ``0n`` the letters and the number of a word like ``chat12``.
    """
    spans, _ = _tokens(text)
    out = {"whole": text}
    for i, (start, end) in enumerate(spans[:_TOKENS]):
        out[str(i)] = text[start:end]
        number = _WORD_NUMBER.fullmatch(text[start:end])
        if number:
            out[f"{i}w"], out[f"{i}n"] = number.groups()
    if len(spans) > 1:
        out.update({f"{k}+": text[spans[k][0] :] for k in range(1, min(len(spans), 4))})
        out["-1"] = text[spans[-1][0] : spans[-1][1]]
        out["..-1"] = text[: spans[-2][1]]
    return out


def _piece(
    text: str, before: str | None, written: float, reference: Reference, prefix: str, known: Mapping[str, str]
) -> dict[str, Any]:
    out: dict[str, Any] = {"ref": reference(text), "length": len(text), "has": _has(text)}
    found: dict[str, Any] = {
        "uuid": _uuid_version(text),
        "time": [
            [label, round(seconds - written, 1)]
            for label, seconds in _times(text, written)
            if abs(seconds - written) <= _NEAR
        ],
        "step": _steps(text, before) if before else {},
        "flake": _flake(text, before, written) if before else None,
        "hash": _hashes(text, written, prefix, known),
    }
    return out | {key: value for key, value in found.items() if value not in (None, [], {})}


def _has(text: str) -> str:
    symbols = set(text)
    return "".join(name for name, members in _CLASSES if symbols & members) + (
        "?" if symbols - _PLAIN else ""
    )


def _uuid_version(text: str) -> int | None:
    """1 to 8 in the place of a UUID's version, its variant being the usual one; 0 for another UUID; None for none."""
    if len(text) not in (32, 36) or not _WHOLE_UUID.fullmatch(text):
        return None
    bare = text.replace("-", "")
    version = int(bare[12], 16)
    return version if bare[16] in "89abAB" and 1 <= version <= 8 else 0


def _number(text: str, alphabet: str) -> int | None:
    values, out = _VALUES[alphabet], 0
    for symbol in text:
        value = values.get(symbol)
        if value is None:
            return None
        out = out * len(values) + value
    return out


def _times(text: str, written: float) -> Iterator[tuple[str, float]]:
    """Every time that the text, its head or its tail may be read as: label, epoch seconds."""
    lower = text.lower()
    for unit, seconds, alphabet, size in _TIMES:
        if len(text) < size:
            continue
        form = text if "62" in alphabet else lower
        places = {"": form} if len(text) == size else {"head ": form[:size], "tail ": form[-size:]}
        for place, part in places.items():
            value = _number(part, alphabet)
            if value is not None:
                yield f"{place}{unit} {alphabet}", value * seconds
    yield from _time_formats(text, lower)
    date = _DATE.fullmatch(re.sub("[-:.]", "", text[:30]))
    if date:
        yield from _date(date, written)


def _time_formats(text: str, lower: str) -> Iterator[tuple[str, float]]:
    """The formats that carry a time in a place of their own."""
    version = _uuid_version(text)
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
        value = _number(text if label == "KSUID" else lower, alphabet)
        if value is not None:
            yield label, (value >> shift) * seconds + epoch
    if len(text) == 20:
        value = _number(text[:8], "push")
        if value is not None:
            yield "push ID", value * 1e-3
    if len(text) == 25 and text.startswith("c"):
        value = _number(text[1:9], "base 36")
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


def _steps(text: str, before: str) -> dict[str, int]:
    """By base, how far the number is from the one before. Only small steps: a large one would tell one ID from the other."""
    out = {}
    if max(len(text), len(before)) <= 20 and abs(len(text) - len(before)) <= 1:
        for base in ("10", "16", "36"):
            now, then = (_number(t.lower(), f"base {base}") for t in (text, before))
            if now is not None and then is not None and abs(now - then) <= _STEP:
                out[base] = now - then
    return out


def _flake(text: str, before: str, written: float) -> list[float] | None:
    """Of a Snowflake of unknown epoch: seconds since the one before, and its epoch in whole seconds."""
    if not all(15 <= len(t) <= 19 and t.isascii() and t.isdigit() for t in (text, before)):
        return None
    now, then = (int(t) >> 22 for t in (text, before))
    if abs(now - then) * 1e-3 > _NEAR:
        return None
    return [round((now - then) * 1e-3, 1), round(written - now * 1e-3)]


def _jwt(text: str, written: float) -> dict[str, Any] | None:
    """Algorithm, standard claims and age of a JSON web token; nothing of what it says."""
    parts = text.split(".")
    if len(parts) != 3 or not parts[0].startswith("ey"):
        return None
    header, claims = _json(parts[0]), _json(parts[1])
    if header is None or claims is None or not re.fullmatch(r"[A-Za-z0-9]{2,8}", str(header.get("alg"))):
        return None
    out: dict[str, Any] = {
        "alg": header["alg"],
        "claims": [
            name for name in ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid") if name in claims
        ],
    }
    issued = claims.get("iat")
    if isinstance(issued, int | float) and abs(issued - written) <= _NEAR:
        out["issued"] = round(issued - written, 1)
    return out


def _json(part: str) -> dict[str, Any] | None:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


_ALGORITHMS = {"md5": md5, "sha1": sha1, "sha256": sha256, "sha512": sha512}
_Table = dict[bytes, tuple[str, bytes]]
_LATE, _EARLY = 5, 1  # whole seconds before and after the writing in which a hashed time is looked for


def _hashes(text: str, written: float, prefix: str, known: Mapping[str, str]) -> list[str]:
    """What the text is a hash of, whole or cut to 8 or more of hexadecimal or base64: ``sha256 of the time in ms``."""
    start = _first_bytes(text)
    if not start:
        return []
    tables = [_second(s) for s in range(int(written) - _LATE, int(written) + _EARLY + 1)]
    tables += [_counters(""), _texts(tuple(sorted(known.items())))]
    if prefix:
        tables.append(_counters(prefix))
    out = set()
    for head in start:
        for table in tables:
            label, digest = table.get(head, ("", b""))
            if label and _is_of(text, digest):
                out.add(label)
    return sorted(out)


def _first_bytes(text: str) -> list[bytes]:
    """Four bytes to look a digest up by, as hexadecimal and as base64."""
    out = []
    if re.fullmatch(r"[0-9a-f]{8,128}|[0-9A-F]{8,128}", text):
        out.append(bytes.fromhex(text[:8]))
    if re.fullmatch(r"[-\w+/]{8,88}={0,2}", text, re.ASCII):
        out.append(base64.b64decode(text[:8].replace("-", "+").replace("_", "/"))[:4])
    return out


def _is_of(text: str, digest: bytes) -> bool:
    coded = base64.b64encode(digest).decode()
    return digest.hex().startswith(text.lower()) or coded.startswith(text.replace("-", "+").replace("_", "/"))


def _table(candidates: Iterator[tuple[str, str]], algorithms: tuple[str, ...]) -> _Table:
    out: _Table = {}
    for what, text in candidates:
        for name in algorithms:
            digest = _ALGORITHMS[name](text.encode()).digest()
            out[digest[:4]] = (f"{name} of {what}", digest)
    return out


@lru_cache(maxsize=64)
def _second(second: int) -> _Table:
    """Hashes of the times within one second: 3,000, made once for all IDs of that second."""
    times = [("the time in s", str(second))]
    times += [("the time in ms", str(second * 1000 + ms)) for ms in range(1000)]
    return _table(iter(times), ("md5", "sha1", "sha256"))


@lru_cache(maxsize=8)
def _counters(prefix: str) -> _Table:
    what = "its prefix and a small counter" if prefix else "a small counter"
    forms = (prefix, prefix[:-1]) if prefix else ("",)
    numbers = ((what, f"{form}{number}") for form in forms for number in range(1000))
    return _table(numbers, ("md5", "sha1", "sha256"))


@lru_cache(maxsize=8)
def _texts(known: tuple[tuple[str, str], ...]) -> _Table:
    return _table(iter(known), tuple(_ALGORITHMS))
