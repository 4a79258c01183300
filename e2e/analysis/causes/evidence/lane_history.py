"""What is known of a lane as a whole: where its IDs are made, and habits of the page that show in its whole run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from e2e.analysis.facts.code_locations import Trail, innermost, same, trail
from e2e.analysis.facts.ownership import provisional
from e2e.analysis.facts.reloads import Brings, brings
from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of
from e2e.records.records import CodePlace


@dataclass(frozen=True, slots=True)
class Write:
    """One write to the profile's key, or its disappearance."""

    t: float
    op: str
    session: str | None
    previous: str | None
    by: str
    path: Trail

    @property
    def changes(self) -> bool:
        return self.session != self.previous


@dataclass(frozen=True, slots=True)
class Lane:
    """What is known of one browser context as a whole."""

    mint: CodePlace | None
    """Where its first ID was written."""
    touches: tuple[CodePlace, ...]
    """Places that write the ID again while a chat goes on (``lastUsed``)."""
    shared: int
    """Innermost frames that minting and touching have in common: one function writes for both, and tells neither."""
    watched: bool
    """Writes to the key were seen at all; only then does "no write" mean that there was none."""
    lags: bool
    """Somewhere in the run a payload carried the ID that the store had got in the chat before, which had sent another."""
    mints_often: bool
    """Somewhere in the run several fresh IDs were sent in one chat in which nothing but messages had happened."""

    restores: bool
    """Somewhere in the run a page load made a chat go on with the ID of an earlier one."""
    remakes: bool
    """Somewhere in the run a page load that kept nothing led to the same ID again: it is made, not remembered."""
    reload: Brings = ""
    """What a page load after New Chat brings in this run: the old ID, or another."""
    stores: bool = True
    """The profile names a store at all."""
    in_address: bool = False
    """The ID that counts as sent is in the page's address."""
    never_sent: bool = False
    """Stored IDs were searched for in all that the pages of this run sent, and stand nowhere in it, in no form."""

    def place(self, path: Trail) -> CodePlace | None:
        """Where the product itself wrote, past what all its writes go through."""
        return path[self.shared] if len(path) > self.shared else innermost(path)

    def mints(self, write: Write) -> bool:
        """The write was made where the first ID was."""
        return same(self.place(write.path), self.mint)


def write_of(run: Run, w: Any) -> Write:
    """A row of the storage events, with the product\'s own frames."""
    return Write(w.t, w.op, w.session, w.previous, w.by or "", trail(run, w.run_id, w.stack))


def lane_of(run: Run, run_id: str, writes: Sequence[Any], windows: Sequence[tuple[float, float]]) -> Lane:
    """A lane out of its writes; ``windows`` are the times between each New Chat and the first payload after it."""
    mint = next((w for w in writes if w.session is not None and w.previous is None and w.stack), None)
    again = [w for w in writes if w.session is not None and w.session == w.previous]
    touches = [w for w in again if not any(begin <= w.t <= end for begin, end in windows)]
    trails = [path for w in touches if (path := trail(run, run_id, w.stack))]
    minted = trail(run, run_id, mint.stack) if mint is not None else ()
    shared = min((_common(minted, path) for path in trails), default=0)
    places = dict.fromkeys(path[shared] if len(path) > shared else path[0] for path in trails)
    return Lane(
        mint=(minted[shared] if len(minted) > shared else minted[0]) if minted else None,
        touches=tuple(places),
        shared=shared,
        watched=any(w.session is not None for w in writes),
        lags=run_id in _lagging(run),
        mints_often=run_id in _minting_often(run),
        restores=run_id in _after_loads(run)[0],
        remakes=run_id in _after_loads(run)[1],
        reload=brings(run, run_id),
        stores=run.policy.store != "none",
        in_address=run.policy.in_address,
        never_sent=run_id in _never_sent(run),
    )


def _never_sent(run: Run) -> frozenset[str]:
    def collect() -> frozenset[str]:
        looked = run.sightings[run.sightings["place"].notna()]
        sent = set(run.messages["run_id"][run.messages["sent"].notna()])
        elsewhere = set(looked["run_id"][looked["place"] != ""])
        unread = set(looked["run_id"][looked["unread"].fillna(0) > 0])
        return frozenset(set(looked["run_id"]) - sent - elsewhere - unread)

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
    """The runs in which a payload carried what the store held in the chat before, and that chat had sent something else."""

    def collect() -> frozenset[str]:
        stored = {key_of(c): c.stored for c in rows(run.chats)}
        return frozenset(
            t.run_id
            for t in rows(run.transitions)
            if t.sent is not None
            and t.sent == stored[ChatKey(t.run_id, t.lane, t.chat_before)]
            and t.sent != t.sent_before
        )

    return run.once("lagging", collect)


def _after_loads(run: Run) -> tuple[frozenset[str], frozenset[str]]:
    """The runs in which a load brought an earlier chat's ID back; and those in which the same came though nothing is stored."""

    def collect() -> tuple[frozenset[str], frozenset[str]]:
        restores, remakes = set[str](), set[str]()
        memory_only = run.policy.store == "none" and not run.policy.in_address
        sent: dict[tuple[str, int], set[str]] = defaultdict(set)
        first: dict[ChatKey, str] = {}
        for m in sorted(rows(run.messages), key=lambda m: m.sent_at or 0.0):
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


def _minting_often(run: Run) -> frozenset[str]:
    """The runs in which a chat, left to itself, sent several IDs that no other chat sent."""

    def collect() -> frozenset[str]:
        owners: dict[tuple[str, str], set[ChatKey]] = defaultdict(set)
        sent: dict[ChatKey, set[tuple[str, str]]] = defaultdict(set)
        loaded = set[ChatKey]()
        for m in rows(run.messages):
            if m.loaded and m.number:
                loaded.add(key_of(m))
            if m.sent_seen and m.sent is not None and (key_of(m), m.number) not in provisional(run):
                owners[m.mask_key, m.sent].add(key_of(m))
                if not m.after and key_of(m) not in loaded:
                    sent[key_of(m)].add((m.mask_key, m.sent))
        return frozenset(key.run_id for key, ids in sent.items() if sum(len(owners[i]) == 1 for i in ids) > 1)

    return run.once("minting_often", collect)
