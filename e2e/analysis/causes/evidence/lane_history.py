"""What is known of a lane as a whole: where its IDs are generated, and what the page does throughout the run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import attrgetter, itemgetter
from typing import cast

from e2e.analysis.facts.code_locations import Trail, innermost, same, writing
from e2e.analysis.facts.freshness import ids_of_chats
from e2e.analysis.facts.ownership import provisional
from e2e.analysis.facts.reloads import Brings, brings
from e2e.analysis.ids.payloads import payloads_at_once
from e2e.analysis.ids.writes import OwnWrite
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import (
    ChatRow,
    MessageRow,
    SightingRow,
    TransitionRow,
)
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of
from e2e.quick import quick
from e2e.records.records import CodePlace


@quick
@dataclass(frozen=True, slots=True)
class Write:
    """One write to the profile's key, or its disappearance."""

    t: float
    op: str | None
    session: str | None
    previous: str | None
    path: Trail

    @property
    def changes(self) -> bool:
        return self.session != self.previous


@dataclass(frozen=True, slots=True)
class Lane:
    """What is known of one browser context as a whole."""

    generator: CodePlace | None
    """Where its first ID was written."""
    touches: tuple[CodePlace, ...]
    """Code locations that write the same ID again during a chat (``lastUsed``)."""
    shared_frames: int
    """Innermost frames that generating and touching have in common: one function writes for both, so it identifies neither."""
    writes_seen: bool
    """Some write to the key was seen. Without any, "no write" may mean that writes could not be recorded."""
    sends_one_behind: bool
    """In the run, some payload carried the ID that the store held in the chat before, and that chat had sent another."""
    generates_often: bool
    """In the run, some chat sent several fresh IDs although the user did nothing but send messages."""
    restores_on_load: bool
    """In the run, some chat continued with the ID of an earlier chat after a page load."""
    regenerates_on_load: bool
    """In the run, some page load led to the same ID although nothing was stored: it is generated again."""
    reload_brings: Brings = ""
    """Which ID a page load after New Chat leads to in this run: the old one or another."""
    stores: bool = True
    """The profile names a store at all."""
    in_address: bool = False
    """The profile reads the sent ID from the page's address."""
    sends_history: bool = False
    """The profile names the earlier messages in this run's payloads."""
    never_sent: bool = False
    """The stored IDs are in nothing that the pages of this run sent, in no form."""

    def place(self, path: Trail) -> CodePlace | None:
        """The innermost frame that is not shared by all writes."""
        return path[self.shared_frames] if len(path) > self.shared_frames else innermost(path)

    def generates(self, write: Write) -> bool:
        """The write was made where the first ID was written."""
        return same(self.place(write.path), self.generator)


class ScenarioChats:
    """The IDs that the chats of scenarios in one browser sent first, by tab. Takes no room for each pair of chats."""

    def __init__(self) -> None:
        self.last: dict[str, dict[int, int]] = defaultdict(dict)
        """ID -> tab -> number of the last chat that sent it first."""
        self.tabs = set[int]()

    def add(self, chat: ChatRow, first: str) -> None:
        """Note the ID that a chat sent first: a later message may have carried another chat's ID."""
        tabs = self.last[first]
        tabs[chat.tab] = max(chat.chat, tabs.get(chat.tab, chat.chat))
        self.tabs.add(chat.tab)


