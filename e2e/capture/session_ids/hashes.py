"""Whether an ID is a hash of something known: a second, a counter, a text."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import md5, sha1, sha256, sha512

_ALGORITHMS = {"md5": md5, "sha1": sha1, "sha256": sha256, "sha512": sha512}
_Table = dict[bytes, tuple[str, bytes]]
_LATE, _EARLY = 5, 1  # whole seconds before and after the writing in which a hashed time is looked for


def hashes_of(text: str, written: float, prefix: str, known: Mapping[str, str]) -> list[str]:
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
