"""Records as rows: of chats, messages and transitions, and of each kind of event."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields
from operator import attrgetter
from typing import Any

from e2e.analysis.model import schema
from e2e.analysis.model.columns import Row, columns_of
from e2e.analysis.model.issued_ids import issued_ids
from e2e.analysis.model.page_loads import At
from e2e.analysis.model.verdict import ChatKey
from e2e.records.records import Chat, Event, Message, Policy, RunMeta, RunRecords
from e2e.records.selection import of_kind

EVENTS: Mapping[type[Row], tuple[str, ...]] = {
    schema.StorageRow: ("storage",),
    schema.MintedRow: ("minted",),
    schema.PayloadRow: ("payload",),
    schema.IssuedRow: ("issued",),
    schema.ScenarioRow: ("play", "unseen"),
    schema.RecallRow: ("recall",),
    schema.SightingRow: ("sighting",),
    schema.BackendRow: ("backend",),
}
"""The kinds of events that each type of row is made of."""
_in_time = attrgetter("t", "seq")
_OF_EVENT = ("run_id", "mask_key", "lane", "chat", "seq", "t", "tab", "own")
"""Columns that do not come from an event's data as they are."""


def event_rows(runs: Sequence[RunRecords], record: type[Row]) -> tuple[Any, ...]:
    """All rows of one type, in order of time."""
    return tuple(sorted(events_as(runs, record), key=_in_time))


def events_as(
    runs: Sequence[RunRecords],
    record: type[Row],
    chat: tuple[int, int] | None = None,
    only: Collection[str] | None = None,
) -> Iterator[Any]:
    """The rows of one type, run by run in order of arrival: one after the other, so that not all need room at once.

    Those of one lane and chat only, where ``chat`` is given. Where ``only`` is, columns of the event's data that are not in it are
    None.
    """
    columns = columns_of(record)
    names = tuple(name for name in columns if name not in _OF_EVENT)
    own = "own" in columns
    first_ids = _FirstIds(runs)
    share: Callable[[Any], Any] = _Shared()
    make: Callable[..., Any] = record
    width, read = len(names), tuple(enumerate(names))
    if only is not None:
        only = {*only, "session", "tab"} if own else {*only, "tab"}
        read = tuple((n, name) for n, name in read if name in only)
    for run in runs:
        mask = run.meta.mask_key
        for event in of_kind(run.events, *EVENTS[record], chat=chat, only=only):
            data = first_ids.of(event) if event.kind == "minted" else event.data
            first = (
                share(event.run_id),
                mask,
                event.lane,
                event.chat,
                event.seq,
                event.t,
                data.get("tab", 0),
            )
            rest: list[Any] = [None] * width
            for n, name in read:
                rest[n] = share(data.get(name))
            yield make(*first, "session" in data, *rest) if own else make(*first, *rest)


_FORMS = 5000
"""New IDs whose features are kept: 6 kB each. A pattern shows in 20."""


