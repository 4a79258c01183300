"""Which chats carry a session ID that was there before: the common part of the rotation checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from e2e.analysis.facts.ownership import foreign, provisional
from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

Layer = Literal["sent", "stored"]
LAYERS: tuple[Layer, ...] = ("stored", "sent")
Place = tuple[str, int, int]
"""One browser context: run, lane, number of the context."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """One chat's IDs at one layer, held against everything seen in chats that began earlier."""

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


def contexts(run: Run) -> Mapping[ChatKey, Place]:
    """The browser context of each chat."""
    return run.once("contexts", lambda: {key_of(c): (c.run_id, c.lane, c.context) for c in rows(run.chats)})


def ids_of_chats(run: Run, layer: Layer) -> Mapping[ChatKey, tuple[str, ...]]:
    """The distinct IDs of each chat at one layer, in order of their appearance."""

    def collect() -> dict[ChatKey, tuple[str, ...]]:
        found: dict[ChatKey, dict[str, None]] = {key_of(c): {} for c in rows(run.chats)}
        for chat in rows(run.chats) if layer == "stored" and not given_by_reply(run) else ():
            if chat.stored_seen and chat.stored is not None:
                found[key_of(chat)][chat.stored] = None
        for m in rows(run.messages):
            if layer == "stored" and m.number == 0 and given_by_reply(run):
                continue  # what the store held before the backend gave the new ID is nobody's
            if layer == "sent" and (key_of(m), m.number) in provisional(run):
                continue  # it held the place of the ID that the reply issued
            value = getattr(m, layer)
            if getattr(m, f"{layer}_seen") and value is not None:
                found[key_of(m)][value] = None
        return {key: tuple(ids) for key, ids in found.items()}

    return run.once(f"ids_of_chats.{layer}", collect)


def holders(run: Run, layer: Layer) -> Mapping[tuple[str, str], Mapping[Place, int]]:
    """``(mask_key, ID)`` -> the contexts that had it, each with the order of its first chat that did."""

    def collect() -> dict[tuple[str, str], dict[Place, int]]:
        ids, places = ids_of_chats(run, layer), contexts(run)
        found: dict[tuple[str, str], dict[Place, int]] = defaultdict(dict)
        for chat in rows(run.chats):
            for session in ids[key_of(chat)]:
                found[chat.mask_key, session].setdefault(places[key_of(chat)], chat.order)
        return dict(found)

    return run.once(f"holders.{layer}", collect)


def _freshness(run: Run, layer: Layer) -> list[Freshness]:
    ids, had, places = ids_of_chats(run, layer), holders(run, layer), contexts(run)
    seen = _seen(run, layer)
    transitions = {key_of(t): t for t in rows(run.plain_transitions)}
    found: list[Freshness] = []
    for chat in rows(run.plain):
        key = key_of(chat)
        transition = transitions.get(key)
        blocked = chat.status == "blocked" and layer == "sent"
        if chat.status != "observed" and not (blocked and transition is not None):
            continue
        if transition is None and chat.via != "load":
            continue  # the chat before was not seen: there is nothing to hold this one against
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
            continue  # what was refused shows no rotation; an old ID is one all the same
        found.append(
            Freshness(
                key,
                transition is not None,
                seen[key].any or bool(issued),
                mine,
                tuple(repeated),
                seen[key].none_first,
            )
        )
    return found


@dataclass(slots=True)
class _Sight:
    any: bool = False
    none_first: bool = False


def _seen(run: Run, layer: Layer) -> Mapping[ChatKey, _Sight]:
    found: dict[ChatKey, _Sight] = {key_of(c): _Sight() for c in rows(run.chats)}

    def note(row: Any) -> None:
        sight = found[key_of(row)]
        if getattr(row, f"{layer}_seen"):
            if not sight.any:
                sight.none_first = getattr(row, layer) is None
            sight.any = True

    for row in rows(run.chats) if layer == "stored" and not given_by_reply(run) else ():
        note(row)  # the store when the chat's first payload left
    for row in rows(run.messages):
        # It is excused from carrying an ID, and from nothing else: one that it carries is seen.
        if row.number or not given_by_reply(run) or (layer == "sent" and carries(run, row)):
            note(row)
    return found


def given_by_reply(run: Run) -> bool:
    """The backend makes the ID and gives it with the first reply: a chat's first message carries none."""
    return run.policy.rotation == "on_first_reply"


def carries(run: Run, message: Any) -> bool:
    """It carried an ID that counts, or should have: a first message that the backend's reply names afterwards need carry none."""
    if not given_by_reply(run):
        return True
    if (key_of(message), message.number) in provisional(run):
        return False
    return bool(message.number) or message.sent is not None


def timed_ids(run: Run, chat: Any, messages: Sequence[Any]) -> list[tuple[float, str]]:
    """When each ID was seen in a chat, stored or sent: an older chat may come to another chat's ID later."""
    own = {i for layer in LAYERS for i in ids_of_chats(run, layer)[key_of(chat)]}
    found = [(chat.began, chat.stored)] if chat.stored in own else []
    for m in messages:
        t = m.sent_at if m.sent_at is not None else chat.began
        found += [(t, i) for i in (m.stored, m.sent) if i in own]
    return found


def first_times(
    run: Run, chats: Sequence[Any], messages: Mapping[ChatKey, Sequence[Any]]
) -> Mapping[tuple[str, str], Mapping[Place, float]]:
    """``(mask_key, ID)`` -> the contexts that had it, each with the time at which it was first seen there."""
    places = contexts(run)
    found: dict[tuple[str, str], dict[Place, float]] = defaultdict(dict)
    for chat in chats:
        place = places[key_of(chat)]
        for t, session in timed_ids(run, chat, messages[key_of(chat)]):
            holding = found[chat.mask_key, session]
            holding[place] = min(t, holding.get(place, t))
    return found
