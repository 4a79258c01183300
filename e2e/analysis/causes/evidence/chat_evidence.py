"""What the rules of the causes read about one chat: what came before it, what was written, what was sent."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from operator import attrgetter

from e2e.analysis.causes.evidence import rows_by_chat as rows
from e2e.analysis.causes.evidence.lane_history import (
    IdsOfLaterChats,
    IdsOfOtherTabs,
    Lane,
    ScenarioChats,
    Write,
    earlier_removal,
    lane_of,
    later_writes,
    write_of,
)
from e2e.analysis.causes.evidence.page_leave import leave_write
from e2e.analysis.facts.code_locations import Trail, same, trail
from e2e.analysis.facts.freshness import Place, carries, contexts
from e2e.analysis.facts.lost_messages import lost_messages
from e2e.analysis.facts.ownership import Foreign, foreign, sent_in_lane, stored_in_one_chat
from e2e.analysis.facts.scenario_runs import recalls_of
from e2e.analysis.facts.secondary_requests import OldPayload, old_payloads, old_retries
from e2e.analysis.facts.tabs import flapping, provider_changes
from e2e.analysis.ids.payloads import first_payloads
from e2e.analysis.ids.writes import own_writes_by_lane
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow, RecallRow, TransitionRow
from e2e.analysis.model.verdict import ChatKey
from e2e.quick import quick

_time = attrgetter("t")
_KEPT = 100_000
"""Chats whose evidence is kept, 1.5 kB each. Of larger runs it is made again where it is read again, 50 us each."""
_CLOCK = 0.002  # seconds: the page's clock may be coarsened to a millisecond


@quick
@dataclass(frozen=True, slots=True)
class ChatEvidence(rows.Carriers):
    """The evidence of one chat. Earlier chats are those of the same browser context."""

    key: ChatKey
    chat: ChatRow
    messages: tuple[MessageRow, ...]
    before: TransitionRow | None
    """The transition, where the chat follows another observed one."""
    earlier: rows.Earlier
    """The IDs (stored or sent) of each earlier chat of the context, oldest first."""
    in_other_browsers: frozenset[str]
    """Those of this chat's IDs that another browser context had, earlier or later."""
    seen_earlier: frozenset[str]
    """Those of this chat's IDs that a chat which began earlier had, in any browser."""
    writes: tuple[Write, ...]
    """Between New Chat (or the page's load) and the first payload."""
    earlier_removal: Write | None
    """The write of an earlier chat that emptied the store, where it was still empty at the click."""
    send_path: Trail
    """The code that sent the first payload."""
    lane: Lane
    earlier_providers: Collection[str]
    """Providers of the replies in this browser context before the chat."""
    ids_of_later_chats: Collection[str] = frozenset()
    """The IDs of chats that began later in this tab."""
    later_writes: tuple[Write, ...] = ()
    """The page's own writes after the first payload, before the next page load and the chat's end."""
    ids_of_other_tabs: Collection[str] = frozenset()
    """The IDs of chats in other tabs of this browser."""
    ids_of_chat_before: frozenset[str] = frozenset()
    """The IDs (stored or sent) of the chat before in this tab, until New Chat."""
    foreign_ids: tuple[Foreign, ...] = ()
    """IDs that the chat stored or sent although a reply to an earlier chat had issued them."""
    follows_an_aborted_reply: bool = False
    """New Chat was clicked while the reply of the chat before was still streaming."""
    sent_in_lane: Sequence[tuple[float, str]] = ()
    """Time and ID of every message's payload in the lane."""
    secondary_payloads: tuple[OldPayload, ...] = ()
    """Requests other than the messages that carried the ID of an earlier chat."""
    resent_payloads: tuple[OldPayload, ...] = ()
    """Messages that the page sent again by itself: at first without the ID of an earlier chat, then with it."""
    write_at_leave: Write | None = None
    """The write by which the page, when it was left, removed the chat's ID from the store."""
    other_tab_changed_provider: bool = False
    """The provider changed at New Chat in another tab, and in this run providers change at nothing else."""
    lost_messages: int = 0
    """How many messages the page accepted and never sent."""
    without_id: frozenset[int] = frozenset()
    """Numbers of the messages that need not carry an ID of the chat: the backend issues it afterwards."""
    recalls: tuple[RecallRow, ...] = ()
    stored_one_after_another: tuple[str, ...] = ()
    """The chat's own IDs in the order in which they were stored, where there are several."""

    @property
    def incomplete(self) -> bool:
        """A payload was not seen, or the store at a send."""
        store_unseen = self.lane.writes_seen and not (
            self.chat.stored_seen and all(m.stored_seen for m in self.messages)
        )
        return store_unseen or not self.messages or not all(m.sent_seen for m in self.messages)

    @property
    def follows_an_unseen_end(self) -> bool:
        """It began with New Chat in a chat that was refused or cut, so that what New Chat did to the ID cannot be compared."""
        return self.chat.via == "new_chat" and self.before is None

    def after(self, *what: str) -> tuple[MessageRow, ...]:
        """The messages that followed one of these user actions."""
        return tuple(m for m in self.messages if m.sent_seen and m.after in what)

    @property
    def first(self) -> str | None:
        """The ID of the first payload that was seen and must carry one."""
        return next((m.sent for m in self.messages if m.sent_seen and m.number not in self.without_id), None)

    @property
    def old_ids(self) -> AbstractSet[str]:
        """The IDs of all earlier chats of the context, and the one that the store held just before the click."""
        return rows.OldIds(self.earlier, self._held)

    @property
    def _held(self) -> frozenset[str]:
        held = None if self.before is None else self.before.stored_before
        return frozenset({held} if held else ())

    @property
    def previous_ids(self) -> frozenset[str]:
        """The IDs of the chat just before: in the browser, and in this tab where another tab's chat came between."""
        return self._held.union(self.earlier[-1] if self.earlier else (), self.ids_of_chat_before)

    @property
    def id_before_the_last_change(self) -> str | None:
        """The ID that the store held before the one which it held when the first payload was sent."""
        held = [self.before.stored_before if self.before is not None else None]
        held += [w.session for w in self.writes if w.changes]
        others = [session for session in held if session is not None and session != self.chat.stored]
        return others[-1] if others else None

    @property
    def page_was_loaded(self) -> bool:
        """The page was loaded again between New Chat and the first payload."""
        return len(self.writes_before_load) < len(self.writes)

    @property
    def writes_before_load(self) -> tuple[Write, ...]:
        """The writes before the page was loaded again, or all where it was not."""
        at = next((i for i, w in enumerate(self.writes) if w.op == "start"), len(self.writes))
        return self.writes[:at]

    def restoring_write(self) -> Write | None:
        """The write that stored an old ID again after it had been removed."""
        gone = self.before is not None and self.before.stored_before is None
        for write in self.writes:
            if gone and write.session is not None and write.changes and write.session in self.old_ids:
                return write
            gone = gone or write.changes
        return None

    def regenerating_write(self) -> Write | None:
        """The write that generated the same ID again over itself. Code that also touches the ID does not count as the generator."""
        for write in self.writes:
            place = self.lane.place(write.path)
            made = write.session is not None and not write.changes and self.lane.generates(write)
            if made and not any(same(place, touch) for touch in self.lane.touches):
                return write
        return None

    def changing_write(self) -> Write | None:
        """The write that removed or replaced the old ID: the first after the click, or that of an earlier chat."""
        return next((w for w in self.writes if w.changes), self.earlier_removal)


