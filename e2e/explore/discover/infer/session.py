"""Where the payloads say the session, and when a new one begins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from e2e.capture.network.decoders import make_decoder
from e2e.explore.discover import words
from e2e.explore.discover.infer.common import Findings, Guess, Sending
from e2e.explore.discover.infer.store import find_store, store_of
from e2e.explore.discover.said import Said
from e2e.explore.discover.values import last_name, leaves, likeness, masked
from e2e.explore.discover.watch import Watcher


@dataclass(slots=True)
class _Place:
    """One place of the payloads and what stood there in the four messages."""

    extract: Any
    name: str
    shown: str
    values: list[str | None]


def _places(sending: Sending) -> list[_Place]:
    found: dict[str, _Place] = {}

    def note(key: str, extract: Any, name: str, shown: str, number: int, value: Any) -> None:
        place = found.setdefault(key, _Place(extract, name, shown, [None] * len(sending.payloads)))
        place.values[number] = str(value)

    for number, (payload, value) in enumerate(zip(sending.payloads, sending.values, strict=True)):
        form = "form" in payload.headers.get("content-type", "") and sending.transport == "http"
        for path, leaf in leaves(value):
            if isinstance(leaf, float) or (isinstance(leaf, int) and abs(leaf) < 1000):
                continue
            extract: Any = {"form": last_name(path)} if form and "." not in path and "[" not in path else path
            note(f"json:{path}", extract, last_name(path), path, number, leaf)
        parts = urlsplit(payload.url)
        for key, text in parse_qsl(parts.query):
            note(f"query:{key}", {"query": key}, key, f"query {key}", number, text)
        for n, segment in enumerate(parts.path.split("/")):
            if likeness(segment) > 0.4:
                pattern = "/".join(
                    re.escape(s) if i != n else "([^/]+)"
                    for i, s in enumerate(parts.path.split("/")[: n + 1])
                )
                pattern = re.sub(r"\\-", "-", pattern)
                before = parts.path.split("/")[n - 1] if n else ""
                note(f"path:{n}", {"path": pattern}, before, f"path segment {n}", number, unquote(segment))
        if sending.transport == "http":
            for key, text in payload.headers.items():
                if (key.startswith("x-") or words.SESSION_NAME.search(key)) and key not in (
                    "x-requested-with",
                ):
                    note(f"header:{key}", {"header": key}, key, f"header {key}", number, text)
        for key, text in payload.cookies.items():
            note(f"cookie:{key}", {"cookie": key}, key, f"cookie {key}", number, unquote(text))
    return list(found.values())


def find_session(found: Findings, watcher: Watcher, sending: Sending, said: Said) -> None:
    """The place of the session's ID, its store, and when it rotates."""
    ranked = sorted(((_rate(place, said), place) for place in _places(sending)), key=lambda r: -r[0][0])
    ranked = [r for r in ranked if r[0][0] >= 0.3]
    if not ranked:
        _by_connection(found, watcher, sending, said)
        if found.session is None:
            store_of(found, [], said)
        return
    (score, why, kind, stored), place = ranked[0]
    said_once = _said_once(watcher, sending)
    if isinstance(place.extract, dict) and "cookie" in place.extract:
        same = next((path for path, values in said_once.items() if values == place.values), None)
        if same is not None:
            place = _Place({"connection": same}, same, f"connect message, {same}", place.values)
            why += "; the page itself says it in the connect message"
    others = [f"{p.shown} ({rate[0]:.2f}: {rate[1]})" for rate, p in ranked[1:4] if rate[0] >= score - 0.1]
    found.session = Guess(place.extract, round(min(score, 0.99), 2), why, others)
    if others and ranked[1][0][0] >= score - 0.02 and ranked[1][1].values != place.values:
        found.questions.append(
            f"two places are as likely to be the session ID: {place.shown}, and {others[0]}. The first was taken."
        )
    found.store = stored
    values = place.values
    if kind == "constant":
        found.suspicion = (
            f"{place.shown} was the same in both chats: "
            "either it is no session ID, or New Chat does not begin a session of its own"
        )
    elif kind == "stale":
        found.suspicion = (
            f"{place.shown} stayed the same after New Chat, although the store no longer held that value: "
            "it looks as if the page goes on with an ended session"
        )
    store_of(found, values, said)
    _rotation(found, kind, values, said)


