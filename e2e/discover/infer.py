"""From a watched conversation to the parts of a profile, each with its evidence and a confidence. Pure: no browser, no file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jmespath

from e2e.capture.bodies import payload_of
from e2e.capture.decoders import Message, detect, make_decoder, unfold
from e2e.discover import words
from e2e.discover.talk import Said, Turn
from e2e.discover.values import discreet, flags, last_name, leaves, likeness, lists, masked, squeezed
from e2e.discover.watch import Payload, Stores, Watcher


@dataclass(slots=True)
class Guess:
    """A part of the profile: its TOML value, how sure, and why."""

    value: Any
    confidence: float
    why: str
    others: list[str] = field(default_factory=list)
    """Other candidates, in words, when they are as good or nearly so."""


@dataclass(slots=True)
class Sending:
    """The four messages as one kind of payload."""

    payloads: list[Payload]
    values: list[Any]
    transport: str
    method: str
    url: str
    """As a regular expression."""
    framing: str = "json"
    unfolded: bool = False
    keys: list[str | None] = field(default_factory=list)
    """The framing's own request IDs."""


@dataclass(slots=True)
class Findings:
    """Everything inferred; None is what was not found."""

    sending: Sending | None = None
    sending_why: str = ""
    when: Guess | None = None
    session: Guess | None = None
    store: Guess | None = None
    history: Guess | None = None
    provider: Guess | None = None
    label: Guess | None = None
    answered_by: Guess | None = None
    """A second wire rule, as a table."""
    reply_to: Guess | None = None
    answer_when: Guess | None = None
    done: Guess | None = None
    exchange_ends: bool = True
    rotation: Guess | None = None
    suspicion: str = ""
    """What looks like a fault of the chat itself."""
    questions: list[str] = field(default_factory=list)


def infer(watcher: Watcher, said: Said) -> Findings:
    """Find the chat's request, its session, its answer and what else a profile says."""
    found = Findings()
    sending, why = _sending(watcher, said.turns)
    found.sending, found.sending_why = sending, why
    if sending is None:
        found.questions.append("which request carries a message? None was seen with the typed text in it.")
        return found
    found.when = _when(watcher, sending)
    _session(found, watcher, sending, said)
    found.history = _history(sending, said.turns)
    _answer(found, watcher, sending, said)
    if found.session is None:
        found.questions.append("where is the session ID? No value of the payloads is one in both chats.")
    if found.provider is None:
        found.questions.append("who answers? No field or header of the replies looks like a provider's name.")
    return found


# -- the request --------------------------------------------------------------------------------------------------------


def _sending(watcher: Watcher, turns: Sequence[Turn]) -> tuple[Sending | None, str]:
    """The kind of payload that carries each message; the earliest and likeliest when there are several."""
    kinds: dict[tuple[str, ...], dict[int, Payload]] = {}
    for number, turn in enumerate(turns):
        for payload in watcher.payloads:
            if payload.t < turn.sent_at - 1 or turn.nonce not in unquote(payload.url) + payload.text:
                continue
            kinds.setdefault(_kind(payload), {}).setdefault(number, payload)
    best: tuple[float, tuple[str, ...]] | None = None
    for kind, by_turn in kinds.items():
        first = by_turn[min(by_turn)]
        score = (
            len(by_turn)
            - (2.0 if words.TELEMETRY.search(first.url) else 0.0)
            + (0.4 if words.CHAT_URL.search(urlsplit(first.url).path) else 0.0)
        )
        score += 0.3 if first.method in ("POST", "SEND") else 0.0
        score -= 0.05 * sum(
            1 for n, p in by_turn.items() if any(n in o and o[n].t < p.t for o in kinds.values())
        )
        score += 0.2 * min(first.text.count('"'), 5) / 5
        if best is None or score > best[0]:
            best = (score, kind)
    if best is None:
        return None, ""
    by_turn = kinds[best[1]]
    payloads = [by_turn[n] for n in sorted(by_turn)]
    others = sorted({k[2] for k in kinds if k != best[1]})
    why = f"it carried the typed text in {len(payloads)} of {len(turns)} messages"
    if others:
        why += f"; also carried by {', '.join(others[:3])}"
    return _decoded(watcher, payloads), why


