"""Recorded runs as one `Run`: pooled, ordered in time, as frames with declared columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import pandas as pd

from e2e.analysis.model import schema
from e2e.analysis.model.columns import Columns, R, Row, build, records, validate
from e2e.analysis.model.completeness import missing_shards, partial_reasons
from e2e.analysis.model.issued_ids import issued_ids, with_replaced_ids
from e2e.analysis.model.page_loads import At, messages_after_a_load
from e2e.analysis.model.pooling import agree
from e2e.analysis.model.sightings import without_wrong_places
from e2e.analysis.stats import significance
from e2e.records.records import SIDE_LANE, Chat, CodePlace, Event, Message, Policy, RunMeta, RunRecords

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
"""The frame of each type of row."""


@dataclass(frozen=True, eq=False)
class Run:
    """One run, or several pooled; the only argument of a check.

    A lane is named by ``(run_id, lane)``. Session references of two runs are comparable only where ``mask_key`` is equal.
    """

    metas: tuple[RunMeta, ...]
    policy: Policy
    alarms_per_year: float
    chats: pd.DataFrame
    messages: pd.DataFrame
    transitions: pd.DataFrame
    """One row per New Chat inside one browser context, with an observed chat before it, and one after it that sent something."""
    storage: pd.DataFrame
    payloads: pd.DataFrame
    minted: pd.DataFrame
    """What each new session ID is made of, in order of writing."""
    issued: pd.DataFrame
    """Session IDs that replies carried: each belongs to the chat whose message was replied to."""
    plays: pd.DataFrame
    """Starts of scenarios, and why lanes did not complete them."""
    recalls: pd.DataFrame
    """Questions for code words, with what the replies show."""
    sightings: pd.DataFrame
    """Stored IDs in traffic that no wire rule reads."""
    backend: pd.DataFrame
    problems: pd.DataFrame
    partial_reasons: tuple[str, ...]
    code: Mapping[str, CodePlace]
    """Stack position -> place in the source, over all runs (the first run's, where two disagree)."""
    evidence: str
    """Path of the first run's chats.jsonl."""
    side: tuple[Chat, ...] = ()
    """Chats of experiments and of random tests, which no check judges."""
    side_events: tuple[Event, ...] = ()
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def every(self, record: type[R]) -> tuple[R, ...]:
        """All rows of one frame as typed records, converted once: ``run.every(MessageRow)``."""
        frame: pd.DataFrame = getattr(self, _FRAMES[record])
        return self.once(f"rows of {_FRAMES[record]}", lambda: tuple(records(frame, record)))

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
    def plain(self) -> pd.DataFrame:
        """The chats that were planned by number, one New Chat after the other; the others belong to scenarios."""
        return self.chats[self.chats["scenario"] == "plain"]

    @property
    def observed(self) -> pd.DataFrame:
        """The plain chats that were seen to the end of their first reply."""
        return self.plain[self.plain["status"] == "observed"]

    @property
    def plain_transitions(self) -> pd.DataFrame:
        """Those into a plain chat."""
        return self.transitions[self.transitions["scenario"] == "plain"]

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
    agree([run.meta for run in runs])
    side = tuple(chat for run in runs for chat in run.chats if chat.lane >= SIDE_LANE)
    side_events = tuple(e for run in runs for e in run.events if e.lane >= SIDE_LANE)
    runs = [with_replaced_ids(without_wrong_places(_without_side(run))) for run in runs]
    ordered = sorted(
        ((chat, run) for run in runs for chat in run.chats),
        key=lambda item: (item[0].began, item[0].run_id, item[0].lane, item[0].chat),
    )
    chat_rows = [_chat_row(chat, run.meta, order) for order, (chat, run) in enumerate(ordered)]
    loaded = frozenset().union(*map(messages_after_a_load, runs))
    message_rows = [
        row
        for order, (chat, run) in enumerate(ordered)
        for row in _message_rows(chat, run.meta, order, loaded)
    ]
    events = sorted(((e, r) for r in runs for e in r.events), key=lambda item: (item[0].t, item[0].seq))

    def seen(name: str, kinds: str, columns: Columns) -> pd.DataFrame:
        found = [_event_row(e, r.meta, columns) for e, r in events if e.kind in kinds.split()]
        return validate(name, columns, build(name, columns, found))

    transitions = [row for run in runs for row in _transition_rows(run, chat_rows)]
    transitions.sort(key=lambda row: int(row["order"]))
    code = {position: place for run in reversed(runs) for position, place in run.meta.code.items()}
    budget = min(r.meta.alarms_per_year for r in runs) if alarms_per_year is None else alarms_per_year
    return Run(
        metas=tuple(r.meta for r in runs),
        policy=runs[0].meta.policy,
        alarms_per_year=budget,
        chats=validate("chats", schema.CHATS, build("chats", schema.CHATS, chat_rows)),
        messages=validate("messages", schema.MESSAGES, build("messages", schema.MESSAGES, message_rows)),
        transitions=validate(
            "transitions", schema.TRANSITIONS, build("transitions", schema.TRANSITIONS, transitions)
        ),
        storage=seen("storage", "storage", schema.STORAGE),
        payloads=seen("payloads", "payload", schema.PAYLOADS),
        minted=seen("minted", "minted", schema.MINTED),
        issued=seen("issued", "issued", schema.ISSUED),
        plays=seen("plays", "play unseen", schema.PLAYS),
        recalls=seen("recalls", "recall", schema.RECALLS),
        sightings=seen("sightings", "sighting", schema.SIGHTINGS),
        backend=seen("backend", "backend", schema.BACKEND),
        problems=validate(
            "problems", schema.PROBLEMS, build("problems", schema.PROBLEMS, _problem_rows(runs))
        ),
        partial_reasons=(
            *(reason for run in runs for reason in partial_reasons(run, pooled=len(runs) > 1)),
            *(() if one_shard else missing_shards([r.meta for r in runs])),
        ),
        code=code,
        evidence=f"{runs[0].folder.rstrip('/')}/chats.jsonl",
        side=side,
        side_events=side_events,
    )


def _without_side(run: RunRecords) -> RunRecords:
    """The run without its experiments and walks."""
    return replace(
        run,
        chats=tuple(c for c in run.chats if c.lane < SIDE_LANE),
        events=tuple(e for e in run.events if e.lane < SIDE_LANE),
    )


def _chat_row(chat: Chat, meta: RunMeta, order: int) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(chat, name, None) for name in schema.CHATS}
    first = chat.messages[0] if chat.messages else None
    row |= {"mask_key": meta.mask_key, "order": order, "messages": len(chat.messages)}
    row |= {"sent_seen": first.sent_seen if first else False, "sent": first.sent if first else None}
    who = (_answered(m, meta.policy)[0] for m in chat.messages)
    row["provider"] = next((provider for provider in who if provider is not None), None)
    return row


