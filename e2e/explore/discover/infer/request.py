"""Which request carries the message: its address, its framing, what tells it from others, and the history in it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from e2e.capture.network.bodies.parsing import payload_of
from e2e.capture.network.decoders import Message, detect, make_decoder
from e2e.explore.discover import words
from e2e.explore.discover.infer.common import Guess, Sending
from e2e.explore.discover.infer.conditions import discriminate
from e2e.explore.discover.said import Turn
from e2e.explore.discover.values import last_name, leaves, likeness, lists
from e2e.explore.discover.watch import Payload, Watcher


def find_sending(watcher: Watcher, turns: Sequence[Turn]) -> tuple[Sending | None, str]:
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
        sending.values = [sending.read(v) for v in sending.values]
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


def condition_of(watcher: Watcher, sending: Sending) -> Guess | None:
    """The condition that tells the chat's payloads from others at the same address."""
    if sending.transport == "websocket":
        chosen = {p.number for p in sending.payloads}
        others = []
        decoders = {s: make_decoder(sending.framing) for s in {p.socket for p in sending.payloads}}
        for payload in watcher.payloads:
            if payload.socket in decoders:
                messages = decoders[payload.socket].decode(payload.body, True)
                if payload.number not in chosen:
                    others += [sending.read(m.value) for m in messages]
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


def find_history(sending: Sending, turns: Sequence[Turn]) -> Guess | None:
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
