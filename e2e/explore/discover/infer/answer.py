"""How the reply comes back: by which way, which frames belong to which message, and which is the last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jmespath

from e2e.explore.discover.infer.common import Findings, Guess, Sending, text_of
from e2e.explore.discover.infer.conditions import discriminate
from e2e.explore.discover.infer.pieces import Piece, pieces_of, telling, way_of
from e2e.explore.discover.infer.provider import find_provider
from e2e.explore.discover.said import Said, Turn
from e2e.explore.discover.values import leaves
from e2e.explore.discover.watch import Watcher


def read_answer(found: Findings, watcher: Watcher, sending: Sending, said: Said) -> None:
    """The way of the replies, what of it belongs to a message, its end, and who answered."""
    turns = said.turns[: len(sending.payloads)]
    per_turn = [pieces_of(watcher, sending, n, turn.ended_at + 0.3) for n, turn in enumerate(turns)]
    way = way_of(per_turn, turns, sending)
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
    find_provider(found, chosen, sending, said, way)


def _frames(found: Findings, sending: Sending, chosen: list[list[Piece]], turns: Sequence[Turn]) -> None:
    """How frames belong to a message: by a key, by a condition, and which is the last."""
    keyed = _reply_key(sending.values, chosen) or _key_of_own_answer(sending, chosen)
    if keyed is not None:
        found.reply_to = keyed
        compiled = jmespath.compile(keyed.value)
        mine = [
            [p for p in pieces if text_of(compiled.search(p.value)) == key]
            for pieces, key in zip(chosen, _keys(keyed.value, sending), strict=True)
        ]
    elif sending.framing not in ("json", "ndjson", "text") and any(sending.keys):
        mine = [
            [p for p in pieces if p.key is not None and p.key == key]
            for pieces, key in zip(chosen, sending.keys, strict=True)
        ]
    else:
        mine = [telling(pieces, turn) for pieces, turn in zip(chosen, turns, strict=True)]
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
        texts = (text_of(jmespath.search(place, v)) for v in (value, *(v for _, _, v in payload.values)))
        found.append(next((text for text in texts if text is not None), None))
    return found


def _key_of_own_answer(sending: Sending, chosen: list[list[Piece]]) -> Guess | None:
    """The key that the request's own answer gives, where the reply comes by another way."""
    own = [next((v for _, _, v in p.values if isinstance(v, dict)), None) for p in sending.payloads]
    return _reply_key(own, chosen) if sending.transport == "http" and all(own) else None


def _reply_key(told: Sequence[Any], chosen: list[list[Piece]]) -> Guess | None:
    """A value, another one each time, that stands in what was ``told`` with the message and in its answer too."""
    for path, first in leaves(told[0]):
        values = [jmespath.search(path, v) for v in told]
        if (
            any(v is None for v in values)
            or len({text_of(v) for v in values}) < len(values)
            or len(str(first)) > 80
            or re.search(r"\s", str(first))
        ):
            continue
        homes = [
            {p for piece in pieces for p, leaf in leaves(piece.value) if text_of(leaf) == text_of(v)}
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