def chat_evidence(run: Run) -> Mapping[ChatKey, ChatEvidence]:
    """The evidence of every observed chat, and of those that were refused after New Chat; each made when it is first read."""
    return run.once("clues", lambda: _Evidence(run))


class _Evidence(Mapping[ChatKey, ChatEvidence]):
    def __init__(self, run: Run) -> None:
        self._run = run
        self._places = contexts(run)
        self._lost = lost_messages(run)
        self._messages, self._payloads = rows.MessagesByChat(run), first_payloads(run)
        self._writes = own_writes_by_lane(run)
        self._changes = {
            at: array("q", (n for n, w in enumerate(writes) if w.session != w.previous))
            for at, writes in self._writes.items()
        }
        self._transitions = {t.key: t for t in run.every(TransitionRow)}
        chats = run.every(ChatRow)
        self._chats = run.chat_of
        self._contexts = rows.AllContexts(run, self._messages)
        windows: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
        self._cut, self._mates = set[ChatKey](), defaultdict[Place, ScenarioChats](ScenarioChats)
        for key, c in self._chats.items():
            place = self._places[key]
            if c.via == "new_chat":
                windows[c.run_id, c.lane].append((c.began - _CLOCK, self._until(key)))
            if c.scenario != "plain":
                first = rows.first_id(run, self._messages[key])
                if first is not None:
                    self._mates[place].add(c, first)
            if c.cut:
                self._cut.add(key)
        self._lanes = {
            at: lane_of(run, at[0], self._writes[at], windows[at])
            for at in dict.fromkeys((c.run_id, c.lane) for c in chats)
        }
        self._sent = defaultdict(
            rows.LanePayloads, {at: rows.LanePayloads(s) for at, s in sent_in_lane(run).items()}
        )
        self._found: dict[ChatKey, ChatEvidence] = {}

    def __getitem__(self, key: ChatKey) -> ChatEvidence:
        found = self._found.get(key)
        if found is None:
            if key not in self:
                raise KeyError(key)
            found = self._collect(self._chats[key], key)
            if len(self._found) >= _KEPT:
                self._found.clear()
            self._found[key] = found
        return found

    def __contains__(self, key: object) -> bool:
        chat = self._chats.get(key) if isinstance(key, ChatKey) else None
        return chat is not None and (
            chat.status == "observed" or key in self._transitions or key in self._lost
        )

    def __iter__(self) -> Iterator[ChatKey]:
        return (key for key in self._chats if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _until(self, key: ChatKey) -> float:
        """When its first payload left."""
        return self._payloads[key].t if key in self._payloads else self._chats[key].ended

    def _collect(self, chat: ChatRow, key: ChatKey) -> ChatEvidence:
        run, at, place = self._run, (chat.run_id, chat.lane), self._places[key]
        messages, writes, until = self._messages[key], self._writes[at], self._until(key)
        here, number = self._contexts.place_of(chat)
        own = frozenset(i for _, i in self._contexts.timed(key))
        begin = bisect_left(writes, chat.began - _CLOCK, key=_time)
        in_time = writes[begin : bisect_right(writes, until, key=_time)]
        before = self._transitions.get(key)
        had, mask_key = self._contexts.had, chat.mask_key
        mates = self._mates[place]
        first = self._payloads.get(key)
        return ChatEvidence(
            key=key,
            chat=chat,
            messages=tuple(messages),
            before=before,
            earlier=rows.EarlierChats(here, number, chat.began),
            # The context itself is among those that had it.
            in_other_browsers=frozenset(i for i in own if had.in_several(mask_key, i)),
            seen_earlier=frozenset(i for i in own if had.before(mask_key, i, chat.began)),
            writes=tuple(write_of(run, w) for w in in_time if w.tab == chat.tab),
            earlier_removal=earlier_removal(run, writes, self._changes.get(at, ()), begin, chat),
            send_path=trail(run, key.run_id, first.stack if first is not None else None),
            lane=self._lanes[at],
            earlier_providers=rows.EarlierProviders(here, number),
            ids_of_later_chats=IdsOfLaterChats(mates, chat),
            later_writes=later_writes(run, writes, chat, until, messages),
            foreign_ids=foreign(run).get(key, ()),
            follows_an_aborted_reply=ChatKey(key.run_id, key.lane, key.chat - 1) in self._cut,
            sent_in_lane=self._sent[at],
            secondary_payloads=old_payloads(run).get(key, ()),
            resent_payloads=old_retries(run).get(key, ()),
            write_at_leave=leave_write(run, writes, chat, messages),
            other_tab_changed_provider=key in provider_changes(run) and key.run_id not in flapping(run),
            recalls=recalls_of(run).get(key, ()),
            lost_messages=len(self._lost.get(key, ())),
            without_id=frozenset(m.number for m in messages if not carries(run, m)),
            stored_one_after_another=stored_in_one_chat(run).get(key, ()),
            ids_of_chat_before=frozenset(
                i for t, i in self._contexts.timed(rows.key_before(before)) if t <= chat.began
            ),
            ids_of_other_tabs=IdsOfOtherTabs(mates, chat),
        )
