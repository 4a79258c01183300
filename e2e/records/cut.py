"""Chats whose events are not all there: a file that was cut, copied in part or edited. What is missing is no value."""

from __future__ import annotations

from dataclasses import replace

from e2e.records.records import Chat, Event, RunRecords
from e2e.records.selection import changed, of_kind


class EventCount:
    """How many events are there before the first one that is missing. They are numbered from 0; their order does not matter."""

    __slots__ = ("_later", "_next")

    def __init__(self) -> None:
        self._next = 0
        self._later: set[int] = set()  # out of order, or behind a gap

    def add(self, seq: int) -> None:
        """Take the number of the next event."""
        if seq != self._next:
            self._later.add(seq)
            return
        self._next += 1
        while (
            self._next in self._later
        ):  # else one that came early kept all that followed: 1 GB for 1,000,000 chats
            self._later.remove(self._next)
            self._next += 1

    @property
    def whole(self) -> int:
        """The number of the first event that is missing."""
        found = self._next
        while found in self._later:
            found += 1
        return found


def without_cut_chats(run: RunRecords) -> RunRecords:
    """The run without the chats of which events are missing, and the reason; see `RunRecords.whole`.

    Each chat states how many events were written before it. Older evidence does not: there, a message whose payload has no event
    shows that some are missing, and from then on all is left out.
    """
    if run.whole is None:
        return run
    whole = run.whole
    expected = max([run.meta.events, *(chat.events for chat in run.chats)])
    if expected:
        cut = [chat for chat in run.chats if chat.events > whole]
    else:
        cut = _without_payloads(run)
    if not cut and expected <= whole:
        return run
    gone = {(chat.lane, chat.chat) for chat in cut}
    found = f"{whole} of {expected} events are there" if expected else "payloads that were seen have no event"
    left_out = (
        f"; {len(cut)} chat{'s' if len(cut) > 1 else ''} left out, whose events are missing" if cut else ""
    )

    def kept(event: Event) -> Event | None:
        return None if (event.lane, event.chat) in gone else event

    return replace(
        run,
        chats=tuple(chat for chat in run.chats if (chat.lane, chat.chat) not in gone),
        events=changed(run.events, kept),
        cut=f"events.jsonl is incomplete: {found}{left_out}",
        cut_chats=sum(chat.scenario == "plain" for chat in cut),
    )


def _without_payloads(run: RunRecords) -> list[Chat]:
    """The first chat that ended with a payload that no event shows, and all that ended later."""
    seen = {(e.lane, e.data.get("request")) for e in of_kind(run.events, "payload", only=("request",))}
    missing = [
        chat.ended
        for chat in run.chats
        if any(m.sent_seen and m.request and (chat.lane, m.request) not in seen for m in chat.messages)
    ]
    return [chat for chat in run.chats if missing and chat.ended >= min(missing)]
