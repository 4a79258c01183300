"""All session IDs of a run: who had which one where, and who first. In little room: 1,000,000 chats have as many IDs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, IssuedRow, MessageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

Layer = Literal["sent", "stored"]
Place = tuple[str, int, int]
"""One browser context: run, lane, number of the context."""
MaskedId = tuple[str, str]
"""Mask key and session ID."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The first time that a chat sent an ID, or was issued it."""

    t: float
    key: ChatKey
    issued: bool
    """A reply to the chat's message brought it; else the chat's payload did."""


class Known:
    """What is known of one ID. A judgement keeps one for each ID: four mappings of their own took 800 bytes a chat."""

    __slots__ = ("claim", "first", "sent", "stored")

    def __init__(self) -> None:
        self.claim: Claim | None = None
        self.first: tuple[float, ChatKey] | None = None
        """None where the claim tells it."""
        self.sent: _Holders = None
        self.stored: _Holders = None


_Holders = ChatRow | dict[Place, int] | None
"""The first chat of the one context that had an ID; or the contexts, each with the order of its first chat."""


class Contexts(Mapping[ChatKey, Place]):
    def __init__(self, chats: Mapping[ChatKey, ChatRow]) -> None:
        self._chats = chats

    def __getitem__(self, key: ChatKey) -> Place:
        return place_of(self._chats[key])

    def __iter__(self) -> Iterator[ChatKey]:
        return iter(self._chats)

    def __len__(self) -> int:
        return len(self._chats)


Ids = str | tuple[str, ...] | None
"""The IDs of a chat: nearly all chats have one, and a tuple takes 48 bytes more."""


def with_id(ids: Ids, session: str) -> Ids:
    """``ids``, and ``session`` where it is not among them."""
    if ids is None or ids == session:
        return session
    if isinstance(ids, str):
        return (ids, session)
    return ids if session in ids else (*ids, session)


class IdsOfChats(Mapping[ChatKey, tuple[str, ...]]):
    def __init__(self, chats: Mapping[ChatKey, ChatRow], ids: Sequence[Ids]) -> None:
        self._chats, self._ids = chats, ids

    def __getitem__(self, key: ChatKey) -> tuple[str, ...]:
        ids = self._ids[self._chats[key].order]
        return () if ids is None else (ids,) if isinstance(ids, str) else ids

    def __iter__(self) -> Iterator[ChatKey]:
        return iter(self._chats)

    def __len__(self) -> int:
        return len(self._chats)


class Book:
    """All IDs, by mask key."""

    def __init__(self) -> None:
        self.ids: dict[str, dict[str, Known]] = {}

    def known(self, mask_key: str, session: str) -> Known:
        ids = self.ids.get(mask_key)
        if ids is None:
            ids = self.ids[mask_key] = {}
        known = ids.get(session)
        if known is None:
            known = ids[session] = Known()
        return known

    def held(self, layer: Layer, chat: ChatRow, session: str) -> None:
        """``chat`` had the ID; chats come in order of their begin."""
        known = self.known(chat.mask_key, session)
        before: _Holders = getattr(known, layer)
        if before is None:
            setattr(known, layer, chat)
        elif isinstance(before, dict):
            before.setdefault(place_of(chat), chat.order)
        elif before is not chat and (place := place_of(chat)) != place_of(before):
            setattr(known, layer, {place_of(before): before.order, place: chat.order})

    def claims(self, run: Run) -> None:
        """Note which chat sent each ID first, or was issued it; sent, where both are of one moment."""
        for m in run.every(MessageRow):
            if m.sent_seen and m.sent is not None and m.sent_at is not None:
                self._claim(m.mask_key, m.sent, m.sent_at, m.key, issued=False)
        for i in run.every(IssuedRow):
            if i.session is not None and i.chat is not None:
                self._claim(i.mask_key, i.session, i.t, _issued_to(run, i), issued=True)

    def _claim(self, mask_key: str, session: str, t: float, key: ChatKey, *, issued: bool) -> None:
        known = self.known(mask_key, session)
        if known.claim is None or t < known.claim.t:
            known.claim = Claim(t, key, issued)

    def appearances(self, run: Run, *, given: bool) -> None:
        """Note when each ID came up first, wherever; after `claims`."""
        for m in run.every(MessageRow):
            if m.sent_at is not None:
                if m.sent_seen and m.sent is not None:
                    self._appears(m.mask_key, m.sent, m.sent_at, m.key)
                if m.stored_seen and m.stored is not None and (m.number or not given):
                    self._appears(m.mask_key, m.stored, m.sent_at, m.key)
            if m.issued is not None and m.ended_at is not None:
                self._appears(m.mask_key, m.issued, m.ended_at, m.key)
        for i in run.every(IssuedRow):
            if i.session is not None:
                self._appears(i.mask_key, i.session, i.t, _issued_to(run, i))

    def _appears(self, mask_key: str, session: str, t: float, key: ChatKey) -> None:
        known = self.known(mask_key, session)
        first = first_of(known)
        if first is None or _in_order(t, key) < _in_order(*first):
            known.first = (t, key)


def _in_order(t: float, key: ChatKey) -> tuple[float, str, int, float]:
    """Where two are of one moment, one of no chat comes last."""
    return t, key.run_id, key.lane, key.chat if key.chat >= 0 else math.inf


def place_of(chat: ChatRow) -> Place:
    """The browser context of a chat."""
    return chat.run_id, chat.lane, chat.context


def _issued_to(run: Run, issued: IssuedRow) -> ChatKey:
    key = key_of(issued)
    chat = run.chat_of.get(key)
    return key if chat is None else chat.key


def first_of(known: Known) -> tuple[float, ChatKey] | None:
    """When an ID came up first, and in which chat."""
    if known.first is None and known.claim is not None:
        return known.claim.t, known.claim.key
    return known.first


def in_contexts(holders: _Holders) -> Mapping[Place, int] | None:
    """The contexts that had an ID, each with the order of its first chat."""
    return {place_of(holders): holders.order} if isinstance(holders, ChatRow) else holders


_V = TypeVar("_V")


class View(Mapping[MaskedId, _V]):
    """One thing that is known of each ID, for the IDs of which it is."""

    def __init__(self, book: Book, of: Callable[[Known], _V | None]) -> None:
        self._ids, self._of = book.ids, of

    def __getitem__(self, at: MaskedId) -> _V:
        found = self._find(at)
        if found is None:
            raise KeyError(at)
        return found

    def _find(self, at: MaskedId) -> _V | None:
        known = self._ids.get(at[0], {}).get(at[1])
        return None if known is None else self._of(known)

    def __contains__(self, at: object) -> bool:
        return isinstance(at, tuple) and self._find(cast(MaskedId, at)) is not None

    def __iter__(self) -> Iterator[MaskedId]:
        return (
            (mask_key, session)
            for mask_key, ids in self._ids.items()
            for session, known in ids.items()
            if self._of(known) is not None
        )

    def __len__(self) -> int:
        return sum(self._of(known) is not None for ids in self._ids.values() for known in ids.values())