def _kind(payload: Payload) -> tuple[str, ...]:
    pattern = url_pattern([payload.url])
    if payload.transport == "http":
        return ("http", payload.method, pattern, "")
    value = _plain(payload)
    names = [
        str(v)
        for p, v in leaves(value)
        if words.KIND_NAME.fullmatch(last_name(p))
        and isinstance(v, str)
        and len(v) < 60
        and p.count(".") < 2
        and "[" not in p
    ]
    return ("websocket", "SEND", pattern, "|".join(names[:3]))


def _plain(payload: Payload) -> Any:
    try:
        return json.loads(payload.text.lstrip("0123456789/,"))
    except ValueError:
        return None


def url_pattern(urls: Sequence[str]) -> str:
    """A regular expression for the addresses' path: anchored at its end, IDs in it left open."""
    paths = [urlsplit(u).path for u in urls]
    parts = paths[0].split("/")
    for n, part in enumerate(parts):
        varies = any(p.count("/") == paths[0].count("/") and p.split("/")[n] != part for p in paths)
        if varies or likeness(part) > 0.55 or re.fullmatch(r"\d+(\.\d+)+|\d{3,}", part):
            parts[n] = "[^/]+"
        else:
            parts[n] = re.escape(part).replace(r"\-", "-")
    path = "/".join(parts)
    query = any(urlsplit(u).query for u in urls)
    if path in ("", "/"):
        return re.escape(urlsplit(urls[0]).netloc).replace(r"\-", "-") + "/?" + (r"(\?|$)" if query else "$")
    return path + (r"(\?|$)" if query else "$")


def _decoded(watcher: Watcher, payloads: list[Payload]) -> Sending:
    first = payloads[0]
    sending = Sending(payloads, [], first.transport, first.method, url_pattern([p.url for p in payloads]))
    if first.transport == "websocket":
        sending.framing = framing_of(watcher, first.socket)
        for payload in payloads:
            message = _sent_message(watcher, sending.framing, payload)
            sending.values.append(message.value if message else None)
            sending.keys.append(message.key if message else None)
    else:
        sending.values = [payload_of(p.body, p.headers.get("content-type", "")) for p in payloads]
        sending.keys = [None] * len(payloads)
    if any(_hides_json(v) for v in sending.values):
        sending.unfolded = True
        sending.values = [unfold(v) for v in sending.values]
    return sending


def framing_of(watcher: Watcher, socket: str) -> str:
    """The framing of a socket, from its first frames in both directions."""
    url, headers = watcher.sockets.get(socket, ("", {}))
    frames = [(p.t, True, p.body) for p in watcher.payloads if p.socket == socket] + [
        (f.t, False, f.data) for f in watcher.frames if f.socket == socket
    ]
    ranked = detect(
        [(sent, data) for _, sent, data in sorted(frames, key=lambda f: f[0])][:40],
        url,
        headers.get("sec-websocket-protocol"),
    )
    return ranked[0][0] if ranked else "json"


def _sent_message(watcher: Watcher, framing: str, payload: Payload) -> Message | None:
    """The message of the payload's frame, decoded in its connection's order."""
    decoder = make_decoder(framing)
    for other in watcher.payloads:
        if other.socket == payload.socket:
            messages = decoder.decode(other.body, True)
            if other is payload:
                return max(messages, key=lambda m: len(json.dumps(m.value, default=str)), default=None)
    return None


def _hides_json(value: Any) -> bool:
    return any(
        isinstance(v, str) and len(v) > 10 and v[:1] in "{[" and v[-1:] in "}]" for _, v in leaves(value)
    )


