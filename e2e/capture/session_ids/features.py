"""What a session ID is made of, described without the ID: features to judge a pattern by, written down instead of the secret.

Of a random ID the features hold lengths, classes of characters, separators and keyed hashes. Numbers (a time's distance from the
writing, a counter's step) appear only where an ID came so near to a time or to its forerunner that it was no secret.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from e2e.capture.session_ids.hashes import hashes_of
from e2e.capture.session_ids.identity import word_prefix
from e2e.capture.session_ids.times import NEAR_S, UUID, number_in, snowflake, times_in, uuid_version
from e2e.records.shape import is_number

VERSION = 1
Reference = Callable[[str], str]
_TOKEN = re.compile(rf"(?<![0-9A-Za-z]){UUID}(?![0-9A-Za-z])|[0-9A-Za-z]+")
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
_TOKENS = 8  # an ID with more parts is described by its first ones and as a whole
_POSITIONS = 64
_STEP = 1000  # a larger step between two IDs would reveal one from the other


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
            key: _piece(text, before.get(key), written, reference, word_prefix(session_id), known or {})
            for key, text in pieces.items()
        },
    }
    jwt = _jwt(session_id, written)
    if jwt:
        out["jwt"] = jwt
    return out


def _tokens(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Spans of the words, and what is before, between and after them (a character out of the ordinary as ``?``)."""
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
        "uuid": uuid_version(text),
        "time": [
            [label, round(seconds - written, 1)]
            for label, seconds in times_in(text, written)
            if abs(seconds - written) <= NEAR_S
        ],
        "step": _steps(text, before) if before else {},
        "flake": snowflake(text, before, written) if before else None,
        "hash": hashes_of(text, written, prefix, known),
    }
    return out | {key: value for key, value in found.items() if value not in (None, [], {})}


def _has(text: str) -> str:
    symbols = set(text)
    return "".join(name for name, members in _CLASSES if symbols & members) + (
        "?" if symbols - _PLAIN else ""
    )


def _steps(text: str, before: str) -> dict[str, int]:
    """By base, how far the number is from the one before. Only small steps: a large one would reveal one ID from the other."""
    out = {}
    if max(len(text), len(before)) <= 20 and abs(len(text) - len(before)) <= 1:
        for base in ("10", "16", "36"):
            now, then = (number_in(t.lower(), f"base {base}") for t in (text, before))
            if now is not None and then is not None and abs(now - then) <= _STEP:
                out[base] = now - then
    return out


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
    if is_number(issued) and abs(issued - written) <= NEAR_S:
        out["issued"] = round(issued - written, 1)
    return out


def _json(part: str) -> dict[str, Any] | None:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
