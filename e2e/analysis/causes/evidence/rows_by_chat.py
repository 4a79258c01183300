"""Rows of a run by chat and by lane, and the IDs of one chat by time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Protocol

from e2e.analysis.facts.freshness import carries
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow, StorageRow, TransitionRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of


class TimedIds:
    """The IDs of one chat by the time at which each was seen.

    Every later chat of the browser context reads them: a set of its own for each pair of chats took 17 of 43 s for 4,000 chats,
    and 200 bytes a pair.
    """

    __slots__ = ("_all", "_last", "_timed", "timed")

    def __init__(self, timed: Sequence[tuple[float, str]]) -> None:
        self.timed = timed
        self._all = frozenset(i for _, i in timed)
        self._last = max((t for t, _ in timed), default=float("-inf"))

    def until(self, time: float) -> frozenset[str]:
        """Those that were seen until then. A chat that was returned to, or another tab's, goes on beside later ones."""
        return self._all if self._last <= time else frozenset(i for t, i in self.timed if t <= time)


class ContextChats:
    """The chats of one browser context in their order, with their IDs, and the providers that replied to them."""

    def __init__(self) -> None:
        self.ids: list[TimedIds] = []
        self.providers: dict[str, int] = {}
        """Each provider with the number of the chat that it replied to first."""
        self._seen: dict[str, list[tuple[int, float]]] = {}

    def add(self, timed: Sequence[tuple[float, str]], providers: Iterable[str]) -> None:
        """Add the next chat."""
        number = len(self.ids)
        self.ids.append(TimedIds(timed))
        for t, session in timed:
            self._seen.setdefault(session, []).append((number, t))
        for provider in providers:
            self.providers.setdefault(provider, number)

    def had(self, session: object, before: int, time: float) -> bool:
        """One of the first ``before`` chats had the ID until then."""
        return isinstance(session, str) and any(
            n < before and t <= time for n, t in self._seen.get(session, ())
        )


class Earlier(Protocol):
    """The IDs of each of some chats, oldest first."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[frozenset[str]]: ...

    def __getitem__(self, index: int, /) -> frozenset[str]: ...


class EarlierChats:
    """The IDs of each chat that came before one in its context, until that one began; oldest first. Takes no room of its own."""

    __slots__ = ("_began", "_chats", "_number")

    def __init__(self, chats: ContextChats, number: int, began: float) -> None:
        self._chats, self._number, self._began = chats, number, began

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[frozenset[str]]:
        return (self[n] for n in range(self._number))

    def __getitem__(self, index: int, /) -> frozenset[str]:
        return self._chats.ids[range(self._number)[index]].until(self._began)

    def had(self, session: object) -> bool:
        """One of them had the ID."""
        return self._chats.had(session, self._number, self._began)


class OldIds(AbstractSet[str]):
    """The IDs of all earlier chats, and others. It holds what one of them does: 10,000 chats would copy 50 million IDs."""

    __slots__ = ("_also", "_earlier")

    def __init__(self, earlier: Earlier, also: frozenset[str]) -> None:
        self._earlier, self._also = earlier, also

    @classmethod
    def _from_iterable(cls, it: Iterable[str]) -> frozenset[str]:  # type: ignore[override]
        """What set operations give."""
        return frozenset(it)

    def __contains__(self, session: object) -> bool:
        if session in self._also:
            return True
        if isinstance(self._earlier, EarlierChats):
            return self._earlier.had(session)
        return any(session in ids for ids in self._earlier)

    def __iter__(self) -> Iterator[str]:
        return iter(self._also.union(*self._earlier))

    def __len__(self) -> int:
        return len(self._also.union(*self._earlier))


class EarlierProviders(Collection[str]):
    """The providers of the replies before a chat in its browser context."""

    __slots__ = ("_chats", "_number")

    def __init__(self, chats: ContextChats, number: int) -> None:
        self._chats, self._number = chats, number

    def __contains__(self, provider: object) -> bool:
        return isinstance(provider, str) and self._chats.providers.get(provider, self._number) < self._number

    def __iter__(self) -> Iterator[str]:
        return (provider for provider, n in self._chats.providers.items() if n < self._number)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class LanePayloads(tuple[tuple[float, str], ...]):
    """Time and ID of every message's payload in a lane, in order of time."""

    @cached_property
    def last(self) -> Mapping[str, float]:
        """When each ID was sent last."""
        return {session: t for t, session in self}

    def after(self, time: float) -> bool:
        """Something was sent after that."""
        return bool(self) and self[-1][0] > time

    @classmethod
    def of(cls, sent: Sequence[tuple[float, str]]) -> LanePayloads:
        """``sent`` itself, if it is one."""
        return sent if isinstance(sent, LanePayloads) else cls(sent)


def messages_by_chat(run: Run) -> Mapping[ChatKey, list[MessageRow]]:
    """Each chat's messages in their order; an empty list for a chat without any."""
    found: dict[ChatKey, list[MessageRow]] = defaultdict(list)
    for m in run.every(MessageRow):
        found[key_of(m)].append(m)
    return found


def own_writes_by_lane(run: Run) -> Mapping[tuple[str, int], list[StorageRow]]:
    """``(run, lane)`` -> the writes to the session's own key, in their order."""
    found: dict[tuple[str, int], list[StorageRow]] = defaultdict(list)
    for w in run.every(StorageRow):
        if w.own:
            found[w.run_id, w.lane].append(w)
    return found


def first_ids(
    run: Run, chats: Sequence[ChatRow], messages: Mapping[ChatKey, Sequence[MessageRow]]
) -> frozenset[str]:
    """The ID that each chat sent first: a later message may have carried another chat's ID."""
    first = (next((m for m in messages[key_of(c)] if carries(run, m)), None) for c in chats)
    return frozenset(m.sent for m in first if m is not None and m.sent is not None)


def key_before(transition: TransitionRow | None) -> ChatKey | None:
    """The chat that this transition left."""
    if transition is None:
        return None
    return ChatKey(transition.run_id, transition.lane, transition.chat_before)