def _when(watcher: Watcher, sending: Sending) -> Guess | None:
    """The condition that tells the chat's payloads from others at the same address."""
    if sending.transport == "websocket":
        chosen = {p.number for p in sending.payloads}
        others = []
        decoders = {s: make_decoder(sending.framing) for s in {p.socket for p in sending.payloads}}
        for payload in watcher.payloads:
            if payload.socket in decoders:
                messages = decoders[payload.socket].decode(payload.body, True)
                if payload.number not in chosen:
                    others += [unfold(m.value) if sending.unfolded else m.value for m in messages]
    else:
        chosen = {p.number for p in sending.payloads}
        pattern = re.compile(sending.url)
        others = [
            payload_of(p.body, p.headers.get("content-type", ""))
            for p in watcher.payloads
            if p.transport == "http"
            and p.number not in chosen
            and p.method == sending.method
            and pattern.search(p.url)
        ]
    others = [o for o in others if o is not None]
    condition = discriminate(sending.values, others)
    if condition is None:
        return None
    why = f"holds for {len(sending.values)} of {len(sending.values)} messages and for none of {len(others)} other payloads there"
    return Guess(condition, 0.95, why)


def discriminate(wanted: Sequence[Any], others: Sequence[Any]) -> str | None:
    """A JMESPath condition, as short as may be, that holds for all ``wanted`` and for no ``others``; None when none is needed."""
    if not others or not wanted:
        return None
    constant: list[tuple[float, str]] = []
    firsts = dict(leaves(wanted[0]))
    for path, value in firsts.items():
        if not isinstance(value, str) or not 1 <= len(value) <= 60 or "'" in value or path.count("[") > 1:
            continue
        if all(dict(leaves(w)).get(path) == value for w in wanted[1:]):
            weight = (
                (0.0 if words.KIND_NAME.search(last_name(path)) else 2.0)
                + path.count(".")
                + path.count("[")
                + len(value) / 100
            )
            constant.append((weight, f"{path} == '{value}'"))
    for path, _ in flags(wanted[0]):
        if all((path, True) in flags(w) for w in wanted[1:]):
            constant.append((1.0 + path.count(".") + path.count("["), f"{path} == `true`"))
    constant.sort()
    conditions = [c for _, c in constant[:12]]

    def wrong(expression: str) -> int:
        compiled = jmespath.compile(expression)
        return sum(1 for o in others if compiled.search(o))

    single = [c for c in conditions if wrong(c) == 0]
    if single:
        return single[0]
    for n, one in enumerate(conditions):
        for two in conditions[n + 1 :]:
            if wrong(f"{one} && {two}") == 0:
                return f"{one} && {two}"
    return next(
        (
            p
            for p in firsts
            if isinstance(firsts[p], str)
            and all(p in dict(leaves(w)) for w in wanted)
            and not any(p in dict(leaves(o)) for o in others)
        ),
        None,
    )


# -- the session --------------------------------------------------------------------------------------------------------


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


def _session(found: Findings, watcher: Watcher, sending: Sending, said: Said) -> None:
    ranked = sorted(((_rate(place, said), place) for place in _places(sending)), key=lambda r: -r[0][0])
    ranked = [r for r in ranked if r[0][0] >= 0.3]
    if not ranked:
        _by_connection(found, watcher, sending, said)
        if found.session is None:
            _store_of(found, [], said)
        return
    (score, why, kind, stored), place = ranked[0]
    said_once = _said_once(watcher, sending)
    if "cookie" in place.extract if isinstance(place.extract, dict) else False:
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
    _store_of(found, values, said)
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
    if looks < 0.3 and not (len(one) >= 4 and kept is not None and words.SESSION_NAME.search(place.name)):
        return (
            0.0,
            "",
            "",
            None,
        )  # a word that is stored, and sent under a session's name, is an ID that was made badly
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
        _store_of(found, [one, one, three, three], said)
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


