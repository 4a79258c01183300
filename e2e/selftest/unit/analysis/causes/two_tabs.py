"""Recorded runs with the scenario two-tabs: two tabs with a state each, and the store that they share."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from e2e.records.records import Chat, Event, Message, RunRecords
from e2e.selftest.unit.builders import START, make_run, stack, with_chats

_FIRST = 20
"""Number of the first chat, after those of the plain run."""


@dataclass
class Frontend:
    """How the page behaves in every tab, besides its faults (named as the causes)."""

    faults: tuple[str, ...]
    store: str = "localStorage"
    tabs: Literal["own", "share"] = "own"
    """``own``: a tab generates its own ID at its load. ``share``: it continues with the stored one."""
    overwrites: bool = False
    """New Chat writes the new ID over the old one, without removing the key."""


@dataclass
class _Tab:
    number: int
    state: str | None = None
    lagging: str | None = None
    knows: str | None = None
    """What this tab has seen the store hold."""


@dataclass
class _Scenario:
    page: Frontend
    run_id: str
    clock: float = START + 1000
    stored: str | None = None
    tabs: list[_Tab] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    generated: Any = field(default_factory=lambda: itertools.count(1))
    running: dict[int, int] = field(default_factory=dict)
    """Tab -> index of its running chat."""

    def play(self) -> None:
        here, there = self.open("plain"), None
        self.message(here)
        self.new_chat(here)
        self.message(here)
        there = self.open("two-tabs")
        self.message(there)
        for active, waiting in ((there, here), (here, there)):
            self.new_chat(active)
            self.message(active)
            self.message(waiting, after="other-tab")

    def open(self, scenario: str) -> _Tab:
        tab = _Tab(len(self.tabs), knows=self.stored)
        self.tabs.append(tab)
        self.begin(tab, scenario, "load")
        self.event(tab, "start", self.stored, None, "page-start", [])
        tab.state = self.stored
        if self.stored is None or (tab.number and self.page.tabs == "own"):
            tab.state = self.generate()
            self.write(tab, tab.state, "mint", "mount")
        return tab

    def generate(self) -> str:
        return f"t…{next(self.generated)}"

    def new_chat(self, tab: _Tab) -> None:
        self.look(tab)
        self.begin(tab, "two-tabs", "new_chat")
        tab.lagging = tab.state
        if "session-not-ended" in self.page.faults:
            return
        if not self.page.overwrites or "stale-state" in self.page.faults:
            self.write(tab, None, "remove", "startNew", "newChat")
        if "stale-state" in self.page.faults:
            return
        tab.state = self.generate()
        self.write(tab, tab.state, "mint", "startNew", "newChat")

    def message(self, tab: _Tab, *, after: Any = "") -> None:
        chat = self.chats[self.running[tab.number]]
        sent = tab.state
        if "stale-closure" in self.page.faults and chat.via == "new_chat":
            sent = tab.lagging
        self.clock += 0.01
        seen = self.page.store != "none"
        request = f"0.{chat.chat}.{len(chat.messages)}"
        made = Message(
            number=len(chat.messages), after_reload=False, after=after, sent_at=self.clock, ended_at=self.clock + 0.1,
            first_chunk_at=self.clock, stored_seen=seen, stored=self.stored if seen else None, sent_seen=True, sent=sent,
            reply_provider=None, backend_provider=None, label_provider=None, status=200, outcome="ok", chunks=3,
            bleeds_from=None, seen_on_screen=False, request=request,
        )  # fmt: skip
        self.events.append(
            Event(self.run_id, 0, self.clock, 0, chat.chat, "payload", {
                "rule": "chat", "transport": "http", "method": "POST", "url": "http://127.0.0.1:8765/api/chat",
                "session": sent, "message": made.number, "bleeds_from": None, "history": made.number,
                "request": request, "stack": stack("post", "sendMessage"), "tab": tab.number,
            })
        )  # fmt: skip
        self.clock += 0.2
        first = not chat.messages
        self.chats[self.running[tab.number]] = replace(
            chat,
            messages=(*chat.messages, made),
            stored=made.stored if first else chat.stored,
            ended=self.clock,
        )

    def begin(self, tab: _Tab, scenario: Any, via: Any) -> None:
        self.clock += 0.5
        seen = self.page.store != "none"
        self.running[tab.number] = len(self.chats)
        self.chats.append(
            Chat(
                run_id=self.run_id, lane=0, chat=_FIRST + len(self.chats), scenario=scenario, via=via, context=1,
                status="observed", reason="", began=self.clock, ended=self.clock, stored_seen=seen, stored=None,
                stored_before=self.stored if seen and via == "new_chat" else None, screen_messages=None, messages=(),
                tab=tab.number,
            )
        )  # fmt: skip

    # -- the store

    def write(self, tab: _Tab, session: str | None, *places: str) -> None:
        if self.page.store == "none":
            return
        before, self.stored = self.stored, session
        self.clock += 0.01
        self.event(tab, "set" if session else "remove", session, before, "page", stack(*places))
        tab.knows = session
        for other in self.tabs:
            if other is tab or before == session:
                continue
            if self.page.store == "localStorage":  # the browser tells the other tabs; of a cookie it does not
                self.event(other, "set" if session else "remove", session, other.knows, "other-tab", [])
                other.knows = session
            if "tab-bleed" in self.page.faults and session is not None:
                other.state = session

    def look(self, tab: _Tab) -> None:
        """The suite reads the store before it clicks."""
        if tab.knows != self.stored:
            self.event(tab, "set" if self.stored else "remove", self.stored, tab.knows, "unseen", [])
            tab.knows = self.stored

    def event(
        self, tab: _Tab, op: str, session: str | None, previous: str | None, by: str, frames: list[Any]
    ) -> None:
        if self.page.store == "none":
            return
        self.events.append(
            Event(self.run_id, 0, self.clock, 0, self.chats[self.running[tab.number]].chat, "storage", {
                "store": self.page.store, "op": op, "key": "chat_session", "session": session, "previous": previous,
                "same_value": session == previous, "shape": None, "time_offset": None, "by": by, "stack": frames,
                "tab": tab.number,
            })
        )  # fmt: skip


def two_tabs_run(*faults: str, **behaviour: Any) -> RunRecords:
    """A plain run with these faults, and the scenario two-tabs after it; see `Frontend` for what can be set."""
    page = Frontend(faults, **behaviour)
    in_plain = [fault for fault in faults if fault != "tab-bleed"]  # it takes two tabs
    stores = page.store != "none"
    records = make_run(
        *in_plain,
        chats=8,
        lanes=2,
        backend=False,
        storage_events=stores,
        overwrite=page.overwrites and "stale-state" not in faults,  # it must have lost the old ID
    )
    if not stores:
        records = with_chats(records, _unstored)
    scenario = _Scenario(page, records.meta.run_id)
    scenario.play()
    policy = replace(records.meta.policy, store=page.store, tabs=page.tabs)
    numbered = tuple(replace(e, seq=n) for n, e in enumerate((*records.events, *scenario.events), 1))
    meta = replace(records.meta, policy=policy, finished=scenario.clock + 1, scenarios={"two-tabs": 1})
    return replace(records, meta=meta, events=numbered, chats=(*records.chats, *scenario.chats))


def _unstored(chat: Chat) -> Chat:
    messages = tuple(replace(m, stored_seen=False, stored=None) for m in chat.messages if m.after != "reload")
    return replace(chat, stored_seen=False, stored=None, stored_before=None, messages=messages)
