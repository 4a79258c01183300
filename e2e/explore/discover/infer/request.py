"""Infers which request carries a message: URL, framing, condition, and the chat history in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from e2e.capture.network.bodies.parsing import payload_of
from e2e.explore.discover import name_patterns
from e2e.explore.discover.infer.conditions import find_condition
from e2e.explore.discover.infer.findings import Guess, SentMessages
from e2e.explore.discover.observed import Turn
from e2e.explore.discover.traces import carries
from e2e.explore.discover.values import id_likeness, last_name, leaves, lists
from e2e.explore.discover.watcher import Payload, Watcher
from e2e.framings.base.decoder import Message
from e2e.framings.detect import detect
from e2e.framings.registry import make_decoder

_Kind = tuple[str, ...]
_TYPED = 0.05  # seconds before the send until which a payload may leave, for two clocks


@dataclass(slots=True)
class Carrier:
    """A kind of payloads that carries the text of the messages."""

    sent: SentMessages
    score: float
    reason: str


def find_carriers(watcher: Watcher, turns: Sequence[Turn]) -> list[Carrier]:
    """The kinds of payloads that carry the messages, the earliest and most likely kind first; at most three."""
    kinds: dict[_Kind, dict[int, Payload]] = {}
    for number, turn in enumerate(turns):
        for payload in watcher.payloads:
            if payload.t >= turn.sent_at - 1 and carries(payload, turn.nonce):
                kinds.setdefault(_kind(payload), {}).setdefault(number, payload)
    ranked: list[tuple[float, _Kind]] = []
    for kind, by_turn in kinds.items():
        first = by_turn[min(by_turn)]
        score = (
            len(by_turn)
            - (2.0 if name_patterns.TELEMETRY.search(first.url) else 0.0)
            + (0.4 if name_patterns.CHAT_URL.search(urlsplit(first.url).path) else 0.0)
        )
        score += 0.3 if first.method in ("POST", "SEND") else 0.0
        score -= 0.05 * sum(
            1 for n, p in by_turn.items() if any(n in o and o[n].t < p.t for o in kinds.values())
        )
        score += 0.2 * min(first.text.count('"'), 5) / 5
        ranked.append((score, kind))
    ranked.sort(key=lambda r: -r[0])
    found = []
    for score, kind in ranked[:3]:
        others = sorted({k[2] for k in kinds if k != kind})
        why = f"it carried the text of {len(kinds[kind])} of {len(turns)} messages"
        if others:
            why += f"; also carried by {', '.join(others[:3])}"
        found.append(Carrier(_decoded(watcher, kinds[kind]), score, why))
    return found


def leave_with_each_message(watcher: Watcher, turns: Sequence[Turn], but: SentMessages) -> list[SentMessages]:
    """Other kinds of payloads, without the text, of which exactly one leaves at each message, and none in between."""
    kinds: dict[_Kind, dict[int, list[Payload]]] = {}
    for payload in watcher.payloads:
        number = next(
            (n for n, turn in enumerate(turns) if turn.sent_at - _TYPED <= payload.t <= turn.ended_at), -1
        )
        if payload.method in ("POST", "PUT", "PATCH", "SEND", "GET"):
            kinds.setdefault(_kind(payload), {}).setdefault(number, []).append(payload)
    found = []
    for by_turn in kinds.values():
        whole = sorted(n for n in by_turn if n >= 0) == list(range(len(turns)))
        once = all(len(payloads) == 1 for n, payloads in by_turn.items() if n >= 0)
        first = by_turn.get(0, [None])[0]
        if first is None or first in but.payloads or name_patterns.TELEMETRY.search(first.url):
            continue
        if whole and once:
            found.append(_decoded(watcher, {n: by_turn[n][0] for n in range(len(turns))}))
    return found


def after_typing(watcher: Watcher, turns: Sequence[Turn], sent: SentMessages) -> SentMessages | None:
    """The payloads that send what was typed, where ``sent`` left while it was typed: the first ones after it, on the same channel."""
    if not all(p.t < turns[n].sent_at for n, p in zip(sent.numbers, sent.payloads, strict=True)):
        return None
    pattern = re.compile(sent.url)
    by_turn: dict[int, Payload] = {}
    for number in sent.numbers:
        turn = turns[number]
        later = (
            p
            for p in sorted(watcher.payloads, key=lambda p: p.t)
            if turn.sent_at <= p.t <= turn.sent_at + 1 and p.method == sent.method and pattern.search(p.url)
        )
        payload = next(later, None)
        if payload is None:
            return None
        by_turn[number] = payload
    found = _decoded(watcher, by_turn)
    return found if condition_of(watcher, found) is not None else None


def _kind(payload: Payload) -> tuple[str, ...]:
    pattern = url_pattern([payload.url])
    if payload.transport == "http":
        return ("http", payload.method, pattern, "")
    value = _plain(payload)
    names = [
        str(v)
        for p, v in leaves(value)
        if name_patterns.KIND_NAME.fullmatch(last_name(p))
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
    """A regular expression for the path of the URLs, anchored at its end; matches any ID in it."""
    paths = [urlsplit(u).path for u in urls]
    parts = paths[0].split("/")
    for n, part in enumerate(parts):
        varies = any(p.count("/") == paths[0].count("/") and p.split("/")[n] != part for p in paths)
        looks_random = id_likeness(part) > 0.55 and not re.fullmatch(r"[A-Za-z_.~-]+[-_.]v\d{1,2}", part)
        if varies or looks_random or re.fullmatch(r"\d+(\.\d+)+|\d{3,}", part):
            parts[n] = "[^/]+"
        else:
            parts[n] = re.escape(part).replace(r"\-", "-")
    path = "/".join(parts)
    query = any(urlsplit(u).query for u in urls)
    if path in ("", "/"):
        return re.escape(urlsplit(urls[0]).netloc).replace(r"\-", "-") + "/?" + (r"(\?|$)" if query else "$")
    return path + (r"(\?|$)" if query else "$")


def _decoded(watcher: Watcher, by_turn: Mapping[int, Payload]) -> SentMessages:
    payloads = [by_turn[n] for n in sorted(by_turn)]
    first = payloads[0]
    sent = SentMessages(
        payloads,
        [],
        first.transport,
        first.method,
        url_pattern([p.url for p in payloads]),
        numbers=sorted(by_turn),
    )
    if first.transport == "websocket":
        sent.framing = framing_of(watcher, first.socket)
        for payload in payloads:
            message = _sent_message(watcher, sent.framing, payload)
            sent.values.append(message.value if message else None)
            sent.keys.append(message.key if message else None)
    else:
        sent.values = [payload_of(p.body, p.headers.get("content-type", "")) for p in payloads]
        sent.keys = [None] * len(payloads)
        if all(v is None for v in sent.values) and all(p.text for p in payloads):
            sent.framing, sent.values = "text", [{"text": p.text} for p in payloads]
    if any(_hides_json(v) for v in sent.values):
        sent.parses_nested_json = True
        sent.values = [sent.read(v) for v in sent.values]
    return sent


def framing_of(watcher: Watcher, socket: str) -> str:
    """The framing of a socket, detected from its first frames in both directions."""
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
    """The message in the payload's frame; a decoder needs all earlier frames of the connection."""
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