def find_store(wanted: Sequence[tuple[str, Stores | None]]) -> Guess | None:
    """Where all of the values were stored at their moments: the ``[session]`` table that reads them."""
    per_moment: list[dict[str, dict[str, Any]]] = []
    for value, stores in wanted:
        if stores is None:
            return None
        per_moment.append({_store_key(t): t for t in _tables(value, stores)})
    common = [key for key in per_moment[0] if all(key in other for other in per_moment[1:])]
    if common:
        table = per_moment[0][min(common, key=_store_rank)]
        return Guess(table, 0.95, f"its value was sent ({len(wanted)} of {len(wanted)} looks)")
    by_pattern = [{_pattern_key(t): t for t in moment.values() if "key" in t} for moment in per_moment]
    shared = [key for key in by_pattern[0] if key and all(key in other for other in by_pattern[1:])]
    if shared:
        table = dict(by_pattern[0][shared[0]])
        pattern = _key_pattern([str(moment[shared[0]]["key"]) for moment in by_pattern])
        del table["key"]
        return Guess(
            {**table, "key_pattern": pattern}, 0.85, "a key of its own for each chat, and its value was sent"
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


def _store_of(found: Findings, values: Sequence[str | None], said: Said) -> None:
    """Without a store whose value is sent: is anything of the kind kept at all?"""
    if found.store is not None:
        return
    last = said.turns[-1].after
    hints = [k for k in (last.local if last else {}) if words.SESSION_NAME.search(k)]
    why = "no value that was sent was stored anywhere (localStorage, sessionStorage, cookies, IndexedDB, address)"
    found.store = Guess({"store": "none"}, 0.6, why, [f"localStorage {k}" for k in hints[:3]])
    if hints and values:
        found.questions.append(
            f"is the session kept in localStorage {hints[0]!r}? Its value was not found in any payload."
        )


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


def _history(sending: Sending, turns: Sequence[Turn]) -> Guess | None:
    """The list of earlier messages in the payload of a chat's second message."""
    if len(sending.values) < 2:
        return None
    holding = [
        path
        for path, items in lists(sending.values[1])
        if path != "@" and turns[0].nonce in json.dumps(items, default=str)
    ]
    if not holding:
        return None
    return Guess(max(holding, key=len), 0.9, "the second message's payload held the first one there")


# -- the answer ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Piece:
    """One value that came after a message, and by which way."""

    t: float
    way: str
    """``own``, ``socket``, or ``http:`` and a URL pattern."""
    value: Any
    key: str | None = None
    final: bool | None = None


def _answer(found: Findings, watcher: Watcher, sending: Sending, said: Said) -> None:
    turns = said.turns[: len(sending.payloads)]
    per_turn = [_pieces(watcher, sending, n, turn.ended_at + 0.3) for n, turn in enumerate(turns)]
    way = _way(per_turn, turns, sending)
    chosen = [[p for p in pieces if p.way == way] for pieces in per_turn]
    if way == "own":
        found.exchange_ends = all(p.ended or p.status is not None for p in sending.payloads)
    elif way.startswith("http:"):
        found.answered_by = Guess(
            {"name": "events", "direction": "received", "url": way[5:]},
            0.85,
            "the reply's text came there, and not in the request's own answer",
        )
    if way != "own":
        _frames(found, sending, chosen, turns)
    _provider(found, chosen, sending, said, way)


def _pieces(watcher: Watcher, sending: Sending, number: int, until: float) -> list[Piece]:
    payload = sending.payloads[number]
    read = unfold if sending.unfolded else _as_it_is
    pieces = [Piece(t, "own", _event(event, read(value))) for t, event, value in payload.values]
    if payload.transport == "websocket":
        decoder = make_decoder(sending.framing)
        for frame in watcher.frames:
            if frame.socket == payload.socket:
                messages = decoder.decode(frame.data, False)
                if payload.t <= frame.t <= until:
                    pieces += [
                        Piece(
                            frame.t,
                            "socket",
                            unfold(m.value) if sending.unfolded else m.value,
                            m.key,
                            m.final,
                        )
                        for m in messages
                    ]
    for other in watcher.payloads:
        if other is payload or other.transport != "http":
            continue
        way = "http:" + url_pattern([other.url])
        for t, event, value in other.values:
            if payload.t <= t <= until:
                items = value if isinstance(value, list) else [value]
                pieces += [Piece(t, way, _event(event, item)) for item in items]
    return sorted(pieces, key=lambda p: p.t)


def _as_it_is(value: Any) -> Any:
    return value


def _event(event: str, value: Any) -> Any:
    return (
        {"event": event, **value}
        if event not in ("", "message") and isinstance(value, dict) and "event" not in value
        else value
    )


def _way(per_turn: list[list[Piece]], turns: Sequence[Turn], sending: Sending) -> str:
    """By which way the text that appeared on the screen came."""
    scores: dict[str, float] = {}
    for pieces, turn in zip(per_turn, turns, strict=True):
        shown = _reply_text(turn)
        for way in {p.way for p in pieces}:
            heard = heard_at([p.value for p in pieces if p.way == way])
            parts = [shown[i : i + 12] for i in range(0, max(1, len(shown) - 12), 6)] if shown else []
            match = max((sum(part in text for part in parts) for text in heard), default=0)
            scores[way] = scores.get(way, 0.0) + match / max(1, len(parts))
    home = "socket" if sending.transport == "websocket" else "own"
    scores[home] = scores.get(home, 0.0) + 0.1 * len(
        turns
    )  # an answer that only repeats the question is none
    return max(scores, key=lambda w: scores[w])


def heard_at(values: Sequence[Any]) -> list[str]:
    """What each place said over all ``values``, squeezed: an ID beside each word of a stream is not part of its text."""
    places: dict[str, list[str]] = {}
    for value in values:
        for path, leaf in leaves(value):
            if isinstance(leaf, str):
                places.setdefault(re.sub(r"\[\d+\]", "[]", path), []).append(leaf)
    return [squeezed("".join(parts)) for parts in places.values()]


def _reply_text(turn: Turn) -> str:
    """What stood on the screen after the typed message; a reply may repeat that."""
    return squeezed(turn.shown.split(turn.nonce, 1)[-1])[:2000]


def _frames(found: Findings, sending: Sending, chosen: list[list[Piece]], turns: Sequence[Turn]) -> None:
    """How frames belong to a message: by a key, by a condition, and which is the last."""
    keyed = _reply_key(sending.values, chosen) or _key_of_own_answer(sending, chosen)
    if keyed is not None:
        found.reply_to = keyed
        compiled = jmespath.compile(keyed.value)
        mine = [
            [p for p in pieces if _text(compiled.search(p.value)) == key]
            for pieces, key in zip(chosen, _keys(keyed.value, sending), strict=True)
        ]
    elif sending.framing not in ("json", "ndjson", "text") and any(sending.keys):
        mine = [
            [p for p in pieces if p.key is not None and p.key == key]
            for pieces, key in zip(chosen, sending.keys, strict=True)
        ]
    else:
        mine = [_telling(pieces, turn) for pieces, turn in zip(chosen, turns, strict=True)]
        rest = [p.value for pieces, told in zip(chosen, mine, strict=True) for p in pieces if p not in told]
        condition = discriminate([p.value for told in mine for p in told], [r for r in rest if r is not None])
        if condition:
            found.answer_when = Guess(
                condition, 0.75, "true of the frames with the reply's text, and of no others"
            )
            compiled = jmespath.compile(condition)
            mine = [[p for p in pieces if compiled.search(p.value)] for pieces in chosen]
    if all(len(m) == 1 for m in mine) or any(p.final for m in mine for p in m):
        return
    lasts = [m[-1].value for m in mine if m]
    earlier = [p.value for m in mine for p in m[:-1]]
    condition = discriminate(lasts, earlier) if lasts and earlier else None
    if condition is None and keyed is None:
        # The end may be a frame of another kind, after the last one with text.
        ends = [
            [p for p in pieces if m and p.t >= m[-1].t and p not in m][:1]
            for pieces, m in zip(chosen, mine, strict=True)
        ]
        if all(ends):
            everything = [
                p.value for pieces, end in zip(chosen, ends, strict=True) for p in pieces if p not in end
            ]
            condition = discriminate([e[0].value for e in ends], everything)
            if condition and found.answer_when:
                found.answer_when.value = f"({found.answer_when.value}) || {condition}"
    if condition and "[" not in condition:  # a place in a list tells how many came together, and no end
        found.done = Guess(condition, 0.85, "true of the last frame of each reply, and of none before")
    else:
        found.exchange_ends = False


def _keys(place: str, sending: Sending) -> list[str | None]:
    """What ties each message to its answer: in the payload, else in its own answer."""
    found: list[str | None] = []
    for value, payload in zip(sending.values, sending.payloads, strict=True):
        texts = (_text(_search(place, v)) for v in (value, *(v for _, _, v in payload.values)))
        found.append(next((text for text in texts if text is not None), None))
    return found


def _telling(pieces: list[Piece], turn: Turn) -> list[Piece]:
    """Those that bring text of the reply."""
    shown = _reply_text(turn)
    found = []
    for piece in pieces:
        heard = [squeezed(str(v)) for _, v in leaves(piece.value) if isinstance(v, str)]
        if any(h and (h in shown or (len(h) > 12 and h[:12] in shown)) and len(h) > 1 for h in heard):
            found.append(piece)
    return found


def _key_of_own_answer(sending: Sending, chosen: list[list[Piece]]) -> Guess | None:
    """The key that the request's own answer gives, where the reply comes by another way."""
    own = [next((v for _, _, v in p.values if isinstance(v, dict)), None) for p in sending.payloads]
    return _reply_key(own, chosen) if sending.transport == "http" and all(own) else None


def _reply_key(told: Sequence[Any], chosen: list[list[Piece]]) -> Guess | None:
    """A value, another one each time, that stands in what was ``told`` with the message and in its answer too."""
    for path, first in leaves(told[0]):
        values = [_search(path, v) for v in told]
        if (
            any(v is None for v in values)
            or len({_text(v) for v in values}) < len(values)
            or len(str(first)) > 80
            or re.search(r"\s", str(first))
        ):
            continue
        homes = [
            {p for piece in pieces for p, leaf in leaves(piece.value) if _text(leaf) == _text(v)}
            for pieces, v in zip(chosen, values, strict=True)
        ]
        common = set.intersection(*homes) if homes and all(homes) else set()
        if path in common:
            return Guess(
                path, 0.95, f"another value in each of {len(values)} messages, and the same in its answer"
            )
        if common:
            other = min(common, key=lambda p: (len(p), p))
            return Guess(f"{path} || {other}", 0.85, f"{path} of the payload stands at {other} in its answer")
    return None


def _provider(found: Findings, chosen: list[list[Piece]], sending: Sending, said: Said, way: str) -> None:
    """Who answered: a short text with a telling name, in each reply, the same all through a chat."""
    rated: list[tuple[float, Any, str, list[str]]] = []
    telling = [_telling(pieces, turn) for pieces, turn in zip(chosen, said.turns, strict=False)]
    paths = {path for pieces in chosen for p in pieces for path, v in leaves(p.value) if isinstance(v, str)}
    shown = {text for _, group in said.labels for text in group}
    for path in paths:
        compiled = jmespath.compile(path)
        values = [
            next((str(v) for p in pieces if isinstance(v := compiled.search(p.value), str) and v), None)
            for pieces in chosen
        ]
        rate = _rate_provider(last_name(path), path, values, shown)
        if rate > 0 and all(telling) and not _says(compiled, telling):
            rate -= 0.05  # what brings the reply's text says best whose it is
        if rate > 0:
            rated.append((rate, path, path, [v for v in values if v]))
    if way == "own":
        for name in {n for p in sending.payloads for n in p.answer_headers}:
            values = [p.answer_headers.get(name) for p in sending.payloads]
            rate = (
                _rate_provider(name, name, values, shown)
                if name.startswith("x-") or "provider" in name or "model" in name
                else 0.0
            )
            if rate > 0:
                rated.append((rate, {"header": name}, f"header {name}", [v for v in values if v]))
    rated.sort(key=lambda r: (-r[0], len(r[2])))
    if not rated or rated[0][0] < 0.5:
        if rated:
            found.questions.append(
                f"is {rated[0][2]} the provider? It was {', '.join(map(discreet, sorted(set(rated[0][3]))[:3]))}."
            )
        return
    rate, extract, path, values_seen = rated[0]
    others = [r[2] for r in rated[1:4] if r[0] >= rate - 0.1]
    found.provider = Guess(
        extract,
        round(min(rate, 0.97), 2),
        f"it was {', '.join(map(discreet, dict.fromkeys(values_seen)))}",
        others,
    )
    if others and rated[1][0] >= rate - 0.02:
        found.questions.append(
            f"two fields are as likely to name the provider: {path}, and {others[0]}. The first was taken."
        )
    names = set(values_seen)
    found.label = _label(said, names)


def _says(compiled: Any, telling: Sequence[Sequence[Piece]]) -> bool:
    """Each reply's text comes with a value there."""
    return all(any(compiled.search(p.value) for p in pieces) for pieces in telling)


def _label(said: Said, names: set[str]) -> Guess | None:
    """The texts beside the replies that say the same as the replies."""
    for spec, group in said.labels:
        between = {t for t in group if t not in names}
        if group and group[-1] in names and len(between) <= 1:
            told = ", ".join(dict.fromkeys(discreet(t) for t in group if t in names))
            more = f"; between them it showed {discreet(min(between))!r}" if between else ""
            return Guess(spec, 0.7 if between else 0.85, f"it showed {told}, as the replies said{more}")
    return None


def _rate_provider(name: str, path: str, values: Sequence[str | None], shown: set[str]) -> float:
    seen = [v for v in values if v]
    if len(seen) < len(values) or any(len(v) > 60 or "\n" in v for v in seen):
        return 0.0
    if len(seen) >= 4 and (seen[0] != seen[1] or seen[2] != seen[3]):
        return 0.0
    whole = re.sub(r"[\[\]0-9.]+", " ", path)
    if not words.PROVIDER_NAME.search(whole) and all(likeness(v) > 0.75 for v in seen):
        return 0.0  # an ID of something else, such as the thread
    rate = 0.35 if words.PROVIDER_NAME.search(name) else 0.25 if words.PROVIDER_NAME.search(whole) else 0.0
    if re.search(r"provider", whole, re.IGNORECASE):
        rate += 0.25
    if len(set(seen)) > 1:  # one all through a chat, another one in the other chat
        rate += 0.35 if all(re.search(r"[A-Za-z]{2}", v) for v in seen) else 0.15
    if set(seen) <= shown:
        rate += 0.25
    if words.KIND_NAME.fullmatch(name) and not words.PROVIDER_NAME.search(whole):
        rate -= 0.2
    if re.search(r"role|status|type$", name, re.IGNORECASE) or set(seen) <= {
        "assistant",
        "user",
        "bot",
        "system",
    }:
        rate -= 0.4
    if any(likeness(v) > 0.75 for v in seen):
        rate -= 0.25
    return rate


def _search(path: str, value: Any) -> Any:
    return jmespath.search(path, value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
