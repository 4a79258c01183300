"""The writes to the session's own key: all of them by lane, where causes are looked for, and how many IDs they brought."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import Stack, StorageRow


@dataclass(slots=True)
class OwnWrite:
    """A write to the profile's key, or a look at it, with as much of it as the rules need: a row takes twice the room."""

    run_id: str
    t: float
    tab: int
    op: str | None
    session: str | None
    previous: str | None
    by: str | None
    stack: Stack | None


class NewIds(NamedTuple):
    """The IDs that pages wrote in place of another one, or of none."""

    writes: int
    distinct: int


_READ = ("session", "previous", "op", "by")


def own_writes_by_lane(run: Run) -> Mapping[tuple[str, int], list[OwnWrite]]:
    """``(run, lane)`` -> the writes to the session's own key, in their order; not kept."""
    found: dict[tuple[str, int], list[tuple[float, int, OwnWrite]]] = defaultdict(list)
    counts = _Counts()
    for w in _own(run, (*_READ, "stack")):
        own = OwnWrite(w.run_id, w.t, w.tab, w.op, w.session, w.previous, w.by, w.stack)
        found[w.run_id, w.lane].append((w.t, w.seq, own))
        counts.add(w)
    run.once(_NEW_IDS, counts.found)  # each look at all writes takes 2 s for 100,000 chats
    lanes: dict[tuple[str, int], list[OwnWrite]] = defaultdict(list)
    for at in list(found):
        lanes[at] = [own for _, _, own in sorted(found.pop(at), key=itemgetter(0, 1))]
    return lanes


def new_ids(run: Run) -> NewIds:
    """Counted once."""

    def collect() -> NewIds:
        counts = _Counts()
        for w in _own(run, _READ):
            counts.add(w)
        return counts.found()

    return run.once(_NEW_IDS, collect)


def writes_of_new_ids(run: Run) -> list[StorageRow]:
    """These writes, run by run in order of arrival."""
    return [w for w in _own(run, (*_READ, "shape", "time_offset")) if is_new(w)]


def is_new(w: StorageRow) -> bool:
    """A page wrote another ID than the store held."""
    return w.session is not None and w.session != w.previous and w.op != "start" and w.by != "other-tab"


_NEW_IDS = "new IDs"


class _Counts:
    def __init__(self) -> None:
        self._writes = 0
        self._ids = set[tuple[str, str | None]]()

    def add(self, w: StorageRow) -> None:
        if is_new(w):
            self._writes += 1
            self._ids.add((w.mask_key, w.session))

    def found(self) -> NewIds:
        return NewIds(self._writes, len(self._ids))


def _own(run: Run, only: Collection[str]) -> Iterator[StorageRow]:
    return (w for w in run.each(StorageRow, only=only) if w.own)
