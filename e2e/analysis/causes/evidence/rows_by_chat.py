"""Rows of a run by chat and by lane, and the IDs of one chat by time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import MessageRow, StorageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of


class TimedIds:
    """The IDs of one chat by the time at which each was seen.

    Every later chat of the browser context reads them: a set of its own for each pair of chats took 17 of 43 s for 4,000 chats,
    and 200 bytes a pair.
    """

    def __init__(self, timed: Sequence[tuple[float, str]]) -> None:
        self._timed = timed
        self._all = frozenset(i for _, i in timed)
        self._last = max((t for t, _ in timed), default=float("-inf"))

    def until(self, time: float) -> frozenset[str]:
        """Those that were seen until then. A chat that was returned to, or another tab's, goes on beside later ones."""
        return self._all if self._last <= time else frozenset(i for t, i in self._timed if t <= time)


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