class _FirstIds:
    """Leaves of the features of new IDs only the hash, except for the first ones of each lane."""

    def __init__(self, runs: Sequence[RunRecords]) -> None:
        self._most = max(20, _FORMS // max(1, sum(run.meta.lanes for run in runs)))
        self._seen: Counter[tuple[str, int]] = Counter()

    def of(self, event: Event) -> Mapping[str, Any]:
        """The event's data."""
        features, lane = event.data.get("features"), (event.run_id, event.lane)
        self._seen[lane] += 1
        if self._seen[lane] <= self._most or not isinstance(features, Mapping) or "ref" not in features:
            return event.data
        return {**event.data, "features": {"ref": features["ref"], "left_out": True}}


class _Shared:
    """Gives equal texts as one object: a run repeats its IDs, names and addresses in most of its records."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, value: Any) -> Any:
        return self._known.setdefault(value, value) if type(value) is str else value


def chat_rows(ordered: Sequence[tuple[Chat, RunRecords]]) -> list[schema.ChatRow]:
    """One row for each chat; ``ordered`` by their begin."""
    names = tuple(f.name for f in fields(schema.ChatRow) if hasattr(Chat, f.name) and f.name != "messages")
    taken = attrgetter(*names)
    found = []
    for order, (chat, run) in enumerate(ordered):
        first = chat.messages[0] if chat.messages else None
        who = (answered(m, run.meta.policy)[0] for m in chat.messages)
        found.append(
            schema.ChatRow(
                **dict(zip(names, taken(chat), strict=True)),
                mask_key=run.meta.mask_key,
                order=order,
                messages=len(chat.messages),
                sent_seen=first.sent_seen if first else False,
                sent=first.sent if first else None,
                provider=next((provider for provider in who if provider is not None), None),
            )
        )
    return found


def message_rows(
    ordered: Sequence[tuple[Chat, RunRecords]], loaded: AbstractSet[At], keys: Sequence[ChatKey]
) -> list[schema.MessageRow]:
    """One row for each message of these chats, whose names are ``keys``."""
    names = tuple(f.name for f in fields(schema.MessageRow) if hasattr(Message, f.name))
    taken = attrgetter(*names)
    found = []
    for order, (chat, run) in enumerate(ordered):
        for message in chat.messages:
            provider, layer = answered(message, run.meta.policy)
            found.append(
                schema.MessageRow(
                    **dict(zip(names, taken(message), strict=True)),
                    run_id=chat.run_id,
                    mask_key=run.meta.mask_key,
                    lane=chat.lane,
                    chat=chat.chat,
                    order=order,
                    chat_status=chat.status,
                    scenario=chat.scenario,
                    answered=provider,
                    answered_by=layer,
                    loaded=(chat.run_id, chat.lane, chat.chat, message.number) in loaded,
                ).named(keys[order])
            )
    return found


def answered(message: Message, policy: Policy) -> tuple[str | None, str | None]:
    """Who answered, and the layer that says so."""
    for layer in policy.provider_source:
        provider: str | None = getattr(message, f"{layer}_provider")
        if provider is not None:
            return provider, layer
    return None, None


def transition_rows(run: RunRecords, order: Mapping[tuple[int, int], int]) -> list[schema.TransitionRow]:
    """One row for each New Chat of a run with an observed chat before it; ``order`` is that of each lane and chat."""
    issued = issued_ids(run)
    found: list[schema.TransitionRow] = []
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
        first = chat.messages[0] if chat.messages else None
        found.append(
            schema.TransitionRow(
                run_id=chat.run_id,
                mask_key=run.meta.mask_key,
                lane=chat.lane,
                chat=chat.chat,
                order=order[chat.lane, chat.chat],
                scenario=chat.scenario,
                context=chat.context,
                tab=chat.tab,
                chat_before=before.chat,
                began=chat.began,
                stored_before=chat.stored_before,
                stored_seen=chat.stored_seen,
                stored=chat.stored,
                # An older chat may have been gone on with since: what counts is what was sent before the click.
                sent_before=next(
                    (
                        m.sent or issued.get((chat.lane, before.chat, m.number))
                        for m in reversed(before.messages)
                        if m.sent_seen and (m.sent_at is None or m.sent_at <= chat.began)
                    ),
                    None,
                ),
                sent_seen=first.sent_seen if first else False,
                sent=first.sent if first else None,
            )
        )
    return found


def problem_rows(runs: Sequence[RunRecords]) -> list[schema.ProblemRow]:
    """What kept the suite from looking, as the events say it, and as ``run.json`` does."""
    found: list[schema.ProblemRow] = []
    for run in runs:
        seen: set[tuple[Any, ...]] = set()
        for event in sorted(of_kind(run.events, "problem"), key=_in_time):
            seen.add((event.data.get("kind"), event.data.get("what")))
            found.append(_problem(run.meta, event))
        for (
            problem
        ) in run.meta.problems:  # run.json repeats what the events say, unless it stopped the run before any
            if (problem.kind, problem.what) not in seen:
                place = (run.meta.run_id, run.meta.mask_key, None, None, None)
                found.append(schema.ProblemRow(*place, problem.kind, problem.what, problem.where, None))
    return found


def _problem(meta: RunMeta, event: Event) -> schema.ProblemRow:
    data = event.data
    what = (data.get("kind"), data.get("what"), data.get("where"), data.get("hint"))
    make: Callable[..., schema.ProblemRow] = schema.ProblemRow
    return make(event.run_id, meta.mask_key, event.lane, event.chat, event.t, *what)
