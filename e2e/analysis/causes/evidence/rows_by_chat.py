"""Rows of a run by chat and by lane, and the IDs of one chat by time."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import accumulate, takewhile
from typing import Protocol

from e2e.analysis.facts.freshness import Place, carries, contexts, timed_ids
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow, TransitionRow
from e2e.analysis.model.verdict import ChatKey


class TimedIds:
    """The IDs of one chat by the time at which each was seen.

    Every later chat of the browser context reads them: a set of its own for each pair of chats took 17 of 43 s for 4,000 chats,
    and 200 bytes a pair.
    """

    __slots__ = ("_all", "timed")

    def __init__(self, timed: Sequence[tuple[float, str]]) -> None:
        self.timed = timed
        self._all: frozenset[str] | None = None
        """Made when it is read: of few chats in a run of right ones, and 216 bytes."""

    def until(self, time: float) -> frozenset[str]:
        """Those that were seen until then. A chat that was returned to, or another tab's, goes on beside later ones."""
        if any(t > time for t, _ in self.timed):
            return frozenset(i for t, i in self.timed if t <= time)
        if self._all is None:
            self._all = frozenset(i for _, i in self.timed)
        return self._all


class ContextChats:
    """The chats of one browser context in their order, with their IDs, and the providers that replied to them."""

    def __init__(self) -> None:
        self.ids: list[TimedIds] = []
        self.providers: dict[str, int] = {}
        """Each provider with the number of the chat that it replied to first."""
        self._seen: dict[str, int | list[int]] = {}
        """The number of the chat that had an ID; of all, where several had it."""

    def add(self, timed: Sequence[tuple[float, str]], providers: Iterable[str]) -> None:
        """Add the next chat."""
        number = len(self.ids)
        self.ids.append(TimedIds(timed))
        for _, session in timed:
            before = self._seen.setdefault(session, number)
            if isinstance(before, list):
                before.append(number)
            elif before != number:
                self._seen[session] = [before, number]
        for provider in providers:
            self.providers.setdefault(provider, number)

    def had(self, session: object, before: int, time: float) -> bool:
        """One of the first ``before`` chats had the ID until then."""
        if not isinstance(session, str):
            return False
        seen = self._seen.get(session, ())
        for n in (seen,) if isinstance(seen, int) else seen:
            if n >= before:
                break
            if any(t <= time and i == session for t, i in self.ids[n].timed):
                return True
        return False


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


class MessagesByChat:
    """Each chat's messages in their order; none for a chat without any. Takes 8 bytes a chat."""

    def __init__(self, run: Run) -> None:
        self._chats, self._rows = run.chat_of, run.every(MessageRow)
        self._ends = array("q", bytes(8 * len(self._chats)))
        for n, m in enumerate(self._rows, 1):  # in the order of their chats
            self._ends[m.order] = n
        self._ends = array("q", accumulate(self._ends, max))

    def __getitem__(self, key: ChatKey) -> Sequence[MessageRow]:
        order = self._chats[key].order
        return self._rows[self._ends[order - 1] if order else 0 : self._ends[order]]


class Carriers:
    """The messages of a chat that must carry its ID: what most rules read, so it is made once."""

    __slots__ = ("_running", "_sent")
    _running: tuple[MessageRow, ...]
    _sent: tuple[str | None, ...]
    messages: tuple[MessageRow, ...]
    without_id: frozenset[int]

    @property
    def running(self) -> tuple[MessageRow, ...]:
        """The messages that must carry the chat's ID and were seen, until a page load; without those after other user actions."""
        try:
            return self._running
        except AttributeError:
            same_page = takewhile(lambda m: m.number == 0 or not m.loaded, self.messages)
            seen = [m for m in same_page if m.sent_seen and m.number not in self.without_id]
            found = tuple(m for m in seen if m.after in ("", "back") or m.number == 0)
            object.__setattr__(self, "_running", found)
            return found

    @property
    def sent(self) -> tuple[str | None, ...]:
        try:
            return self._sent
        except AttributeError:
            found = tuple(m.sent for m in self.running)
            object.__setattr__(self, "_sent", found)
            return found


class FirstTimes:
    """When each ID was first seen in a chat, and whether in several browser contexts."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, tuple[float, Place | None]]] = {}

    def add(self, mask_key: str, place: Place, timed: Sequence[tuple[float, str]]) -> None:
        """Note the IDs of one chat."""
        ids = self._known.setdefault(mask_key, {})
        for t, session in timed:
            before = ids.get(session)
            if before is None:
                ids[session] = (t, place)
            else:
                ids[session] = (min(t, before[0]), place if place == before[1] else None)

    def in_several(self, mask_key: str, session: str) -> bool:
        """More than one context had it."""
        return self._known[mask_key][session][1] is None

    def before(self, mask_key: str, session: str, time: float) -> bool:
        """A chat had it before that."""
        return self._known[mask_key][session][0] < time


class AllContexts:
    """The chats of all browser contexts, with their IDs."""

    def __init__(self, run: Run, messages: MessagesByChat) -> None:
        self.had = FirstTimes()
        self._chats, self._places = run.chat_of, contexts(run)
        self._contexts: dict[Place, ContextChats] = defaultdict(ContextChats)
        self._number = array("q")
        """The place of each chat in its context, by its order."""
        for c in run.every(ChatRow):
            mine, place = messages[c.key], self._places[c.key]
            context, timed = self._contexts[place], timed_ids(run, c, mine)
            self._number.append(len(context.ids))
            self.had.add(c.mask_key, place, timed)
            context.add(timed, (m.reply_provider for m in mine if m.reply_provider is not None))

    def place_of(self, chat: ChatRow) -> tuple[ContextChats, int]:
        """The chats of its context, and its place among them."""
        return self._contexts[self._places[chat.key]], self._number[chat.order]

    def timed(self, key: ChatKey | None) -> Sequence[tuple[float, str]]:
        """When each ID of a chat was first seen in it."""
        if key is None or key not in self._chats:
            return ()
        context, number = self.place_of(self._chats[key])
        return context.ids[number].timed


def first_id(run: Run, messages: Sequence[MessageRow]) -> str | None:
    """The ID that a chat of these messages sent first."""
    first = next((m for m in messages if carries(run, m)), None)
    return None if first is None else first.sent


def key_before(transition: TransitionRow | None) -> ChatKey | None:
    """The chat that this transition left."""
    if transition is None:
        return None
    return ChatKey(transition.run_id, transition.lane, transition.chat_before)