def _message_rows(chat: Chat, meta: RunMeta, order: int, loaded: AbstractSet[At]) -> list[dict[str, Any]]:
    place = {"run_id": chat.run_id, "mask_key": meta.mask_key, "lane": chat.lane, "chat": chat.chat}
    place |= {"order": order, "chat_status": chat.status, "scenario": chat.scenario}
    found = []
    for message in chat.messages:
        provider, layer = _answered(message, meta.policy)
        at = (chat.run_id, chat.lane, chat.chat, message.number)
        row = message.to_json() | place | {"answered": provider, "answered_by": layer}
        found.append(row | {"loaded": at in loaded})
    return found


def _answered(message: Message, policy: Policy) -> tuple[str | None, str | None]:
    """Who answered, and the layer that says so."""
    for layer in policy.provider_source:
        provider: str | None = getattr(message, f"{layer}_provider")
        if provider is not None:
            return provider, layer
    return None, None


def _transition_rows(run: RunRecords, chat_rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    order = {(r["lane"], r["chat"]): r["order"] for r in chat_rows if r["run_id"] == run.meta.run_id}
    issued = issued_ids(run)
    found: list[dict[str, Any]] = []
    last: dict[tuple[int, int, int], Chat] = {}
    taken: dict[tuple[int, int, int], set[str | None]] = defaultdict(set)
    for chat in sorted(run.chats, key=lambda c: (c.lane, c.chat)):
        tab = (chat.lane, chat.context, chat.tab)
        before, last[tab] = last.get(tab), chat
        if before is not None and not before.refused:
            taken[tab].update(m.sent for m in before.messages)
        if chat.via != "new_chat" or before is None:
            continue
        blocked = chat.status == "blocked" and any(m.sent_seen for m in chat.messages)
        if before.status != "observed" or not (chat.status == "observed" or blocked):
            continue
        if before.refused and not {m.sent for m in before.messages} & (taken[tab] | {None}):
            continue  # nothing of it was taken: New Chat may go on with it by design, as with an empty chat
        row: dict[str, Any] = {name: getattr(chat, name, None) for name in schema.TRANSITIONS}
        first = chat.messages[0] if chat.messages else None
        row |= {"mask_key": run.meta.mask_key, "order": order[chat.lane, chat.chat]}
        row |= {"chat_before": before.chat, "sent_seen": first.sent_seen if first else False}
        row["sent"] = first.sent if first else None
        # An older chat may have been gone on with since: what counts is what was sent before the click.
        row["sent_before"] = next(
            (
                m.sent or issued.get((chat.lane, before.chat, m.number))
                for m in reversed(before.messages)
                if m.sent_seen and (m.sent_at is None or m.sent_at <= chat.began)
            ),
            None,
        )
        found.append(row)
    return found


def _event_row(event: Event, meta: RunMeta, columns: Columns) -> dict[str, Any]:
    row = {name: event.data.get(name) for name in columns}
    place = {"run_id": event.run_id, "mask_key": meta.mask_key, "lane": event.lane, "chat": event.chat}
    row |= place | {"seq": event.seq, "t": event.t}
    if "tab" in columns:
        row["tab"] = event.data.get("tab", 0)
    if "own" in columns:
        row["own"] = "session" in event.data
    return row


def _problem_rows(runs: Sequence[RunRecords]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for run in runs:
        seen: set[tuple[Any, ...]] = set()
        for event in run.events:
            if event.kind == "problem":
                row = _event_row(event, run.meta, schema.PROBLEMS)
                del row["seq"]
                seen.add((row["kind"], row["what"]))
                found.append(row)
        for (
            problem
        ) in run.meta.problems:  # run.json repeats what the events say, unless it stopped the run before any
            if (problem.kind, problem.what) not in seen:
                found.append({"run_id": run.meta.run_id, "mask_key": run.meta.mask_key} | problem.to_json())
    return found
