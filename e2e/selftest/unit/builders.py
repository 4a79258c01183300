"""Recorded runs without a browser: a simulated chat frontend whose records look like those of the reference chat.

``make_run("stale-state", chats=20, lanes=4)`` gives `RunRecords`; ``judge_run(...)`` the assembled `Run`. Faults are named
as the causes that they should be diagnosed as; several may be given at once.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from e2e.analysis.model.run import Run, assemble
from e2e.capture.session_ids.identity import shape, time_offset
from e2e.records.records import Chat, CodePlace, Event, Message, Policy, RunMeta, RunRecords

PROVIDERS = (
    "Big hat",
    "Tin drum",
    "Red kite",
    "Old oak",
    "Wet ink",
    "Dry well",
    "Low tide",
    "High noon",
    "Far hill",
)
START = 1_763_860_000.0
ORIGIN = "http://127.0.0.1:8765/assets/index-1.js"

_PLACES = {
    "mint": ("src/lib/session.ts", 33, "createSession"),
    "save": ("src/lib/session.ts", 12, "save"),
    "touch": ("src/lib/session.ts", 60, "touchSession"),
    "remove": ("src/lib/session.ts", 97, "endSession"),
    "restore": ("src/lib/persist.ts", 15, "rehydrate"),
    "mount": ("src/hooks/useSession.ts", 20, "useSession"),
    "startNew": ("src/hooks/useSession.ts", 41, "startNew"),
    "newChat": ("src/components/ChatPage.tsx", 52, "startNewChat"),
    "post": ("src/lib/transport/sse.ts", 22, "post"),
    "sendMessage": ("src/components/ChatPage.tsx", 118, "sendMessage"),
    "vendor": ("node_modules/react-dom/index.js", 900, "dispatch"),
}


def code_map(*, mapped: bool = True) -> dict[str, CodePlace]:
    """Stack position -> place, for every frame that the simulated frontend has."""
    found: dict[str, CodePlace] = {}
    for number, (source, line, function) in enumerate(_PLACES.values(), 1):
        vendor = "node_modules" in source
        context = ((line, f"  // {function}"),)
        place = CodePlace(source, line, 5, function, True, vendor, context)
        bundle = CodePlace("assets/index-1.js", 1, 100 * number, "a", False, False)
        found[f"{ORIGIN}:1:{100 * number}"] = place if mapped else bundle
    return found


def stack(*names: str) -> list[dict[str, Any]]:
    """The recorded frames of these places, innermost first, with a library's frame at the end."""
    columns = {name: 100 * number for number, name in enumerate(_PLACES, 1)}
    return [{"function": "a", "url": ORIGIN, "line": 1, "column": columns[n]} for n in (*names, "vendor")]


@dataclass
class Sample:
    """What to simulate. Every field can be given to `make_run`."""

    faults: tuple[str, ...] = ()
    chats: int = 20
    lanes: int = 4
    id_pattern: str = "timestamp"
    providers: Sequence[str] = PROVIDERS
    weights: Sequence[float] | None = None
    seed: int = 7
    run_id: str = "2026-11-22T0215Z-2f9c"
    mask_key: str = "a1b2c3"
    policy: Policy = field(default_factory=lambda: Policy(providers=PROVIDERS, has_backend=True))
    backend: bool = True
    """Probe the backend's own interface."""
    continue_last: bool = True
    """The last chat of a lane goes on with a second message, and a third after a reload."""
    messages: int = 1
    """Messages in every other chat."""
    stacks: bool = True
    mapped: bool = True
    storage_events: bool = True
    overwrite: bool = False
    """New Chat writes the new ID over the old one, without removing the key."""
    wrapper: bool = False
    """All writes go through one function, so that minting and touching are one place."""
    publishes: tuple[str, ...] = ()
    """The ID is made in memory, and stored by the first message of a chat: from these places, innermost first."""
    started: float = START


def make_run(*faults: str, **fields: Any) -> RunRecords:
    """One recorded run; see `Sample` for what can be set."""
    return _Simulation(Sample(faults=faults, **fields)).run()


def judge_run(*faults: str, **fields: Any) -> Run:
    """The same, assembled."""
    return assemble([make_run(*faults, **fields)])


def with_meta(records: RunRecords, **changes: Any) -> RunRecords:
    """The same run with another ``run.json``."""
    return replace(records, meta=replace(records.meta, **changes))


def with_chats(records: RunRecords, change: Any) -> RunRecords:
    """The same run with each chat replaced by ``change(chat)``; None leaves it out."""
    changed = (change(chat) for chat in records.chats)
    return replace(records, chats=tuple(chat for chat in changed if chat is not None))


def with_messages(records: RunRecords, **changes: Any) -> RunRecords:
    """The same run with these fields changed in every message."""
    return with_chats(
        records, lambda c: replace(c, messages=tuple(replace(m, **changes) for m in c.messages))
    )


