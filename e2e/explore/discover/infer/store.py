"""Infers where the page stores the session ID: the store whose value was sent."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from e2e.capture.network.bodies.event_reader import as_json
from e2e.explore.discover import name_patterns
from e2e.explore.discover.infer.findings import Findings, Guess
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.values import id_likeness, leaves
from e2e.explore.discover.watcher import Stores


def changed_values(observed: Observed) -> list[tuple[str, str, str]]:
    """``(place, value in the first chat, value in the second)``: what New Chat changed in the stores and the address.

    Only values that look like IDs, that were constant while each chat went on, and that no message is part of.
    """
    chats = [[t for t in observed.turns if t.chat == n and not t.reloaded] for n in (0, 1)]
    if len(chats[0]) < 2 or not chats[1]:
        return []
    held = [
        [_values(moment) for moment in (chat[0].after, chat[-1].after) if moment is not None]
        for chat in chats
    ]
    nonces = [turn.nonce for turn in observed.turns]
    found = []
    for place, one in (held[0][0] if held[0] else {}).items():
        if not all(h.get(place) == one for h in held[0]):
            continue
        two = held[1][0].get(place) if held[1] else None
        if two is None or two == one or not all(h.get(place) == two for h in held[1]):
            continue
        if id_likeness(one) > 0.4 and not any(n in text for n in nonces for text in (one, two)):
            found.append((place, one, two))
    return sorted(found, key=lambda f: not name_patterns.SESSION_NAME.search(f[0]))


def replaced_values(observed: Observed) -> list[tuple[str, str, str]]:
    """``(place, first value, next value)``: what each reply replaced in the stores, under the name of a session.

    A page that stores the ID of each reply's session and never sends it back gets a new session for each message.
    """
    chat = [t for t in observed.turns if t.chat == 0 and not t.reloaded and t.after is not None]
    held = [_values(turn.after) for turn in chat if turn.after is not None]
    found = []
    for place, one in (held[0] if len(held) > 1 else {}).items():
        values = [h[place] for h in held if place in h]
        all_new = len(set(values)) == len(held) and min(map(id_likeness, values)) > 0.4
        of_message = name_patterns.OTHER_ID_NAME.search(place)  # such as chat.lastMessageId
        quoted = any(turn.nonce in text for turn in observed.turns for text in values)
        if all_new and name_patterns.SESSION_NAME.search(place) and not of_message and not quoted:
            found.append((place, one, values[1]))
    return found


def _values(stores: Stores) -> dict[str, str]:
    """Place -> value of everything that is stored; JSON is opened."""
    found: dict[str, str] = {}
    areas = (
        ("localStorage", stores.local),
        ("sessionStorage", stores.session),
        ("cookie", stores.cookies),
        ("IndexedDB", stores.records),
    )
    for area, entries in areas:
        for key, text in entries.items():
            parsed = as_json(unquote(text)) if unquote(text)[:1] in ("{", "[") else None
            if parsed is None:
                found[f"{area} {key!r}"] = unquote(text).strip('"')
            else:
                found |= {f"{area} {key!r}, {path}": str(leaf) for path, leaf in leaves(parsed)}
    parts = urlsplit(stores.address)
    for n, segment in enumerate(parts.path.split("/")):
        if segment:
            found[f"the page's address, segment {n}"] = unquote(segment)
    for key, text in parse_qsl(parts.query):
        found[f"the page's address, {key}"] = text
    if parts.fragment:
        found["the page's address, fragment"] = parts.fragment
    return found


def find_store(wanted: Sequence[tuple[str, Stores | None]]) -> Guess | None:
    """The ``[session]`` table of a profile that reads every ``(value, stores)``; None: there is none."""
    per_moment: list[dict[str, dict[str, Any]]] = []
    for value, stores in wanted:
        if stores is None:
            return None
        per_moment.append({_store_key(t): t for t in _tables(value, stores)})
    common = [key for key in per_moment[0] if all(key in other for other in per_moment[1:])]
    if common:
        table = per_moment[0][min(common, key=_store_rank)]
        return Guess(table, 0.95, f"its value was sent ({len(wanted)} of {len(wanted)} times)")
    by_pattern = [{_pattern_key(t): t for t in moment.values() if "key" in t} for moment in per_moment]
    shared = [key for key in by_pattern[0] if key and all(key in other for other in by_pattern[1:])]
    if shared:
        table = dict(by_pattern[0][shared[0]])
        pattern = _key_pattern([str(moment[shared[0]]["key"]) for moment in by_pattern])
        del table["key"]
        return Guess(
            {**table, "key_pattern": pattern}, 0.85, "each chat has its own key, and its value was sent"
        )
    return None


def _tables(value: str, stores: Stores) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    areas: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"store": "localStorage"}, stores.local),
        ({"store": "sessionStorage"}, stores.session),
        ({"store": "cookie"}, stores.cookies),
    ]
    for table, area in areas:
        for key, text in area.items():
            found += [{**table, "key": key, **inside} for inside in _inside(value, text)]
    for key, text in stores.records.items():
        database, store, record = json.loads(key)
        table = {"store": "indexedDB", "database": database, "object_store": store, "key": record}
        found += [{**table, **inside} for inside in _inside(value, text)]
    if len(value) >= 6 and value in unquote(stores.address):
        before = unquote(stores.address).split(value, 1)[0]
        lead = re.escape(
            before[
                max(
                    before.rfind("/", 0, len(before) - 1),
                    before.rfind("?"),
                    before.rfind("#"),
                    before.rfind("&"),
                    0,
                ) :
            ]
        ).replace(r"\-", "-")
        found.append({"store": "url", "regex": f"{lead}([^/?&#]+)"})
    return found


def _inside(value: str, text: str) -> list[dict[str, Any]]:
    if text in (value, f'"{value}"') or unquote(text) == value:
        return [{}]
    for form in (text, unquote(text)):
        try:
            parsed = json.loads(form)
        except ValueError:
            continue
        paths = [path for path, leaf in leaves(parsed) if str(leaf) == value]
        if paths:
            return [{"id": min(paths, key=lambda p: (p.count("["), len(p)))}]
        if isinstance(parsed, dict | list):
            return []
    return []


def _store_key(table: dict[str, Any]) -> str:
    return json.dumps(table, sort_keys=True)


def _store_rank(key: str) -> tuple[int, int]:
    table = json.loads(key)
    order = ("localStorage", "sessionStorage", "indexedDB", "cookie", "url")
    return order.index(table["store"]), len(key)


def _pattern_key(table: dict[str, Any]) -> str:
    stem = re.split(r"[0-9a-f]{6,}|\d{3,}|[A-Za-z0-9_-]{16,}", str(table["key"]))[0]
    return json.dumps([table["store"], stem, table.get("id")]) if stem and stem != table["key"] else ""


def _key_pattern(keys: Sequence[str]) -> str:
    stem = keys[0]
    for key in keys[1:]:
        while not key.startswith(stem):
            stem = stem[:-1]
    stem = re.sub(r"[0-9a-fA-F]+$", "", stem) or stem
    return "^" + re.escape(stem).replace(r"\-", "-")


def store_of(found: Findings, values: Sequence[str | None], observed: Observed) -> None:
    """If no stored value was sent, propose no store, and ask about keys with such a name."""
    if found.store is not None:
        return
    last = observed.turns[-1].after if observed.turns else None
    hints = [k for k in (last.local if last else {}) if name_patterns.SESSION_NAME.search(k)]
    why = "no sent value was found in localStorage, sessionStorage, cookies, IndexedDB or the URL"
    found.store = Guess({"store": "none"}, 0.6, why, [f"localStorage {k}" for k in hints[:3]])
    if hints and values:
        found.questions.append(
            f"is the session stored in localStorage {hints[0]!r}? Its value was not found in any payload."
        )
