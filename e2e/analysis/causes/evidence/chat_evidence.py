"""Everything about one chat that a rule of the diagnosis may ask: what came before, what was written, what was sent."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, takewhile
from operator import attrgetter
from typing import Any

import pandas as pd

from e2e.analysis.causes.evidence.lane_history import Lane, Write, lane_of, write_of
from e2e.analysis.causes.evidence.leaving import left_by
from e2e.analysis.facts.code_locations import Trail, same, trail
from e2e.analysis.facts.freshness import Place, carries, contexts, first_times, timed_ids
from e2e.analysis.facts.lost_messages import lost_messages
from e2e.analysis.facts.ownership import Foreign, foreign, sent_in_lane, stored_in_one_chat
from e2e.analysis.facts.secondary_requests import OldPayload, old_payloads, old_retries, own_payloads
from e2e.analysis.facts.tabs import flapping, provider_changes
from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

_time = attrgetter("t")
_CLOCK = 0.002  # seconds: the page's clock may be coarsened to a millisecond


@dataclass(frozen=True)
class Clues:
    """One chat, for the diagnosis. IDs of *earlier* chats are those of the same context."""

    key: ChatKey
    chat: Any
    messages: tuple[Any, ...]
    before: Any | None
    """The transition's row when the chat followed another observed one, else None."""
    earlier: tuple[frozenset[str], ...]
    """The IDs (stored or sent) of each earlier chat of the context, oldest first."""
    elsewhere: frozenset[str]
    """Those of this chat's IDs that another browser context had, whenever."""
    known: frozenset[str]
    """Those of this chat's IDs that any chat that began earlier had."""
    writes: tuple[Write, ...]
    """Between New Chat (or the page's load) and the first payload."""
    emptied: Write | None
    """The write of an earlier chat since which the store has been empty, when it was so at the click."""
    send: Trail
    """From where the first payload was sent."""
    lane: Lane
    answered: tuple[str, ...]
    """Providers of the context's replies before this chat, in order."""
    later: frozenset[str] = frozenset()
    """The IDs of chats that began later in this tab."""
    afterwards: tuple[Write, ...] = ()
    """The page's own writes after the first payload, while the chat went on and before any page load."""
    beside: frozenset[str] = frozenset()
    """The IDs of chats in other tabs of this browser."""
    foreign: tuple[Foreign, ...] = ()
    """IDs that came into it although a reply to an earlier chat had issued them."""
    follows_a_cut: bool = False
    """The chat before was left while its reply streamed."""
    sent_in_lane: tuple[tuple[float, str], ...] = ()
    """Time and ID of every message's payload in the lane."""
    besides: tuple[OldPayload, ...] = ()
    """What it sent besides its messages with the ID of an earlier chat."""
    retried: tuple[OldPayload, ...] = ()
    """Messages that the page sent again by itself with the ID of an earlier chat, and at first without it."""
    left: Write | None = None
    """The write by which the page, when it was left, took the chat's ID out of the store."""
    other_tab_moved_it: bool = False
    """Another provider answered since another tab clicked New Chat, and providers change without that nowhere in the run."""
    lost: int = 0
    """Messages that the page accepted and never sent."""
    excused: frozenset[int] = frozenset()
    """Numbers of the messages that need carry no ID of the chat: the backend issues it afterwards."""
    several: tuple[str, ...] = ()
    """The IDs that it stored one after the other, where it stored several of its own."""

    @property
    def incomplete(self) -> bool:
        """Something that the rules read was not seen: a payload, or the store at a send."""
        store_unseen = self.lane.watched and not (
            self.chat.stored_seen and all(m.stored_seen for m in self.messages)
        )
        return store_unseen or not self.messages or not all(m.sent_seen for m in self.messages)

    @cached_property
    def running(self) -> tuple[Any, ...]:
        """The messages that are to carry the chat's ID and were seen, until the page is loaded or something else happens."""
        same_page = takewhile(lambda m: m.number == 0 or not m.loaded, self.messages)
        seen = [m for m in same_page if m.sent_seen and m.number not in self.excused]
        return tuple(m for m in seen if m.after in ("", "back") or m.number == 0)

    def after(self, *what: str) -> tuple[Any, ...]:
        """Those before which one of ``what`` had happened."""
        return tuple(m for m in self.messages if m.sent_seen and m.after in what)

    @property
    def first(self) -> str | None:
        """The ID of the first payload that was seen and is to carry it."""
        return next((m.sent for m in self.messages if m.sent_seen and m.number not in self.excused), None)

    @property
    def sent(self) -> tuple[str | None, ...]:
        return tuple(m.sent for m in self.running)

    @property
    def old(self) -> frozenset[str]:
        """The IDs of all earlier chats of the context, and what the store held just before the click."""
        return self._held.union(*self.earlier)

    @property
    def _held(self) -> frozenset[str]:
        held = None if self.before is None else self.before.stored_before
        return frozenset({held} if held else ())

    @property
    def previous(self) -> frozenset[str]:
        """The IDs of the chat just before."""
        return self._held.union(self.earlier[-1] if self.earlier else ())

    @property
    def one_behind(self) -> str | None:
        """What the store held last before the ID that it held when the first payload left."""
        held = [self.before.stored_before if self.before is not None else None]
        held += [w.session for w in self.writes if w.changes]
        told = [session for session in held if session is not None and session != self.chat.stored]
        return told[-1] if told else None

    @property
    def loaded(self) -> bool:
        """The page was loaded again between New Chat and the first payload."""
        return len(self.before_load) < len(self.writes)

    @property
    def before_load(self) -> tuple[Write, ...]:
        """The writes before the page was loaded again; all of them, where it was not."""
        at = next((i for i, w in enumerate(self.writes) if w.op == "start"), len(self.writes))
        return self.writes[:at]

    def came_back(self) -> Write | None:
        """The write that put an old ID back after it had gone, if there is one."""
        gone = self.before is not None and self.before.stored_before is None
        for write in self.writes:
            if gone and write.session is not None and write.changes and write.session in self.old:
                return write
            gone = gone or write.changes
        return None

    def minted_again(self) -> Write | None:
        """The write that made the same ID anew without its having gone: at the minting place, which is no place of touches."""
        for write in self.writes:
            place = self.lane.place(write.path)
            made = write.session is not None and not write.changes and self.lane.mints(write)
            if made and not any(same(place, touch) for touch in self.lane.touches):
                return write
        return None

    def change(self) -> Write | None:
        """The write that took the old ID out of the store: the first after the click, or one of an earlier chat."""
        return next((w for w in self.writes if w.changes), self.emptied)