class _Simulation:
    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.random = random.Random(sample.seed)
        self.events: list[Event] = []
        self.chats: list[Chat] = []
        self.assigned: dict[str, str] = {}
        self.seq = 0

    def run(self) -> RunRecords:
        s = self.sample
        lanes = [_Lane(self, n) for n in range(s.lanes)]
        share = [s.chats // s.lanes + (n < s.chats % s.lanes) for n in range(s.lanes)]
        for number in range(max(share)):
            for lane in lanes:
                if number < share[lane.number]:
                    lane.chat(number, last=number == share[lane.number] - 1)
        end = max((c.ended for c in self.chats), default=s.started)
        if s.backend:
            self.probe(end)
        meta = RunMeta(
            run_id=s.run_id,
            target="reference",
            title="Reference chat",
            url="http://127.0.0.1:8765/",
            started=s.started,
            finished=end + 2,
            planned_chats=s.chats,
            lanes=s.lanes,
            masked=True,
            mask_key=s.mask_key,
            policy=s.policy,
            alarms_per_year=0.02,
            environment={"browser": "chromium"},
            code=code_map(mapped=s.mapped) if s.stacks else {},
        )
        chats = tuple(sorted(self.chats, key=lambda c: c.ended))
        return RunRecords(meta, tuple(self.events), chats, f"reports/out/evidence/{s.run_id}")

    def event(self, t: float, lane: int, chat: int | None, kind: Any, **data: Any) -> None:
        self.seq += 1
        self.events.append(Event(self.sample.run_id, self.seq, t, lane, chat, kind, data))

    def mask(self, session: str | None) -> str | None:
        if session is None:
            return None
        digest = hashlib.sha256(f"{self.sample.mask_key}{session}".encode()).hexdigest()[:12]
        return f"session_…{digest}"

    def draw(self) -> str:
        return self.random.choices(list(self.sample.providers), self.sample.weights)[0]

    def provider(self, session: str, *, ask: str = "reply") -> str:
        """Who answers for a session, faults included."""
        if "provider-pinned" in self.sample.faults:
            return self.assigned.setdefault(session, self.sample.providers[0])
        if "provider-flaps" in self.sample.faults and ask != "assign":
            last = self.assigned.get(session)
            self.assigned[session] = self.random.choice([p for p in self.sample.providers if p != last])
            return self.assigned[session]
        return self.assigned.setdefault(session, self.draw())

    # -- the backend's own interface

    def probe(self, t: float) -> None:
        s = self.sample

        def ask(question: str, probe: str, session: str | None, **data: Any) -> None:
            row = {
                "provider": None,
                "status": 200,
                "found": True,
                "pattern": None,
                "active": None,
                "distribution": None,
            }
            self.event(
                t + 0.001 * self.seq,
                -1,
                None,
                "backend",
                question=question,
                probe=probe,
                session=self.mask(session),
                **(row | data),
            )

        counts = Counter(dict.fromkeys(s.providers, 0))
        counts.update(self.assigned.values())
        ask("state", "state", None, active=sum(counts.values()), distribution=dict(counts))
        fresh = [f"uuid-{n}" for n in range(20)]
        for session in fresh:
            ask("assign", "fresh", session, provider=self.provider(session, ask="assign"))
        patterns = ("timestamp", "counter", "fixed", "userBased", "browserBased", "chatBased", "uuid")
        for pattern in patterns:
            for n in range(5):
                session = f"probe-{pattern}-{0 if pattern in ('fixed', 'browserBased') else n}"
                ask(
                    "assign",
                    "pattern",
                    session,
                    pattern=pattern,
                    provider=self.provider(session, ask="assign"),
                )
        ask("assign", "same", "same-1", provider=self.provider("same-1", ask="assign"))
        for _ in range(3):
            ask("lookup", "same", "same-1", provider=self.provider("same-1"))
        ask("assign", "removed", "gone-1", provider=self.provider("gone-1", ask="assign"))
        ask("lookup", "removed", "gone-1", provider=self.provider("gone-1"))
        ask("remove", "removed", "gone-1")
        leaked = "session-leaked" in s.faults
        after = self.provider("gone-1") if leaked else None
        ask("lookup", "removed", "gone-1", provider=after, found=leaked, status=200 if leaked else 404)


class _Lane:
    """One browser: a store, a hook's state, a screen."""

    def __init__(self, simulation: _Simulation, number: int) -> None:
        self.sim = simulation
        self.number = number
        self.faults = simulation.sample.faults
        self.tag = f"{simulation.random.getrandbits(32):08x}"
        self.clock = simulation.sample.started + 0.013 * number
        self.store: str | None = None
        self.hook: str | None = None
        self.lagging: str | None = None
        self.minted: list[str] = []
        self.labels: list[str] = []

    # -- the frontend

    def mint(self) -> str:
        s, n = self.sim.sample, len(self.minted) + 1
        rnd = self.sim.random
        ms = int(self.clock * 1000)
        part = "".join(rnd.choices("0123456789abcdefghijklmnopqrstuvwxyz", k=9))
        if "id-collision" in self.faults and n > 3:
            made = self.minted[-2]
        elif "id-constant" in self.faults:
            made = f"session_{self.tag}_constant"
        else:
            made = {
                "timestamp": f"session_{ms}_{part}",
                "counter": f"session_{self.tag}_{n}",
                "fixed": "session_fixed",
                "userBased": f"session_{self.tag}_{ms}",
                "browserBased": "session_0a1b2c3d4e5f",
                "chatBased": f"session_chat_{n}_{rnd.getrandbits(32):08x}",
                "uuid": "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}".format(
                    *map(rnd.getrandbits, (32, 16, 12, 12, 48))
                ),
            }[s.id_pattern]
        self.minted.append(made)
        return made

    def write(self, session: str | None, *places: str, chat: int) -> None:
        previous, self.store = self.store, session
        if self.sim.sample.wrapper:
            places = ("save", *places)
        self.clock += 0.001
        if not self.sim.sample.storage_events:
            return
        self.sim.event(
            self.clock, self.number, chat, "storage", store="localStorage", op="set" if session else "remove",
            key="chat_session", session=self.sim.mask(session), previous=self.sim.mask(previous),
            same_value=session == previous, shape=shape(session) if session else None,
            time_offset=time_offset(session, self.clock) if session else None, by="page",
            stack=stack(*places) if self.sim.sample.stacks else [],
        )  # fmt: skip

    def load(self, chat: int) -> None:
        if self.store is None and self.sim.sample.publishes:
            self.hook = self.mint()
            return
        if self.store is None:
            self.write(self.mint(), "mint", "mount", chat=chat)
        self.hook = self.store

    def new_chat(self, chat: int) -> None:
        if "session-not-ended" in self.faults:
            return
        old = self.store
        self.lagging = old
        if not self.sim.sample.overwrite:
            self.write(None, "remove", "startNew", "newChat", chat=chat)
        if "stale-state" in self.faults:
            return
        if "session-restored" in self.faults:
            self.write(old, "restore", "newChat", chat=chat)
            return
        made = self.mint()
        if not self.sim.sample.publishes:
            self.write(made, "mint", "startNew", "newChat", chat=chat)
        if "split-session" in self.faults:
            made = self.mint()
        self.hook = made

    # -- the person

    def chat(self, number: int, *, last: bool) -> None:
        began = self.clock = self.clock + 0.5
        before = self.store
        if number == 0:
            self.load(number)
        else:
            self.sim.event(began, self.number, number, "new_chat")
            self.new_chat(number)
        sample = self.sim.sample
        turns = [False] * (2 if last and sample.continue_last else sample.messages)
        messages = [self.message(number, n, after_reload=False) for n in range(len(turns))]
        if last and sample.continue_last:
            self.load(number)
            messages.append(self.message(number, len(messages), after_reload=True))
        self.clock += 0.05
        first = messages[0]
        self.sim.chats.append(
            Chat(
                run_id=sample.run_id, lane=self.number, chat=number, scenario="plain",
                via="load" if number == 0 else "new_chat", context=0, status="observed", reason="", began=began,
                ended=self.clock, stored_before=self.sim.mask(before), stored_seen=True, stored=first.stored,
                screen_messages=0 if number else None, messages=tuple(messages),
            )
        )  # fmt: skip

    def sent_id(self, number: int, message: int) -> str | None:
        if "stale-closure" in self.faults and number > 0:
            return self.lagging
        if "late-rotation" in self.faults and number > 0 and message == 0:
            return self.lagging
        if "over-rotation" in self.faults and message > 0:
            return self.mint()
        return self.hook

    def message(self, number: int, message: int, *, after_reload: bool) -> Message:
        sample = self.sim.sample
        if self.store is None and sample.publishes:
            self.write(self.hook, *sample.publishes, chat=number)
        elif self.store is not None:
            self.write(self.store, "touch", "sendMessage", chat=number)
        sent = self.hook if after_reload else self.sent_id(number, message)
        self.clock += 0.01
        sent_at = self.clock
        bleeds = number - 1 if "history-bleed" in self.faults and number > 0 and message == 0 else None
        request = f"{self.number}.{number}.{message}"
        self.sim.event(
            sent_at, self.number, number, "payload", rule="chat", transport="http", method="POST",
            url="http://127.0.0.1:8765/api/chat", session=self.sim.mask(sent), message=message, bleeds_from=bleeds,
            history=message, request=request, stack=stack("post", "sendMessage") if sample.stacks else [],
        )  # fmt: skip
        reply = self.sim.provider(sent or "")
        looked_up = self.sim.provider(sent or "")
        self.labels.append(reply)
        label = self.labels[0] if "label-stale" in self.faults else reply
        self.clock += 0.2
        return Message(
            number=message, after_reload=after_reload, after="reload" if after_reload else "",
            sent_at=sent_at, ended_at=self.clock, first_chunk_at=sent_at + 0.01,
            stored_seen=True, stored=self.sim.mask(self.store), sent_seen=True, sent=self.sim.mask(sent),
            reply_provider=reply, backend_provider=looked_up, label_provider=label, status=200, outcome="ok", chunks=6,
            bleeds_from=bleeds, seen_on_screen=True, request=request,
        )  # fmt: skip
