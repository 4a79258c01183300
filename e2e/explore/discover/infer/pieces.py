"""What came after a message, and by which way the text that appeared on the screen came."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.capture.network.decoders import make_decoder
from e2e.capture.network.wire_rules import with_event
from e2e.explore.discover.infer.common import Sending
from e2e.explore.discover.infer.request import url_pattern
from e2e.explore.discover.said import Turn
from e2e.explore.discover.values import leaves, squeezed
from e2e.explore.discover.watch import Payload, Watcher


@dataclass(slots=True)
class Piece:
    """One value that came after a message, and by which way."""

    t: float
    way: str
    """``own``, ``socket``, or ``http:`` and a URL pattern."""
    value: Any
    key: str | None = None
    final: bool | None = None


def pieces_of(watcher: Watcher, sending: Sending, number: int, until: float) -> list[Piece]:
    """What came after message ``number`` by any way, up to the time ``until``, in the order of time."""
    payload = sending.payloads[number]
    own = [Piece(t, "own", with_event(sending.read(value), event)) for t, event, value in payload.values]
    later = [*_on_socket(watcher, sending, payload), *_elsewhere(watcher, payload)]
    return sorted([*own, *(p for p in later if payload.t <= p.t <= until)], key=lambda p: p.t)


def _on_socket(watcher: Watcher, sending: Sending, payload: Payload) -> Iterator[Piece]:
    """All that came on the payload's socket: its decoder needs the frames before the message too."""
    if payload.transport != "websocket":
        return
    decoder = make_decoder(sending.framing)
    for frame in watcher.frames:
        if frame.socket == payload.socket:
            for message in decoder.decode(frame.data, False):
                yield Piece(frame.t, "socket", sending.read(message.value), message.key, message.final)


def _elsewhere(watcher: Watcher, payload: Payload) -> Iterator[Piece]:
    """All that other requests answered; a list is as many answers."""
    for other in watcher.payloads:
        if other is payload or other.transport != "http":
            continue
        way = "http:" + url_pattern([other.url])
        for t, event, value in other.values:
            for item in value if isinstance(value, list) else [value]:
                yield Piece(t, way, with_event(item, event))


def way_of(per_turn: list[list[Piece]], turns: Sequence[Turn], sending: Sending) -> str:
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
    # A little ahead, or an answer elsewhere that only repeats the question would win.
    scores[home] = scores.get(home, 0.0) + 0.1 * len(turns)
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


def telling(pieces: list[Piece], turn: Turn) -> list[Piece]:
    """Those that bring text of the reply."""
    shown = _reply_text(turn)
    found = []
    for piece in pieces:
        heard = [squeezed(str(v)) for _, v in leaves(piece.value) if isinstance(v, str)]
        if any(h and (h in shown or (len(h) > 12 and h[:12] in shown)) and len(h) > 1 for h in heard):
            found.append(piece)
    return found