def clues(run: Run) -> Mapping[ChatKey, Clues]:
    """The clues of every observed chat, and of those that were refused after New Chat."""
    return run.once("clues", lambda: _clues(run))


def _clues(run: Run) -> dict[ChatKey, Clues]:
    places = contexts(run)
    lost = lost_messages(run)
    messages, payloads = _by_chat(run.messages), own_payloads(run)
    writes = _by_lane(run.storage[run.storage["own"].fillna(value=False)])
    transitions = {key_of(t): t for t in rows(run.transitions)}
    chats = list(rows(run.chats))
    had = first_times(run, chats, messages)
    first = {key: found[0] for key, found in payloads.items()}
    until = {key_of(c): first[key_of(c)].t if key_of(c) in first else c.ended for c in chats}
    windows: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    for c in chats:
        if c.via == "new_chat":
            windows[c.run_id, c.lane].append((c.began - _CLOCK, until[key_of(c)]))
    lanes = {
        at: lane_of(run, at[0], writes[at], windows[at])
        for at in dict.fromkeys((c.run_id, c.lane) for c in chats)
    }
    mates: dict[Place, list[Any]] = defaultdict(list)
    for c in chats:
        if c.scenario != "plain":
            mates[places[key_of(c)]].append(c)
    past: dict[Place, list[list[tuple[float, str]]]] = defaultdict(list)
    answered: dict[Place, list[str]] = defaultdict(list)
    cut = {key_of(c) for c in chats if c.cut is not None and bool(c.cut)}
    found: dict[ChatKey, Clues] = {}
    for chat in chats:
        key, at = key_of(chat), (chat.run_id, chat.lane)
        place = places[key]
        timed = timed_ids(run, chat, messages[key])
        own = frozenset(i for _, i in timed)
        begin = bisect_left(writes[at], chat.began - _CLOCK, key=_time)
        in_time = writes[at][begin : bisect_right(writes[at], until[key], key=_time)]
        in_time = [w for w in in_time if w.tab == chat.tab]
        if chat.status == "observed" or key in transitions or key in lost:
            found[key] = Clues(
                key=key,
                chat=chat,
                messages=tuple(messages[key]),
                before=transitions.get(key),
                earlier=tuple(frozenset(i for t, i in ids if t <= chat.began) for ids in past[place]),
                elsewhere=frozenset(i for i in own if any(p != place for p in had[chat.mask_key, i])),
                known=frozenset(
                    i for i in own if any(t < chat.began for t in had[chat.mask_key, i].values())
                ),
                writes=tuple(write_of(run, w) for w in in_time),
                emptied=_emptied(run, writes[at][:begin], chat),
                send=trail(run, key.run_id, first[key].stack if key in first else None),
                lane=lanes[at],
                answered=tuple(answered[place]),
                later=_ids_of(
                    run, [c for c in mates[place] if c.tab == chat.tab and c.chat > chat.chat], messages
                ),
                afterwards=_afterwards(run, writes[at], chat, until[key], messages[key]),
                foreign=foreign(run).get(key, ()),
                follows_a_cut=ChatKey(key.run_id, key.lane, key.chat - 1) in cut,
                sent_in_lane=sent_in_lane(run).get(at, ()),
                besides=old_payloads(run).get(key, ()),
                retried=old_retries(run).get(key, ()),
                left=left_by(run, writes[at], chat, messages[key]),
                other_tab_moved_it=key in provider_changes(run) and key.run_id not in flapping(run),
                lost=len(lost.get(key, ())),
                excused=frozenset(m.number for m in messages[key] if not carries(run, m)),
                several=stored_in_one_chat(run).get(key, ()),
                beside=_ids_of(run, [c for c in mates[place] if c.tab != chat.tab], messages),
            )
        past[place].append(timed)
        answered[place] += [m.reply_provider for m in messages[key] if m.reply_provider is not None]
    return found


