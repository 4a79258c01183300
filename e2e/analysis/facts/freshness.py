"""Which chats carry a session ID of an earlier chat: the common part of the rotation checks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from e2e.analysis.facts.id_history import carries, contexts, given_by_reply, id_history
from e2e.analysis.facts.ownership import foreign
from e2e.analysis.ids.book import Layer, MaskedId, Place
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow, TransitionRow
from e2e.analysis.model.verdict import ChatKey
from e2e.quick import quick

__all__ = [
    "LAYERS",
    "Freshness",
    "Layer",
    "Place",
    "carries",
    "contexts",
    "freshness",
    "given_by_reply",
    "holders",
    "ids_of_chats",
    "timed_ids",
]

LAYERS: tuple[Layer, ...] = ("stored", "sent")


@quick
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
    others = foreign(run)
    looks = _looks(run, layer)
    transitions = {t.key: t for t in run.every(TransitionRow) if t.scenario == "plain"}
    for chat in run.plain:
        key = chat.key
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
        issued = [one.session for one in others.get(key, ()) if one.layer == layer]
        repeated = list(dict.fromkeys([*repeated, *issued]))
        if layer == "stored" and transition is not None and transition.stored_before in mine:
            repeated = list(dict.fromkeys([transition.stored_before, *repeated]))
        if blocked and not repeated:
            continue  # a refused message shows no rotation; an old ID in it is one all the same
        had_id = looks.get(key)
        yield Freshness(
            key,
            after_new_chat=transition is not None,
            seen=had_id is not None or bool(issued),
            ids=mine,
            repeated=tuple(repeated),
            none=had_id is False,
        )


def _looks(run: Run, layer: Layer) -> Mapping[ChatKey, bool]:
    """Whether a chat had an ID at the first look at it."""
    found: dict[ChatKey, bool] = {}
    given = given_by_reply(run)
    if layer == "stored" and not given:  # the store when the chat's first payload left
        found |= {c.key: c.stored is not None for c in run.every(ChatRow) if c.stored_seen}
    for m in run.every(MessageRow):
        seen, value = (m.sent_seen, m.sent) if layer == "sent" else (m.stored_seen, m.stored)
        # It is excused from carrying an ID, and from nothing else: one that it carries is seen.
        excused = given and m.number == 0 and not (layer == "sent" and carries(run, m))
        if seen and not excused:
            found.setdefault(m.key, value is not None)
    return found


def timed_ids(run: Run, chat: ChatRow, messages: Sequence[MessageRow]) -> tuple[tuple[float, str], ...]:
    """When each ID of a chat was first seen in it, stored or sent: an older chat may come to another chat's ID later."""
    own = {i for layer in LAYERS for i in ids_of_chats(run, layer)[chat.key]}
    found: dict[str, float] = {}
    if chat.stored is not None and chat.stored in own:
        found[chat.stored] = chat.began
    for m in messages:
        t = m.sent_at if m.sent_at is not None else chat.began
        for i in (m.stored, m.sent):
            if i is not None and i in own and t < found.get(i, math.inf):
                found[i] = t
    return tuple(sorted((t, i) for i, t in found.items()))
