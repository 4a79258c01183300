"""Recorded runs as one `Run`: pooled, ordered in time, as typed rows and as frames with declared columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, TypeVar, cast

import pandas as pd

from e2e.analysis.model import schema
from e2e.analysis.model.columns import R, Row, check_types, columns_of, frame_of
from e2e.analysis.model.issued_ids import with_replaced_ids
from e2e.analysis.model.page_loads import messages_after_a_load
from e2e.analysis.model.pooling import agree, missing_shards, partial_reasons
from e2e.analysis.model.rows import (
    EVENTS,
    chat_rows,
    event_rows,
    events_as,
    message_rows,
    problem_rows,
    transition_rows,
)
from e2e.analysis.model.sightings import without_wrong_places
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.stats import significance
from e2e.records.cut import without_cut_chats
from e2e.records.records import SIDE_LANE, Chat, CodePlace, Event, Policy, RunMeta, RunRecords
from e2e.records.selection import collector_paused, keep_from_collector, side_events, without_side

_T = TypeVar("_T")
_FRAMES: Mapping[type[Row], str] = {
    schema.ChatRow: "chats",
    schema.MessageRow: "messages",
    schema.TransitionRow: "transitions",
    schema.StorageRow: "storage",
    schema.MintedRow: "minted",
    schema.PayloadRow: "payloads",
    schema.ScenarioRow: "plays",
    schema.IssuedRow: "issued",
    schema.RecallRow: "recalls",
    schema.SightingRow: "sightings",
    schema.BackendRow: "backend",
    schema.ProblemRow: "problems",
}
"""The name of the frame of each type of row."""


@dataclass(frozen=True, eq=False)
class Run:
    """One run, or several pooled; the only argument of a check.

    A lane is named by ``(run_id, lane)``. Session references of two runs are comparable only where ``mask_key`` is equal.
    Rows of events are made when they are first read: few judgements need all kinds.
    """

    metas: tuple[RunMeta, ...]
    policy: Policy
    alarms_per_year: float
    rows: Mapping[type[Row], Sequence[Row]]
    """The rows of chats, messages, transitions and problems."""
    partial_reasons: tuple[str, ...]
    code: Mapping[str, CodePlace]
    """Stack position -> place in the source, over all runs (the first run's, where two disagree)."""
    evidence: str
    """Path of the first run's chats.jsonl."""
    records: tuple[RunRecords, ...] = ()
    """The runs' events; their chats are in ``rows``."""
    side: tuple[Chat, ...] = ()
    """Chats of experiments and of random tests, which no check judges."""
    side_events: tuple[Event, ...] = ()
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def every(self, record: type[R]) -> Sequence[R]:
        """All rows of one type, made once: ``run.every(MessageRow)``. Those of events are in order of time."""
        if record in self.rows:
            return cast("Sequence[R]", self.rows[record])
        name = _FRAMES[record]
        return self.once(
            f"rows of {name}", lambda: check_types(name, record, event_rows(self.records, record))
        )

    def each(self, record: type[R], only: Collection[str] | None = None) -> Iterable[R]:
        """The same rows one after the other, not kept, those of events run by run in order of arrival.

        Where ``only`` is given, other columns of an event's data may be None: a row then takes a third of the time.
        """
        name = _FRAMES[record]
        if record not in EVENTS or f"rows of {name}" in self._cache:
            return self.every(record)
        return cast("Iterator[R]", events_as(self.records, record, only=only))

    def those(
        self, record: type[R], keep: Callable[[R], bool], only: Collection[str] | None = None
    ) -> Sequence[R]:
        """The rows for which ``keep`` holds, in order of time, without room for the others. Not kept: see `once`.

        ``only`` as for `each`.
        """
        found = sorted(filter(keep, self.each(record, only)), key=attrgetter("t", "seq"))
        return found if only is not None else check_types(_FRAMES[record], record, found)

    def of_chat(self, record: type[R], run_id: str, lane: int, chat: int) -> Iterable[R]:
        """The rows of one chat, where they are read without those of all other chats: 2 s of the 20 for 100,000."""
        if record not in EVENTS or f"rows of {_FRAMES[record]}" in self._cache:
            rows: Iterable[Any] = self.every(record)
            return (r for r in rows if (r.run_id, r.lane, r.chat) == (run_id, lane, chat))
        runs = [run for run in self.records if run.meta.run_id == run_id]
        return cast("Iterator[R]", events_as(runs, record, (lane, chat)))

    def _frame(self, record: type[Row]) -> pd.DataFrame:
        name = _FRAMES[record]
        return self.once(f"frame of {name}", lambda: frame_of(name, columns_of(record), self.every(record)))

    @property
    def chats(self) -> pd.DataFrame:
        return self._frame(schema.ChatRow)

    @property
    def messages(self) -> pd.DataFrame:
        return self._frame(schema.MessageRow)

    @property
    def transitions(self) -> pd.DataFrame:
        """One row per New Chat inside one browser context, with an observed chat before it, and one after it that sent something."""
        return self._frame(schema.TransitionRow)

    @property
    def storage(self) -> pd.DataFrame:
        return self._frame(schema.StorageRow)

    @property
    def payloads(self) -> pd.DataFrame:
        return self._frame(schema.PayloadRow)

    @property
    def minted(self) -> pd.DataFrame:
        """What each new session ID is made of, in order of writing."""
        return self._frame(schema.MintedRow)

    @property
    def issued(self) -> pd.DataFrame:
        """Session IDs that replies carried: each belongs to the chat whose message was replied to."""
        return self._frame(schema.IssuedRow)

    @property
    def plays(self) -> pd.DataFrame:
        """Starts of scenarios, and why lanes did not complete them."""
        return self._frame(schema.ScenarioRow)

    @property
    def recalls(self) -> pd.DataFrame:
        """Questions for code words, with what the replies show."""
        return self._frame(schema.RecallRow)

    @property
    def sightings(self) -> pd.DataFrame:
        """Stored IDs in traffic that no wire rule reads."""
        return self._frame(schema.SightingRow)

    @property
    def backend(self) -> pd.DataFrame:
        return self._frame(schema.BackendRow)

    @property
    def problems(self) -> pd.DataFrame:
        return self._frame(schema.ProblemRow)

    @property
    def partial(self) -> bool:
        """Something planned is missing in the evidence."""
        return bool(self.partial_reasons)

    @property
    def pooled(self) -> bool:
        return len(self.metas) > 1

    @property
    def alpha(self) -> float:
        """Threshold of each statistical check, from the false-alarm budget."""
        return significance.alpha(self.alarms_per_year)

    @property
    def chat_of(self) -> Mapping[ChatKey, schema.ChatRow]:
        """Each chat by its name, in order of their begin."""
        return self.once("chat_of", lambda: {c.key: c for c in self.every(schema.ChatRow)})

    @property
    def plain(self) -> Sequence[schema.ChatRow]:
        """The chats that were planned by number, one New Chat after the other; the others belong to scenarios."""
        return self.once("plain", lambda: [c for c in self.every(schema.ChatRow) if c.scenario == "plain"])

    @property
    def observed(self) -> Sequence[schema.ChatRow]:
        """The plain chats that were seen to the end of their first reply."""
        return self.once("observed", lambda: [c for c in self.plain if c.status == "observed"])

    @property
    def observed_messages(self) -> Iterator[schema.MessageRow]:
        """The messages of all chats that were seen to the end of their first reply."""
        return (m for m in self.every(schema.MessageRow) if m.chat_status == "observed")

    def code_of(self, run_id: str) -> Mapping[str, CodePlace]:
        """Stack position -> place for one run: another run may have driven another build at the same address."""
        return next((m.code for m in self.metas if m.run_id == run_id), {})

    def once(self, key: str, make: Callable[[], _T]) -> _T:
        """``make()``, computed once: several checks need the same intermediate result."""
        if key not in self._cache:
            self._cache[key] = make()
        return cast(_T, self._cache[key])


def assemble(
    runs: Sequence[RunRecords], *, alarms_per_year: float | None = None, one_shard: bool = False
) -> Run:
    """One `Run` out of recorded runs.

    Parameters
    ----------
    runs : at least one; pooled when there are more. They must be of one target under one policy.
    alarms_per_year : the false-alarm budget; by default the smallest that the runs were made with.
    one_shard : a shard looks at its own part, and misses no other one.

    Raises
    ------
    AnalysisError : no run, one run twice, runs of different targets or policies, or a record with a wrong type.
    """
    with collector_paused():
        run = _assemble(runs, alarms_per_year, one_shard)
    keep_from_collector(len(run.every(schema.ChatRow)))
    return run


def _assemble(runs: Sequence[RunRecords], alarms_per_year: float | None, one_shard: bool) -> Run:
    agree([run.meta for run in runs])
    runs = [without_cut_chats(run) for run in runs]
    side = tuple(chat for run in runs for chat in run.chats if chat.lane >= SIDE_LANE)
    aside = tuple(event for run in runs for event in side_events(run.events))
    runs = [with_replaced_ids(without_wrong_places(_without_side(run))) for run in runs]
    ordered = sorted(
        ((chat, run) for run in runs for chat in run.chats),
        key=lambda item: (item[0].began, item[0].run_id, item[0].lane, item[0].chat),
    )
    loaded = frozenset().union(*map(messages_after_a_load, runs))
    place: dict[str, dict[tuple[int, int], int]] = defaultdict(dict)
    for order, (chat, _) in enumerate(ordered):
        place[chat.run_id][chat.lane, chat.chat] = order
    transitions = [row for run in runs for row in transition_rows(run, place[run.meta.run_id])]
    del place
    chats = chat_rows(ordered)
    keys = [chat.key for chat in chats]
    rows: dict[type[Row], Sequence[Row]] = {
        schema.ChatRow: chats,
        schema.MessageRow: message_rows(ordered, loaded, keys),
        schema.TransitionRow: sorted((t.named(keys[t.order]) for t in transitions), key=attrgetter("order")),
        schema.ProblemRow: problem_rows(runs),
    }
    code = {position: place for run in reversed(runs) for position, place in run.meta.code.items()}
    budget = min(r.meta.alarms_per_year for r in runs) if alarms_per_year is None else alarms_per_year
    return Run(
        metas=tuple(r.meta for r in runs),
        policy=runs[0].meta.policy,
        alarms_per_year=budget,
        rows={record: check_types(_FRAMES[record], record, found) for record, found in rows.items()},
        partial_reasons=(
            *(reason for run in runs for reason in partial_reasons(run, pooled=len(runs) > 1)),
            *(() if one_shard else missing_shards([r.meta for r in runs])),
        ),
        code=code,
        evidence=f"{runs[0].folder.rstrip('/')}/{runs[0].chats_file}",
        records=tuple(replace(run, chats=()) for run in runs),
        side=side,
        side_events=aside,
    )


def _without_side(run: RunRecords) -> RunRecords:
    """The run without its experiments and walks."""
    return replace(
        run, chats=tuple(c for c in run.chats if c.lane < SIDE_LANE), events=without_side(run.events)
    )
