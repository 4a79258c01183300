"""Where the payloads say the session, and when a new one begins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from e2e.explore.discover import name_patterns
from e2e.explore.discover.infer.findings import Findings, Guess, SentMessages
from e2e.explore.discover.infer.store import find_store, store_of
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.values import id_likeness, last_name, leaves, masked
from e2e.explore.discover.watcher import Watcher
from e2e.framings.registry import make_decoder


@dataclass(slots=True)
class _Field:
    """One field of the payloads, and its value in each of the four messages."""

    extract: Any
    name: str
    shown: str
    values: list[str | None]


def _fields(sent: SentMessages) -> list[_Field]:
    found: dict[str, _Field] = {}

    def note(key: str, extract: Any, name: str, shown: str, number: int, value: Any) -> None:
        field = found.setdefault(key, _Field(extract, name, shown, [None] * len(sent.payloads)))
        field.values[number] = str(value)

    for number, (payload, value) in enumerate(zip(sent.payloads, sent.values, strict=True)):
        form = "form" in payload.headers.get("content-type", "") and sent.transport == "http"
        for path, leaf in leaves(value):
            if isinstance(leaf, float) or (isinstance(leaf, int) and abs(leaf) < 1000):
                continue
            extract: Any = {"form": last_name(path)} if form and "." not in path and "[" not in path else path
            note(f"json:{path}", extract, last_name(path), path, number, leaf)
        parts = urlsplit(payload.url)
        for key, text in parse_qsl(parts.query):
            note(f"query:{key}", {"query": key}, key, f"query {key}", number, text)
        for n, segment in enumerate(parts.path.split("/")):
            if id_likeness(segment) > 0.4:
                pattern = "/".join(
                    re.escape(s) if i != n else "([^/]+)"
                    for i, s in enumerate(parts.path.split("/")[: n + 1])
                )
                pattern = re.sub(r"\\-", "-", pattern)
                before = parts.path.split("/")[n - 1] if n else ""
                note(f"path:{n}", {"path": pattern}, before, f"path segment {n}", number, unquote(segment))
        if sent.transport == "http":
            for key, text in payload.headers.items():
                if (key.startswith("x-") or name_patterns.SESSION_NAME.search(key)) and key not in (
                    "x-requested-with",
                ):
                    note(f"header:{key}", {"header": key}, key, f"header {key}", number, text)
        for key, text in payload.cookies.items():
            note(f"cookie:{key}", {"cookie": key}, key, f"cookie {key}", number, unquote(text))
    return list(found.values())


def find_session(found: Findings, watcher: Watcher, sent: SentMessages, observed: Observed) -> None:
    """Infer the field of the session ID, its store, and its rotation."""
    ranked = sorted(((_rate(field, observed), field) for field in _fields(sent)), key=lambda r: -r[0][0])
    ranked = [r for r in ranked if r[0][0] >= 0.3]
    if not ranked:
        _by_connection(found, watcher, sent, observed)
        if found.session is None:
            store_of(found, [], observed)
        return
    (score, reason, kind, stored), field = ranked[0]
    connect_values = _connect_values(watcher, sent)
    if isinstance(field.extract, dict) and "cookie" in field.extract:
        same = next((path for path, values in connect_values.items() if values == field.values), None)
        if same is not None:
            field = _Field({"connection": same}, same, f"connect message, {same}", field.values)
            reason += "; also in the connect message"
    others = [f"{p.shown} ({rate[0]:.2f}: {rate[1]})" for rate, p in ranked[1:4] if rate[0] >= score - 0.1]
    found.session = Guess(field.extract, round(min(score, 0.99), 2), reason, others)
    if others and ranked[1][0][0] >= score - 0.02 and ranked[1][1].values != field.values:
        found.questions.append(
            f"two fields are equally likely to be the session ID: {field.shown} and {others[0]}. The first was taken."
        )
    found.store = stored
    values = field.values
    if kind == "constant":
        found.suspected_fault = (
            f"{field.shown} was the same in both chats: "
            "either it is not a session ID, or New Chat does not start a new session"
        )
    elif kind == "stale":
        found.suspected_fault = (
            f"{field.shown} stayed the same after New Chat, although the value was no longer stored: "
            "the page seems to continue an ended session"
        )
    store_of(found, values, observed)
    _rotation(found, kind, values, observed)


def _rate(field: _Field, observed: Observed) -> tuple[float, str, str, Guess | None]:
    """``(score, reason, kind, store)`` of a field as the session ID."""
    v = field.values
    if len(v) < 4:
        return 0.0, "", "", None
    one, two, three, four = v[:4]
    name = 0.12 if name_patterns.SESSION_NAME.search(field.name) else 0.0
    name -= 0.15 if name_patterns.OTHER_ID_NAME.search(field.name) else 0.0
    if one is None and three is None and two and four and two != four and id_likeness(two) > 0.4:
        store = find_store([(two, observed.turns[1].before), (four, observed.turns[3].before)])
        return (
            0.62 + name + (0.2 if store else 0),
            "issued with the first reply: the first message of each chat has none",
            "server",
            store,
        )
    if not one or one != two or not three or three != four:
        return 0.0, "", "", None
    looks = id_likeness(one)
    kept = find_store([(one, observed.turns[0].after)])
    # A word that is stored, and sent under the name of a session, is a badly made ID.
    if looks < 0.3 and not (
        len(one) >= 4 and kept is not None and name_patterns.SESSION_NAME.search(field.name)
    ):
        return 0.0, "", "", None
    if one != three:
        store = find_store([(one, observed.turns[0].after), (three, observed.turns[2].after)])
        score = 0.45 + 0.15 * looks + name + (0.3 if store else 0.0)
        reason = f"the same in both messages of a chat, different in the other chat ({masked(one)}, {masked(three)})"
        if store:
            reason += ", and stored"
        return score, reason, "rotates", store
    store = find_store([(one, observed.turns[1].after)])
    if store is not None:
        later = find_store([(one, observed.turns[3].before)])
        if later is None:
            return (
                0.5 + name + 0.15 * looks,
                f"stored before New Chat ({masked(one)}), and still sent after it",
                "stale",
                store,
            )
        return (
            0.25 + name + 0.1 * looks,
            "the same value in both chats, and stored throughout",
            "constant",
            store,
        )
    return 0.05 + name + 0.1 * looks, "the same value in both chats", "constant", None


def _by_connection(found: Findings, watcher: Watcher, sent: SentMessages, observed: Observed) -> None:
    """An ID that only the connect message of a connection carries, once for all messages on it."""
    if sent.transport != "websocket":
        return
    rated: list[tuple[float, str, str, str]] = []
    for field, values in _connect_values(watcher, sent).items():
        one, two, three, four = values[:4]
        if one and three and one == two and three == four and one != three:
            name = 0.15 if name_patterns.SESSION_NAME.search(last_name(field)) else 0.0
            rated.append((0.6 + name, field, one, three))
    if rated:
        rate, field, one, three = max(rated)
        reason = (
            f"in the connect message before each chat, different each time ({masked(one)}, {masked(three)})"
        )
        found.session = Guess({"connection": field}, rate, reason)
        found.store = find_store([(one, observed.turns[0].after), (three, observed.turns[2].after)])
        store_of(found, [one, one, three, three], observed)
        _rotation(found, "rotates", [one, one, three, three], observed)


def _connect_values(watcher: Watcher, sent: SentMessages) -> dict[str, list[str | None]]:
    """Path -> its last value in earlier payloads of the connection, at each of the four messages; only values like IDs."""
    if sent.transport != "websocket":
        return {}
    path = urlsplit(sent.payloads[0].url).path
    latest: dict[str, str] = {}
    at_turn: list[dict[str, str]] = []
    waiting = list(sent.payloads)
    for payload in sorted(watcher.payloads, key=lambda p: p.t):
        if waiting and payload is waiting[0]:
            at_turn.append(dict(latest))
            waiting.pop(0)
        elif urlsplit(payload.url).path == path and payload.body:
            for message in make_decoder(sent.framing).decode(payload.body, True):
                latest |= {field: str(v) for field, v in leaves(message.value) if id_likeness(v) > 0.5}
    if len(at_turn) < 4:
        return {}
    return {field: [at.get(field) for at in at_turn] for field in at_turn[0]}


def _rotation(found: Findings, kind: str, values: Sequence[str | None], observed: Observed) -> None:
    if kind == "server":
        found.rotation = Guess(
            "on_first_reply", 0.9, "the first message of each chat had no ID, the second one had"
        )
    elif (
        kind == "rotates"
        and found.store is not None
        and found.store.value["store"] != "none"
        and observed.clicked is not None
    ):
        third = values[2] or ""
        at_click = find_store([(third, observed.clicked)]) or find_store([(third, observed.turns[2].before)])
        if at_click is not None:
            found.rotation = Guess(
                "on_click", 0.95, "the new ID was stored after New Chat, before the first message"
            )
        else:
            found.rotation = Guess("on_first_message", 0.9, "the new ID was stored with the first message")
