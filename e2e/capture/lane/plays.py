"""Which scenario a lane plays next: all lanes of a run take them from one queue, the longest first."""

from __future__ import annotations

from collections.abc import Iterable

from e2e.capture.scenarios.catalogue import Scenario


class PlayQueue:
    """Plays that no lane has begun. A lane that has ended its plain chats takes one, and another when that is over.

    Dealt out before the run, they left two of four lanes with 18 messages and two with 11.
    """

    def __init__(self, plays: Iterable[Scenario]) -> None:
        self._left = sorted(plays, key=lambda scenario: -scenario.length)
        self._taken: dict[int, set[str]] = {}

    def take(self, lane: int) -> Scenario | None:
        """The longest that is left and that this lane has not played: several plays of a scenario are those of several lanes."""
        mine = self._taken.setdefault(lane, set())
        found = next((scenario for scenario in self._left if scenario.name not in mine), None)
        if found is not None:
            self._left.remove(found)
            mine.add(found.name)
        return found

    def give_back(self, lane: int, scenario: Scenario) -> None:
        """``lane`` took it and cannot begin it: another lane may."""
        self._left.append(scenario)
        self._left.sort(key=lambda scenario: -scenario.length)
        self._taken[lane].add(scenario.name)


class LanePlays:
    """The plays of one lane: the next one is taken when it is looked at, and begun with `begin`."""

    def __init__(self, queue: PlayQueue, lane: int) -> None:
        self._queue = queue
        self._lane = lane
        self._next: Scenario | None = None

    @property
    def next(self) -> Scenario | None:
        """What this lane plays next; None when nothing is left for it."""
        if self._next is None:
            self._next = self._queue.take(self._lane)
        return self._next

    def begin(self) -> Scenario:
        """Take the next one to play it now."""
        scenario, self._next = self.next, None
        assert scenario is not None
        return scenario

    def end(self) -> None:
        """The lane plays no more."""
        if self._next is not None:
            self._queue.give_back(self._lane, self._next)
            self._next = None
