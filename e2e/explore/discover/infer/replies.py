"""Infers how replies arrive: on which channel, which frames belong to which message, and which is the last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jmespath

from e2e.explore.discover.infer.conditions import find_condition
from e2e.explore.discover.infer.findings import Findings, Guess, SentMessages, text_of
from e2e.explore.discover.infer.provider import find_provider
from e2e.explore.discover.infer.reply_parts import (
    ReplyPart,
    event_list,
    events_of,
    parts_after,
    reply_channel,
    text_places,
    with_reply_text,
    without_echo,
)
from e2e.explore.discover.infer.request import framing_of
from e2e.explore.discover.observed import Observed, Turn
from e2e.explore.discover.values import leaves
from e2e.explore.discover.watcher import Watcher

_SOME = 0.15  # share of the reply's text that must have arrived on a channel


def is_replied_to(watcher: Watcher, sent: SentMessages, observed: Observed) -> float:
    """How surely the reply belongs to these payloads, 0 to 1: its text, or the key of its text, is in their responses."""
    turns, per_turn = _arrived(watcher, sent, observed)
    channel, matched = reply_channel(per_turn, turns, sent)
    if channel in ("own", "socket"):
        return matched
    chosen = [
        without_echo([p for p in received if p.channel == channel], turn)
        for received, turn in zip(per_turn, turns, strict=True)
    ]
    return 0.5 if _key_in_response(sent, chosen) is not None else 0.0


def _arrived(
    watcher: Watcher, sent: SentMessages, observed: Observed
) -> tuple[list[Turn], list[list[ReplyPart]]]:
    """The turns of the payloads, and what arrived in each, until the next message."""
    turns = [observed.turns[n] for n in sent.numbers]
    nexts = [turn.sent_at for turn in turns[1:]] + [float("inf")]
    per_turn = [
        parts_after(watcher, sent, n, min(turn.ended_at + 0.3, following))
        for n, (turn, following) in enumerate(zip(turns, nexts, strict=True))
    ]
    return turns, per_turn


def find_reply(found: Findings, watcher: Watcher, sent: SentMessages, observed: Observed) -> None:
    """Infer the channel of the replies, which parts belong to a message, their end, and the provider."""
    turns, per_turn = _arrived(watcher, sent, observed)
    channel, matched = reply_channel(per_turn, turns, sent)
    chosen = [[p for p in received if p.channel == channel] for received in per_turn]
    kind, _, pattern = channel.partition(":")
    if kind == "own":
        found.exchange_ends = all(p.ended or p.status is not None for p in sent.payloads)
        # The response ended, and what the page showed then came from somewhere else.
        found.settled = matched < _SOME and any(turn.shown for turn in turns)
        if found.settled:
            found.questions.append(
                "where does a reply arrive? The text that the page showed after a message was in no response and no frame."
            )
    elif kind == "text" or (kind in ("http", "ws") and (matched < _SOME or pattern == sent.url)):
        # HTML that is polled for, or parts of the text here and there: no rule reads them, the screen shows the end.
        found.settled, kind = True, "text"
    elif kind in ("http", "ws"):
        rule: dict[str, Any] = {"name": "events", "direction": "received", "url": pattern}
        if kind == "ws":
            rule |= {"transport": "websocket", **_framing(watcher, pattern)}
        found.answered_by = Guess(
            rule, 0.85, "the text of the reply arrived there, not in the response to the message"
        )
    each = event_list(chosen, turns)
    if each is not None:
        found.each = Guess(each, 0.85, "the frames or replies are lists of events")
        chosen = [[event for part in received for event in events_of(part, each)] for received in chosen]
    # A channel may repeat the message itself, with all its IDs and the user's name.
    chosen = [without_echo(received, turn) for received, turn in zip(chosen, turns, strict=True)]
    if kind not in ("own", "text"):
        _frames(found, sent, chosen, turns)
    find_provider(found, chosen, sent, observed, channel)


def _framing(watcher: Watcher, pattern: str) -> dict[str, str]:
    """The framing of the sockets at an address, where it is not the default."""
    socket = next((s for s, (url, _) in watcher.sockets.items() if re.search(pattern, url)), "")
    framing = framing_of(watcher, socket)
    return {} if framing == "json" else {"framing": framing}


def _frames(
    found: Findings, sent: SentMessages, chosen: list[list[ReplyPart]], turns: Sequence[Turn]
) -> None:
    """Infer which frames belong to a message (by a key or a condition), and which is the last."""
    words = text_places(chosen, turns)
    pair = _reply_key(sent.values, chosen) or _key_in_response(sent, chosen)
    keyed = None if pair is None else pair[0]
    if pair is not None and keyed is not None:
        found.reply_to, found.reply_to_there = keyed, pair[1]
        compiled = jmespath.compile(pair[1])
        mine = [
            [p for p in received if text_of(compiled.search(p.value)) == key]
            for received, key in zip(chosen, _keys(keyed.value, sent), strict=True)
        ]
    elif sent.framing not in ("json", "ndjson", "text") and any(sent.keys):
        mine = [
            [p for p in received if p.key is not None and p.key == key]
            for received, key in zip(chosen, sent.keys, strict=True)
        ]
    else:
        mine = [with_reply_text(received, turn) for received, turn in zip(chosen, turns, strict=True)]
        rest = [
            p.value for received, parts in zip(chosen, mine, strict=True) for p in received if p not in parts
        ]
        condition = find_condition(
            [p.value for parts in mine for p in parts], [r for r in rest if r is not None], words
        )
        if condition:
            found.answer_when = Guess(
                condition, 0.75, "holds for the frames with text of the reply, and for no others"
            )
            compiled = jmespath.compile(condition)
            mine = [[p for p in received if compiled.search(p.value)] for received in chosen]
    if all(len(m) == 1 for m in mine) or any(p.final for m in mine for p in m):
        return
    lasts = [m[-1].value for m in mine if m]
    earlier = [p.value for m in mine for p in m[:-1]]
    condition = find_condition(lasts, earlier, words) if lasts and earlier else None
    if condition is None and keyed is None:
        # The end may be a frame of another kind, after the last frame with text.
        ends = [
            [p for p in received if m and p.t >= m[-1].t and p not in m][:1]
            for received, m in zip(chosen, mine, strict=True)
        ]
        if all(ends):
            everything = [
                p.value for received, end in zip(chosen, ends, strict=True) for p in received if p not in end
            ]
            condition = find_condition([e[0].value for e in ends], everything, words)
            if condition and found.answer_when:
                found.answer_when.value = f"({found.answer_when.value}) || {condition}"
    if condition and "[" not in condition:  # an index into a list depends on how many parts arrived together
        found.done = Guess(condition, 0.85, "holds for the last frame of each reply, and for none before")
    else:
        found.exchange_ends = False


def _keys(path: str, sent: SentMessages) -> list[str | None]:
    """The key of each message, from its payload, else from the response to it."""
    found: list[str | None] = []
    for value, payload in zip(sent.values, sent.payloads, strict=True):
        texts = (text_of(jmespath.search(path, v)) for v in (value, *(v for _, _, v in payload.values)))
        found.append(next((text for text in texts if text is not None), None))
    return found


def _key_in_response(sent: SentMessages, chosen: list[list[ReplyPart]]) -> tuple[Guess, str] | None:
    """The key in the response to the message, where the reply arrives on another channel."""
    own = [next((v for _, _, v in p.values if isinstance(v, dict)), None) for p in sent.payloads]
    return _reply_key(own, chosen) if sent.transport == "http" and all(own) else None


def _reply_key(messages: Sequence[Any], chosen: list[list[ReplyPart]]) -> tuple[Guess, str] | None:
    """A value that differs between the messages, and that the reply to each message contains too; and its place there."""
    for path, first in leaves(messages[0]):
        values = [jmespath.search(path, v) for v in messages]
        if (
            any(v is None for v in values)
            or len({text_of(v) for v in values}) < len(values)
            or len(str(first)) > 80
            or re.search(r"\s", str(first))
        ):
            continue
        homes = [
            {p for piece in received for p, leaf in leaves(piece.value) if text_of(leaf) == text_of(v)}
            for received, v in zip(chosen, values, strict=True)
        ]
        common = set.intersection(*homes) if homes and all(homes) else set()
        if path in common:
            reason = f"different in each of {len(values)} messages, and repeated in its reply"
            return Guess(path, 0.95, reason), path
        if common:
            other = min(common, key=lambda p: (len(p), p))
            reason = f"{path} of the message or its response is {other} in its reply"
            return Guess(f"{path} || {other}", 0.85, reason), other
    return None