def _rate(place: _Place, said: Said) -> tuple[float, str, str, Guess | None]:
    """``(score, why, kind, store)`` of a place as the session's."""
    v = place.values
    if len(v) < 4:
        return 0.0, "", "", None
    one, two, three, four = v[:4]
    name = 0.12 if words.SESSION_NAME.search(place.name) else 0.0
    name -= 0.15 if words.OTHER_ID_NAME.search(place.name) else 0.0
    if one is None and three is None and two and four and two != four and likeness(two) > 0.4:
        store = find_store([(two, said.turns[1].before), (four, said.turns[3].before)])
        return (
            0.62 + name + (0.2 if store else 0),
            "given with the first reply: the first message of each chat has none",
            "server",
            store,
        )
    if not one or one != two or not three or three != four:
        return 0.0, "", "", None
    looks = likeness(one)
    kept = find_store([(one, said.turns[0].after)])
    # A word that is stored, and sent under a session's name, is an ID that was made badly.
    if looks < 0.3 and not (len(one) >= 4 and kept is not None and words.SESSION_NAME.search(place.name)):
        return 0.0, "", "", None
    if one != three:
        store = find_store([(one, said.turns[0].after), (three, said.turns[2].after)])
        score = 0.45 + 0.15 * looks + name + (0.3 if store else 0.0)
        why = f"one value in both messages of a chat, another one in the other chat ({masked(one)}, {masked(three)})"
        if store:
            why += ", and stored"
        return score, why, "rotates", store
    store = find_store([(one, said.turns[1].after)])
    if store is not None:
        later = find_store([(one, said.turns[3].before)])
        if later is None:
            return (
                0.5 + name + 0.15 * looks,
                f"stored before New Chat ({masked(one)}), and sent after it too",
                "stale",
                store,
            )
        return (
            0.25 + name + 0.1 * looks,
            "the same value in both chats, and stored all the time",
            "constant",
            store,
        )
    return 0.05 + name + 0.1 * looks, "the same value in both chats", "constant", None


def _by_connection(found: Findings, watcher: Watcher, sending: Sending, said: Said) -> None:
    """An ID that a connect message says once for all that follow on its connection."""
    if sending.transport != "websocket":
        return
    rated: list[tuple[float, str, str, str]] = []
    for place, values in _said_once(watcher, sending).items():
        one, two, three, four = values[:4]
        if one and three and one == two and three == four and one != three:
            name = 0.15 if words.SESSION_NAME.search(last_name(place)) else 0.0
            rated.append((0.6 + name, place, one, three))
    if rated:
        rate, place, one, three = max(rated)
        why = f"said in a connect message before each chat, another one each time ({masked(one)}, {masked(three)})"
        found.session = Guess({"connection": place}, rate, why)
        found.store = find_store([(one, said.turns[0].after), (three, said.turns[2].after)])
        store_of(found, [one, one, three, three], said)
        _rotation(found, "rotates", [one, one, three, three], said)


def _said_once(watcher: Watcher, sending: Sending) -> dict[str, list[str | None]]:
    """Place -> what messages before the chat's own said there last, at each of the four messages; ID-like values only."""
    if sending.transport != "websocket":
        return {}
    path = urlsplit(sending.payloads[0].url).path
    latest: dict[str, str] = {}
    at_turn: list[dict[str, str]] = []
    waiting = list(sending.payloads)
    for payload in sorted(watcher.payloads, key=lambda p: p.t):
        if waiting and payload is waiting[0]:
            at_turn.append(dict(latest))
            waiting.pop(0)
        elif urlsplit(payload.url).path == path and payload.body:
            for message in make_decoder(sending.framing).decode(payload.body, True):
                latest |= {place: str(v) for place, v in leaves(message.value) if likeness(v) > 0.5}
    if len(at_turn) < 4:
        return {}
    return {place: [at.get(place) for at in at_turn] for place in at_turn[0]}


def _rotation(found: Findings, kind: str, values: Sequence[str | None], said: Said) -> None:
    if kind == "server":
        found.rotation = Guess(
            "on_first_reply", 0.9, "the first message of each chat carried no ID, the second one did"
        )
    elif (
        kind == "rotates"
        and found.store is not None
        and found.store.value["store"] != "none"
        and said.clicked is not None
    ):
        third = values[2] or ""
        at_click = find_store([(third, said.clicked)]) or find_store([(third, said.turns[2].before)])
        if at_click is not None:
            found.rotation = Guess(
                "on_click", 0.95, "the new ID was stored after New Chat and before anything was typed"
            )
        else:
            found.rotation = Guess(
                "on_first_message", 0.9, "the new ID was stored only when the first message was sent"
            )
