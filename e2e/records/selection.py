"""Some of a run's events: by kind, without those of experiments; changed one by one. A run that was read for judging has an index."""

from __future__ import annotations

import gc
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from e2e.records.records import SIDE_LANE, Event

Change = Callable[[Event], Event | None]


class Indexed(Sequence[Event]):
    """Events that are kept by kind."""

    @property
    @abstractmethod
    def side(self) -> tuple[Event, ...]:
        """The events of experiments and random tests."""

    @abstractmethod
    def of(
        self, *kinds: str, chat: tuple[int, int] | None = None, only: Collection[str] | None = None
    ) -> Iterator[Event]:
        """The events of these kinds, kind by kind; without those of experiments and random tests. Those of one lane and chat only,
        where ``chat`` is given. At least the fields ``only`` of their data, where that is given.
        """

    @abstractmethod
    def starts(self) -> Iterator[Event]:
        """At least the storage events of page loads; without those of experiments and random tests."""

    @abstractmethod
    def without_side(self) -> Self:
        """The same without the events of experiments and random tests."""

    @abstractmethod
    def changed(self, change: Change) -> Self:
        """The same events, each as ``change`` gives it; without those for which it gives None."""


def of_kind(
    events: Iterable[Event],
    *kinds: str,
    chat: tuple[int, int] | None = None,
    only: Collection[str] | None = None,
) -> Iterator[Event]:
    """Those of ``events`` that are of these kinds, and of this lane and chat, where it is given.

    With at least the fields ``only`` of their data, where that is given.
    """
    if isinstance(events, Indexed):
        yield from events.of(*kinds, chat=chat, only=only)
        events = events.side
    for event in events:
        if event.kind in kinds and chat in (None, (event.lane, event.chat)):
            yield event


def page_starts(events: Iterable[Event]) -> Iterator[Event]:
    """The looks at the store when a page was loaded."""
    found = events.starts() if isinstance(events, Indexed) else events
    return (e for e in found if e.kind == "storage" and e.data.get("op") == "start")


@contextmanager
def collector_paused() -> Iterator[None]:
    """Without Python's cyclic collector. Records, rows and verdicts have no cycles, and a million of them are looked through again
    and again: a fifth of the time.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def keep_from_collector(chats: int) -> None:
    """Keep all that is there now out of the cyclic collector, where it is a large run: what a report allocates, and pytest's
    collections at its end, would have ten million rows looked through each time. A process judges one such run.
    """
    if chats > _LARGE:
        gc.freeze()


_LARGE = 20_000


def side_events(events: Iterable[Event]) -> tuple[Event, ...]:
    """Those of experiments and random tests."""
    return events.side if isinstance(events, Indexed) else tuple(e for e in events if e.lane >= SIDE_LANE)


def without_side(events: Sequence[Event]) -> Sequence[Event]:
    """Those that are of no experiment and no random test."""
    if isinstance(events, Indexed):
        return events.without_side()
    return tuple(e for e in events if e.lane < SIDE_LANE)


def changed(events: Sequence[Event], change: Change) -> Sequence[Event]:
    """The same events, each as ``change`` gives it; without those for which it gives None."""
    if isinstance(events, Indexed):
        return events.changed(change)
    return tuple(new for event in events if (new := change(event)) is not None)