def condition_of(watcher: Watcher, sent: SentMessages) -> Guess | None:
    """A condition that separates the chat's payloads from others at the same URL."""
    if sent.transport == "websocket":
        chosen = {p.number for p in sent.payloads}
        others = []
        decoders = {s: make_decoder(sent.framing) for s in {p.socket for p in sent.payloads}}
        for payload in watcher.payloads:
            if payload.socket in decoders:
                messages = decoders[payload.socket].decode(payload.body, True)
                if payload.number not in chosen:
                    others += [sent.read(m.value) for m in messages]
    else:
        chosen = {p.number for p in sent.payloads}
        pattern = re.compile(sent.url)
        others = [
            payload_of(p.body, p.headers.get("content-type", ""))
            for p in watcher.payloads
            if p.transport == "http"
            and p.number not in chosen
            and p.method == sent.method
            and pattern.search(p.url)
        ]
    others = [o for o in others if o is not None]
    condition = find_condition(sent.values, others, numbers=True)
    if condition is None:
        return None
    why = f"holds for {len(sent.values)} of {len(sent.values)} messages, and for none of {len(others)} other payloads at this URL"
    return Guess(condition, 0.95, why)


def find_history(sent: SentMessages, turns: Sequence[Turn]) -> Guess | None:
    """The list of earlier messages in the payload of a second message: each message is an item of its own."""
    if len(sent.values) < 2 or sent.numbers[:2] != [0, 1]:
        return None
    first, second = turns[0].nonce, turns[1].nonce
    holding = []
    for path, items in lists(sent.values[1]):
        texts = [json.dumps(item, default=str) for item in items]
        apart = not any(first in text and second in text for text in texts)
        if path != "@" and apart and any(first in text for text in texts):
            holding.append((not any(second in text for text in texts), path.count("["), len(path), path))
    if not holding:
        return None
    return Guess(min(holding)[3], 0.9, "the payload of the second message contained the first one there")
