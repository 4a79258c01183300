"""Which chats carry a session ID of an earlier chat: the common part of the rotation checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from e2e.analysis.facts.id_history import (
    Layer,
    MaskedId,
    Place,
    carries,
    contexts,
    given_by_reply,
    id_history,
)
from e2e.analysis.facts.ownership import foreign
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow, TransitionRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

__all__ = [
    "LAYERS",
    "Freshness",
    "Layer",
    "Place",
    "carries",
    "contexts",
    "first_times",
    "freshness",
    "given_by_reply",
    "holders",
    "ids_of_chats",
    "timed_ids",
]

LAYERS: tuple[Layer, ...] = ("stored", "sent")


@dataclass(frozen=True, slots=True)
class Freshness:
    """One chat's IDs at one layer, compared with those of all chats that began earlier."""

    key: ChatKey
    after_new_chat: bool
    """A transition; else a chat that began with a page load, for which only another browser's ID is a repeat."""
    seen: bool
    ids: tuple[str, ...]
    repeated: tuple[str, ...]
    """Those of ``ids`` that an earlier chat had."""
    none: bool
    """It was looked for, and there was no ID."""

    @property
    def bad(self) -> bool:
        return bool(self.repeated) or (self.none and self.after_new_chat)


def freshness(run: Run, layer: Layer) -> tuple[Freshness, ...]:
    """Every transition into a plain chat, and every plain one that began with a page load, in order of their begin."""
    return run.once(f"freshness.{layer}", lambda: tuple(_freshness(run, layer)))


def ids_of_chats(run: Run, layer: Layer) -> Mapping[ChatKey, tuple[str, ...]]:
    """The distinct IDs of each chat at one layer, in order of their appearance."""
    return id_history(run).ids[layer]


def holders(run: Run, layer: Layer) -> Mapping[MaskedId, Mapping[Place, int]]:
    """The contexts that had an ID, each with the order of its first chat that did."""
    return id_history(run).holders[layer]


def _freshness(run: Run, layer: Layer) -> Iterator[Freshness]:
    ids, had, places = ids_of_chats(run, layer), holders(run, layer), contexts(run)
    looks = _looks(run, layer)
    transitions = {key_of(t): t for t in run.every(TransitionRow) if t.scenario == "plain"}
    for chat in run.every(ChatRow):
        if chat.scenario != "plain":
            continue
        key = key_of(chat)
        transition = transitions.get(key)
        blocked = chat.status == "blocked" and layer == "sent"
        if chat.status != "observed" and not (blocked and transition is not None):
            continue
        if transition is None and chat.via != "load":
            continue  # the chat before was not seen: there is nothing to compare this one with
        mine = ids[key]
        repeated = [
            session
            for session in mine
            if any(
                order < chat.order and (transition is not None or place != places[key])
                for place, order in had[chat.mask_key, session].items()
            )
        ]
        issued = [one.session for one in foreign(run).get(key, ()) if one.layer == layer]
        repeated = list(dict.fromkeys([*repeated, *issued]))
        if layer == "stored" and transition is not None and transition.stored_before in mine:
            repeated = list(dict.fromkeys([transition.stored_before, *repeated]))
        if blocked and not repeated:
            continue  # a refused message shows no rotation; an old ID in it is one all the same
        look = looks.get(key)
        yield Freshness(
            key,
            after_new_chat=transition is not None,
            seen=look is not None or bool(issued),
            ids=mine,
            repeated=tuple(repeated),
            none=look is not None and not look.had_id,
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """The first look at a chat's ID."""

    had_id: bool


def _looks(run: Run, layer: Layer) -> Mapping[ChatKey, _Look]:
    found: dict[ChatKey, _Look] = {}
    given = given_by_reply(run)
    if layer == "stored" and not given:  # the store when the chat's first payload left
        found |= {key_of(c): _Look(c.stored is not None) for c in run.every(ChatRow) if c.stored_seen}
    for m in run.every(MessageRow):
        seen, value = (m.sent_seen, m.sent) if layer == "sent" else (m.stored_seen, m.stored)
        # It is excused from carrying an ID, and from nothing else: one that it carries is seen.
        excused = given and m.number == 0 and not (layer == "sent" and carries(run, m))
        if seen and not excused:
            found.setdefault(key_of(m), _Look(value is not None))
    return found


def timed_ids(run: Run, chat: ChatRow, messages: Sequence[MessageRow]) -> list[tuple[float, str]]:
    """When each ID was seen in a chat, stored or sent: an older chat may come to another chat's ID later."""
    own = {i for layer in LAYERS for i in ids_of_chats(run, layer)[key_of(chat)]}
    found = [(chat.began, chat.stored)] if chat.stored is not None and chat.stored in own else []
    for m in messages:
        t = m.sent_at if m.sent_at is not None else chat.began
        found += [(t, i) for i in (m.stored, m.sent) if i is not None and i in own]
    return found


def first_times(
    run: Run, chats: Sequence[ChatRow], messages: Mapping[ChatKey, Sequence[MessageRow]]
) -> Mapping[MaskedId, Mapping[Place, float]]:
    """``(mask_key, ID)`` -> the contexts that had it, each with the time at which it was first seen there."""
    places = contexts(run)
    found: dict[MaskedId, dict[Place, float]] = defaultdict(dict)
    for chat in chats:
        place = places[key_of(chat)]
        for t, session in timed_ids(run, chat, messages[key_of(chat)]):
            holding = found[chat.mask_key, session]
            holding[place] = min(t, holding.get(place, t))
    return found
