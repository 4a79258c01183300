"""Before which messages the page was loaded anew: what it kept in memory is gone then."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, pairwise
from operator import attrgetter

from e2e.records.records import Chat, Event, Message, RunRecords
from e2e.records.selection import of_kind, page_starts

_time = attrgetter("t")
At = tuple[str, int, int, int]
"""Run, lane, chat, number of the message."""


def messages_after_a_load(run: RunRecords) -> frozenset[At]:
    """The messages of ``run`` between which and the message before (or New Chat) the page was loaded."""
    events: dict[int, list[Event]] = defaultdict(list)
    back = {c.lane for c in run.chats for m in c.messages if m.after == "back"}
    for event in chain(page_starts(run.events), of_kind(run.events, "back")) if back else ():
        if event.lane not in back:
            continue
        start = event.kind == "storage" and event.data.get("op") == "start"
        if start or (event.kind == "back" and event.data.get("restored") is False):
            events[event.lane].append(event)
    times: dict[int, list[Event]] = {lane: sorted(found, key=_time) for lane, found in events.items()}
    return frozenset(
        (chat.run_id, chat.lane, chat.chat, m.number)
        for chat in run.chats
        for m in _loaded(chat, times.get(chat.lane, []))
    )


def _loaded(chat: Chat, events: list[Event]) -> Iterator[Message]:
    for before, m in pairwise((None, *chat.messages)):
        assert m is not None
        since = chat.began if before is None or before.ended_at is None else before.ended_at
        until = chat.ended if m.sent_at is None else m.sent_at
        if m.after == "reload" or (
            m.after == "back"
            and any(
                events[n].data.get("tab", 0) == chat.tab
                for n in range(bisect_left(events, since, key=_time), bisect_right(events, until, key=_time))
            )
        ):
            yield m
