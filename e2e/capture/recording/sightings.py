"""Where a session ID is besides the place that the profile names: in the traffic of a page, or in its stores.

A rule that never finds an ID is either a wrong profile (the ID is elsewhere) or a wrong product (it is nowhere).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from e2e.capture.network.traffic import Seen
from e2e.capture.session_ids.identity import canonical, hidden_in

_SHORT = 6  # characters: such an ID is in many places by chance
_LONG = 8  # from here on it is an ID too where it is a part of a text
_NO_PLACE = ("referer", "origin", "cookie", "user-agent", "content-length", "content-type", "accept", "host")
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Sighting:
    """An ID at a place."""

    session: str
    place: str
    """``header x-thread``"""
    toml: str
    """The same as the profile writes it: ``{ header = "x-thread" }``."""
    url: str
    form: str
    """How it was encoded there, or ``""``."""


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    toml: str
    value: str


def find_in_traffic(ids: Sequence[str], requests: Iterable[Seen]) -> Sighting | None:
    """The first place that has one of ``ids``. A short ID must be joined there by another: one alone is chance."""
    found: dict[str, dict[str, Sighting]] = defaultdict(dict)
    for seen in requests:
        for place in _places(seen):
            for session in ids:
                form = form_in(place.value, session)
                if form is not None:
                    sighting = Sighting(session, place.name, place.toml, seen.url, form)
                    found[place.name].setdefault(session, sighting)
    return _credible(found)


def find_in_values(ids: Sequence[str], values: Mapping[str, Mapping[str, str]]) -> Sighting | None:
    """The same in what a page stores: store -> key -> value."""
    found: dict[str, dict[str, Sighting]] = defaultdict(dict)
    for store, entries in values.items():
        for key, value in entries.items():
            for path, leaf in _leaves_of_text(value):
                for session in ids:
                    form = form_in(leaf, session)
                    if form is not None:
                        where = {"store": store, "key": key, **({"id": path} if path else {})}
                        entry = ", ".join(f"{k} = {json.dumps(v)}" for k, v in where.items())
                        toml = f"session = {{ {entry} }}"
                        name = f"{store} under {key!r}" + (f" at {path}" if path else "")
                        found[name].setdefault(session, Sighting(session, name, toml, "", form))
    return _credible(found)


def _credible(found: Mapping[str, Mapping[str, Sighting]]) -> Sighting | None:
    for by_id in found.values():
        if len(by_id) > 1 or any(len(session) >= _SHORT for session in by_id):
            return next(iter(by_id.values()))
    return None


def form_in(value: str, session: str) -> str | None:
    """How ``session`` is in ``value``, ``""`` for as it is; None when it does not."""
    plain, form = canonical(value)
    if plain == session:
        return form
    if len(session) < _SHORT:
        return None
    if len(session) >= _LONG and session in plain:
        return "inside a longer text"
    bare = session.replace("-", "")
    if len(bare) >= _LONG and bare in plain:
        return "without its dashes"
    tokens = [plain, *plain.split()[1:]]
    if any(session in hidden for token in tokens for hidden in (*hidden_in(token), *_base64_texts(token))):
        return "in base64"
    if len(session) >= _LONG and bare.lower() in plain.replace("-", "").lower():
        return "in other letters (upper or lower case)"
    if len(session) >= _LONG and session.encode().hex() in plain.lower():
        return "in hexadecimal digits"
    return None


def _base64_texts(token: str) -> Iterator[str]:
    bare = token.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        yield base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return


def _places(seen: Seen) -> Iterator[_Place]:
    for name, value in seen.headers.items():
        if name.lower() not in _NO_PLACE and not name.startswith(":"):
            yield _Place(f"header {name.lower()}", _toml("header", name.lower()), value)
    parts = urlsplit(seen.url)
    for name, value in parse_qsl(parts.query):
        yield _Place(f"query parameter {name}", _toml("query", name), value)
    segments = parts.path.split("/")
    for n, segment in enumerate(segments):
        if segment:
            pattern = "/".join([*map(re.escape, segments[max(0, n - 2) : n]), "([^/]+)"])
            yield _Place("the URL's path", _toml("path", pattern), unquote(segment))
    if parts.fragment:
        yield _Place("the URL's fragment", _toml("url", "#(.+)$"), parts.fragment)
    if seen.body is None or not seen.body.text:
        return
    value = seen.value
    where = "frame" if seen.method == "SEND" else "body"
    form = "form" if isinstance(value, dict) and seen.body.text.lstrip()[:1] not in ("{", "[") else ""
    leaves = list(_leaves(value)) if value is not None else []
    for path, leaf in leaves:
        toml = _toml("form", path) if form else _toml("json", path)
        yield _Place(f"{where} {path}", toml, leaf)
    yield _Place(f"the text of the {where}", "", seen.body.text)


def _leaves(value: Any, path: str = "", depth: int = 12) -> Iterator[tuple[str, str]]:
    """``(JMESPath, text)`` of every text and number; JSON in a string is opened too."""
    if depth == 0:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            step = name if _PLAIN_NAME.fullmatch(name) else json.dumps(name)
            yield from _leaves(inner, f"{path}.{step}" if path else step, depth - 1)
    elif isinstance(value, list):
        for n, inner in enumerate(value[:200]):
            yield from _leaves(inner, f"{path}[{n}]", depth - 1)
    elif isinstance(value, str):
        yield from _leaves_of_text(value, path, depth - 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, str(value)


def _leaves_of_text(text: str, path: str = "", depth: int = 12) -> Iterator[tuple[str, str]]:
    for form in (text, unquote(text)):
        if form.lstrip()[:1] in ("{", "["):
            try:
                yield from _leaves(json.loads(form), path, depth)
                return
            except (ValueError, RecursionError):
                continue
    yield path, text


def _toml(place: str, value: str) -> str:
    return f"{{ {place} = {json.dumps(value)} }}"
