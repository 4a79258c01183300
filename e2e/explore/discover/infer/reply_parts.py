"""What arrived after a message, and on which channel the text of the reply arrived."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.capture.network.bodies.event_reader import with_event
from e2e.explore.discover.infer.conditions import place_of
from e2e.explore.discover.infer.findings import SentMessages
from e2e.explore.discover.infer.request import framing_of, url_pattern
from e2e.explore.discover.observed import Turn
from e2e.explore.discover.values import leaves, letters_and_digits
from e2e.explore.discover.watcher import Payload, Watcher
from e2e.framings.registry import make_decoder


@dataclass(slots=True)
class ReplyPart:
    """One value that arrived after a message, and its channel."""

    t: float
    channel: str
    """Where it arrived: ``own`` (the response to the message's request), ``socket`` (that of the message), or ``http:``,
    ``text:`` (HTML or plain text) or ``ws:`` and a URL pattern.
    """
    value: Any
    key: str | None = None
    final: bool | None = None


def parts_after(watcher: Watcher, sent: SentMessages, number: int, until: float) -> list[ReplyPart]:
    """What arrived after message ``number`` on any channel until the time ``until``, oldest first."""
    payload = sent.payloads[number]
    own = [ReplyPart(t, "own", with_event(sent.read(value), event)) for t, event, value in payload.values]
    if payload.plain and not payload.values:
        own.append(ReplyPart(payload.ended_at or payload.t, "own", {"text": payload.plain}))
    later = [
        *_on_socket(watcher, sent, payload),
        *_elsewhere(watcher, payload),
        *_other_sockets(watcher, payload),
    ]
    return sorted([*own, *(p for p in later if payload.t <= p.t <= until)], key=lambda p: p.t)


def _on_socket(watcher: Watcher, sent: SentMessages, payload: Payload) -> Iterator[ReplyPart]:
    """All frames of the payload's socket: the decoder needs those before the message too."""
    if payload.transport != "websocket":
        return
    decoder = make_decoder(sent.framing)
    for frame in watcher.frames:
        if frame.socket == payload.socket:
            for message in decoder.decode(frame.data, False):
                yield ReplyPart(frame.t, "socket", sent.read(message.value), message.key, message.final)


def _elsewhere(watcher: Watcher, payload: Payload) -> Iterator[ReplyPart]:
    """The responses to other requests; each item of a list is one part."""
    for other in watcher.payloads:
        if other is payload or other.transport != "http":
            continue
        pattern = url_pattern([other.url])
        for t, event, value in other.values:
            for item in value if isinstance(value, list) else [value]:
                yield ReplyPart(t, "http:" + pattern, with_event(item, event))
        if other.plain and not other.values:
            yield ReplyPart(other.ended_at or other.t, "text:" + pattern, {"text": other.plain})


def _other_sockets(watcher: Watcher, payload: Payload) -> Iterator[ReplyPart]:
    """The frames of sockets on which the message was not sent."""
    decoders = {}
    for frame in watcher.frames:
        if frame.socket == payload.socket:
            continue
        if frame.socket not in decoders:
            decoders[frame.socket] = make_decoder(framing_of(watcher, frame.socket))
        pattern = url_pattern([watcher.sockets.get(frame.socket, ("", {}))[0]])
        for message in decoders[frame.socket].decode(frame.data, False):
            yield ReplyPart(frame.t, "ws:" + pattern, message.value, message.key, message.final)


def reply_channel(
    per_turn: list[list[ReplyPart]], turns: Sequence[Turn], sent: SentMessages
) -> tuple[str, float]:
    """The channel on which the text arrived that appeared on the page, and how much of it arrived there (0 to 1)."""
    scores: dict[str, float] = {}
    for parts, turn in zip(per_turn, turns, strict=True):
        shown = _reply_text(turn)
        for channel in {p.channel for p in parts}:
            texts = texts_by_path([p.value for p in parts if p.channel == channel])
            samples = _samples(shown)
            match = max((sum(sample in text for sample in samples) for text in texts), default=0)
            scores[channel] = scores.get(channel, 0.0) + match / max(1, len(samples))
    matched = dict(scores)
    expected = "socket" if sent.transport == "websocket" else "own"
    # A bonus: a response elsewhere that repeats the message (a list of chats) must not win.
    scores[expected] = scores.get(expected, 0.0) + 0.1 * len(turns)
    best = max(scores, key=lambda w: scores[w])
    return best, matched.get(best, 0.0) / max(1, len(turns))


def _samples(shown: str) -> list[str]:
    return [shown[i : i + 12] for i in range(0, max(1, len(shown) - 12), 6)] if shown else []


def event_list(chosen: Sequence[Sequence[ReplyPart]], turns: Sequence[Turn]) -> str | None:
    """The key of a list of events in the parts, where each reply's text is in such a list; None: the parts are no lists.

    Only where a list has several events, or text and other events come in lists of one: a list of choices or of words is no
    list of events.
    """
    keys: list[set[str]] = []
    for parts, turn in zip(chosen, turns, strict=True):
        holders = [p.value for p in with_reply_text(list(parts), turn) if isinstance(p.value, dict)]
        keys.append(
            {
                key
                for value in holders
                for key, items in value.items()
                if isinstance(items, list) and items and all(_is_event(item) for item in items)
            }
        )
    common = set.intersection(*keys) if keys else set()
    return min(common, default=None)


def _is_event(item: Any) -> bool:
    """It names what it is, and who sent it or what it belongs to: ``{"type": "message", "from": …, "id": …}``."""
    return (
        isinstance(item, dict)
        and "type" in item
        and len({"id", "from", "sender", "author", "timestamp"} & set(item)) >= 1
    )


def events_of(part: ReplyPart, each: str) -> list[ReplyPart]:
    """The events of a part; the part itself where it has no such list."""
    items = part.value.get(each) if isinstance(part.value, dict) else None
    if not isinstance(items, list):
        return [part]
    return [ReplyPart(part.t, part.channel, item, part.key, part.final) for item in items]


def without_echo(parts: Sequence[ReplyPart], turn: Turn) -> list[ReplyPart]:
    """The parts that do not repeat the message; all of them where the reply's text itself repeats it."""
    rest = [p for p in parts if turn.nonce not in json.dumps(p.value, default=str)]
    shown = _reply_text(turn)
    texts = [letters_and_digits(text) for text in joined_texts([p.value for p in rest]).values()]
    return rest if any(sample in text for sample in _samples(shown) for text in texts) else list(parts)


def text_places(chosen: Sequence[Sequence[ReplyPart]], turns: Sequence[Turn]) -> set[str]:
    """The places whose values, joined, are the text of a reply."""
    found = set()
    for parts, turn in zip(chosen, turns, strict=True):
        shown = _reply_text(turn)
        for place, text in joined_texts([p.value for p in parts]).items():
            bare = letters_and_digits(text)
            if len(bare) >= 12 and any(sample in bare for sample in _samples(shown)):
                found.add(place)
    return found


def joined_texts(values: Sequence[Any]) -> dict[str, str]:
    """Place -> its text over all ``values``."""
    by_place: dict[str, list[str]] = {}
    for value in values:
        for path, leaf in leaves(value):
            if isinstance(leaf, str):
                by_place.setdefault(place_of(path), []).append(leaf)
    return {place: "".join(parts) for place, parts in by_place.items()}


def texts_by_path(values: Sequence[Any]) -> list[str]:
    """The text of each path over all ``values``. Per path, because a stream may repeat an ID beside each word."""
    return [letters_and_digits(text) for text in joined_texts(values).values()]


def _reply_text(turn: Turn) -> str:
    """Text of the page after the sent message."""
    return letters_and_digits(turn.shown.split(turn.nonce, 1)[-1])[:2000]


def with_reply_text(parts: list[ReplyPart], turn: Turn) -> list[ReplyPart]:
    """Those that contain text of the reply."""
    shown = _reply_text(turn)
    found = []
    for part in parts:
        texts = [letters_and_digits(str(v)) for _, v in leaves(part.value) if isinstance(v, str)]
        if any(len(t) > 1 and (t in shown or (len(t) > 12 and t[:12] in shown)) for t in texts):
            found.append(part)
    return found