@dataclass(frozen=True, slots=True)
class IdsOfOtherTabs:
    """Those of chats in other tabs of the browser."""

    chats: ScenarioChats
    chat: ChatRow

    def __contains__(self, session: object) -> bool:
        return any(tab != self.chat.tab for tab in self.chats.last.get(cast("str", session), ()))

    def __iter__(self) -> Iterator[str]:
        return (session for session in self.chats.last if session in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return bool(self.chats.tabs - {self.chat.tab})


class IdsOfLaterChats(IdsOfOtherTabs):
    """Those of chats that began later in the tab."""

    __slots__ = ()

    def __contains__(self, session: object) -> bool:
        tabs = self.chats.last.get(cast("str", session), {})
        return tabs.get(self.chat.tab, -1) > self.chat.chat

    def __bool__(self) -> bool:
        return any(True for _ in self)


def write_of(run: Run, w: OwnWrite) -> Write:
    """A row of the storage events, with the product's own frames."""
    return Write(w.t, w.op, w.session, w.previous, writing(run, w.run_id, w.stack))


def lane_of(
    run: Run, run_id: str, writes: Sequence[OwnWrite], windows: Sequence[tuple[float, float]]
) -> Lane:
    """The lane of these writes; ``windows`` are the times between each New Chat and the first payload after it."""
    first = next((w for w in writes if w.session is not None and w.previous is None and w.stack), None)
    again = [w for w in writes if w.session is not None and w.session == w.previous]
    begins = sorted(windows)
    ends = list(accumulate((end for _, end in begins), max))  # the latest end of those that begin so early
    touches = [w for w in again if not _within(w.t, begins, ends)]
    trails = [path for w in touches if (path := writing(run, run_id, w.stack))]
    generated = writing(run, run_id, first.stack) if first is not None else ()
    if not trails and not run.code_of(run_id):
        generated = ()  # where all writes may go through one library, only a write of another kind shows which frame tells
    shared = min((_common(generated, path) for path in trails), default=0)
    places = dict.fromkeys(path[shared] if len(path) > shared else path[0] for path in trails)
    return Lane(
        generator=(generated[shared] if len(generated) > shared else generated[0]) if generated else None,
        touches=tuple(places),
        shared_frames=shared,
        writes_seen=any(w.session is not None for w in writes),
        sends_one_behind=run_id in _lagging(run),
        generates_often=run_id in _generating_often(run),
        restores_on_load=run_id in _after_loads(run)[0],
        regenerates_on_load=run_id in _after_loads(run)[1],
        reload_brings=brings(run, run_id),
        stores=run.policy.store != "none",
        in_address=run.policy.in_address,
        sends_history=run_id in payloads_at_once(run).with_history,
        never_sent=run_id in _never_sent(run),
    )


def _within(t: float, begins: Sequence[tuple[float, float]], ends: Sequence[float]) -> bool:
    """Whether ``t`` is in one of the windows."""
    n = bisect_right(begins, t, key=itemgetter(0))
    return n > 0 and ends[n - 1] >= t


def later_writes(
    run: Run, writes: Sequence[OwnWrite], chat: ChatRow, since: float, messages: Sequence[MessageRow]
) -> tuple[Write, ...]:
    """The page's own writes after ``since``, before the next page load, another user action and the chat's end."""
    found: list[Write] = []
    undisturbed = next((before.ended_at for before, m in pairwise(messages) if m.after), None)
    end = chat.ended if undisturbed is None else undisturbed
    for n in range(bisect_right(writes, since, key=attrgetter("t")), len(writes)):
        w = writes[n]
        if w.t > end or (w.tab == chat.tab and w.op == "start"):
            break
        if w.tab == chat.tab and w.by == "page":
            found.append(write_of(run, w))
    return tuple(found)


def earlier_removal(
    run: Run, writes: Sequence[OwnWrite], changes: Sequence[int], begin: int, chat: ChatRow
) -> Write | None:
    """The last change among the ``begin`` writes before the chat, where it emptied the store and the store was empty at the click.

    ``changes`` are the places of those writes that changed something.
    """
    n = bisect_left(changes, begin)
    if chat.stored_before is not None or n == 0:
        return None
    last = writes[changes[n - 1]]
    return None if last.session is not None else write_of(run, last)


def _never_sent(run: Run) -> frozenset[str]:
    def collect() -> frozenset[str]:
        looked = [s for s in run.every(SightingRow) if s.place is not None]
        if not looked:
            return frozenset()
        sent = {m.run_id for m in run.every(MessageRow) if m.sent is not None}
        found_or_unread = {s.run_id for s in looked if s.place or (s.unread or 0) > 0}
        return frozenset({s.run_id for s in looked} - sent - found_or_unread)

    return run.once("never_sent", collect)


def _common(one: Trail, other: Trail) -> int:
    """How many innermost frames are the same statements."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if not same(a, b):
            break
        count += 1
    return count


def _lagging(run: Run) -> frozenset[str]:
    """Runs in which a payload carried the ID that the store held in the chat before, while that chat had sent another."""

    def collect() -> frozenset[str]:
        stored = {key_of(c): c.stored for c in run.every(ChatRow)}
        return frozenset(
            t.run_id
            for t in run.every(TransitionRow)
            if t.sent is not None
            and t.sent == stored[ChatKey(t.run_id, t.lane, t.chat_before)]
            and t.sent != t.sent_before
        )

    return run.once("lagging", collect)


def _after_loads(run: Run) -> tuple[frozenset[str], frozenset[str]]:
    """Runs in which a page load restored an earlier chat's ID; and runs in which it led to the same ID although nothing is stored."""

    def collect() -> tuple[frozenset[str], frozenset[str]]:
        restores, remakes = set[str](), set[str]()
        memory_only = run.policy.store == "none" and not run.policy.in_address
        sent: dict[tuple[str, int], set[str]] = defaultdict(set)
        first: dict[ChatKey, str] = {}
        for m in sorted(run.every(MessageRow), key=lambda m: m.sent_at or 0.0):
            if not m.sent_seen or m.sent is None:
                continue
            key, lane = key_of(m), (m.run_id, m.lane)
            own = first.setdefault(key, m.sent)
            if m.after in ("reload", "back") and m.number:
                if m.sent != own and m.sent in sent[lane]:
                    restores.add(m.run_id)
                if m.after == "reload" and m.sent == own and memory_only:
                    remakes.add(m.run_id)
            sent[lane].add(m.sent)
        return frozenset(restores), frozenset(remakes)

    return run.once("after_loads", collect)


def _generating_often(run: Run) -> frozenset[str]:
    """Runs in which a chat sent several IDs of its own although the user only sent messages."""

    def collect() -> frozenset[str]:
        ids = ids_of_chats(run, "sent")
        several = {key for key in ids if len(ids[key]) > 1}
        if not several:
            return frozenset()
        theirs = {(run.chat_of[key].mask_key, i) for key in several for i in ids[key]}
        owners: dict[tuple[str, str], set[ChatKey]] = defaultdict(set)
        sent: dict[ChatKey, set[tuple[str, str]]] = defaultdict(set)
        loaded = set[ChatKey]()
        for m in run.every(MessageRow):
            if m.loaded and m.number:
                loaded.add(m.key)
            if not m.sent_seen or m.sent is None or (m.mask_key, m.sent) not in theirs:
                continue
            if (m.key, m.number) not in provisional(run):
                owners[m.mask_key, m.sent].add(m.key)
                if not m.after and m.key not in loaded and m.key in several:
                    sent[m.key].add((m.mask_key, m.sent))
        return frozenset(key.run_id for key, ids in sent.items() if sum(len(owners[i]) == 1 for i in ids) > 1)

    return run.once("generating_often", collect)