def _afterwards(
    run: Run, writes: Sequence[Any], chat: Any, since: float, messages: Sequence[Any]
) -> tuple[Write, ...]:
    found: list[Write] = []
    undisturbed = next((before.ended_at for before, m in pairwise(messages) if m.after), None)
    end = chat.ended if undisturbed is None else undisturbed
    for w in writes[bisect_right(writes, since, key=_time) :]:
        if w.t > end or (w.tab == chat.tab and w.op == "start"):
            break
        if w.tab == chat.tab and w.by == "page":
            found.append(write_of(run, w))
    return tuple(found)


def _ids_of(run: Run, chats: Sequence[Any], messages: Mapping[ChatKey, Sequence[Any]]) -> frozenset[str]:
    """What these chats sent first: a later message may have carried another chat's ID."""
    first = (next((m for m in messages[key_of(c)] if carries(run, m)), None) for c in chats)
    return frozenset(m.sent for m in first if m is not None and m.sent is not None)


def _emptied(run: Run, before: Sequence[Any], chat: Any) -> Write | None:
    last = next((w for w in reversed(before) if w.session != w.previous), None)
    if last is None or last.session is not None or chat.stored_before is not None:
        return None
    return write_of(run, last)


def _by_chat(frame: pd.DataFrame) -> dict[ChatKey, list[Any]]:
    found: dict[ChatKey, list[Any]] = defaultdict(list)
    for row in rows(frame):
        found[key_of(row)].append(row)
    return found


def _by_lane(frame: pd.DataFrame) -> dict[tuple[str, int], list[Any]]:
    found: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for row in rows(frame):
        found[row.run_id, row.lane].append(row)
    return found
