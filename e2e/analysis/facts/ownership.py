"""Whose a session ID is: it belongs to the first chat that sent it, or whose reply issued it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

BY_THE_CHAT = ("page", "server", "unseen")
"""Who writes to the store while a chat goes on; a page load and another tab bring what is there."""
OTHERS_IDS_BY_RIGHT = ("two-tabs", "return-to-chat")
"""Scenarios in which the store comes to hold another chat's ID by right."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The first time that an ID was seen with a chat."""

    t: float
    key: ChatKey
    issued: bool
    """A reply to the chat's message brought it; else the chat's payload did."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """An ID in a chat that a reply to an earlier chat had issued."""

    t: float
    session: str
    owner: ChatKey
    layer: str
    """``stored`` or ``sent``."""
    late: bool
    """It was first stored or sent after this chat had begun, and a reply that New Chat had left behind had issued it."""

    @property
    def text(self) -> str:
        return f"{self.layer} {self.session}, which the reply to chat {self.owner.chat} had issued"


def owners(run: Run) -> Mapping[tuple[str, str], Claim]:
    """``(mask_key, ID)`` -> whose it is."""

    def collect() -> dict[tuple[str, str], Claim]:
        claims = [
            (m.mask_key, m.sent, Claim(m.sent_at, key_of(m), issued=False))
            for m in rows(run.messages)
            if m.sent_seen and m.sent is not None and m.sent_at is not None
        ]
        claims += [
            (i.mask_key, i.session, Claim(i.t, key_of(i), issued=True))
            for i in rows(run.issued)
            if i.session is not None and i.chat is not None
        ]
        found: dict[tuple[str, str], Claim] = {}
        for mask_key, session, claim in sorted(claims, key=lambda c: c[2].t):
            found.setdefault((mask_key, session), claim)
        return found

    return run.once("owners", collect)


def foreign(run: Run) -> Mapping[ChatKey, tuple[Foreign, ...]]:
    """The IDs of earlier chats' replies that came into chats which New Chat had begun, in order of time.

    An ID that was issued before New Chat counts where the policy is that each chat gets its own with its first reply: elsewhere a
    reply may bring the next chat's ID by design.
    """
    return run.once("foreign", lambda: _foreign(run))


def _foreign(run: Run) -> dict[ChatKey, tuple[Foreign, ...]]:
    if not len(run.issued):
        return {}
    chats = {key_of(c): c for c in rows(run.chats)}
    seen: list[tuple[Any, float, str, str]] = [
        (w, w.t, w.session, "stored")
        for w in rows(run.storage[run.storage["own"].fillna(value=False)])
        if w.session is not None and w.session != w.previous and w.by in BY_THE_CHAT
    ]
    seen += [
        (m, m.sent_at, m.sent, "sent")
        for m in rows(run.messages)
        if m.sent_seen and m.sent is not None and m.sent_at is not None
    ]
    found: dict[ChatKey, list[Foreign]] = defaultdict(list)
    first: dict[tuple[str, str], float] = {}
    for row, t, session, layer in sorted(seen, key=lambda one: one[1]):
        came_up = first.setdefault((row.mask_key, session), t)
        chat, claim = chats.get(key_of(row)), owners(run).get((row.mask_key, session))
        if chat is None or claim is None or not claim.issued or claim.key == key_of(row):
            continue
        if chat.via != "new_chat" or chat.scenario in OTHERS_IDS_BY_RIGHT or claim.key not in chats:
            continue
        # The head of a reply may issue it before New Chat: then only the code that waits for the reply's end brings it.
        cut = chats[claim.key].cut is True and came_up > chat.began
        late = bool(claim.t > chat.began or cut)
        earlier = bool(chats[claim.key].order < chat.order)
        if earlier and (late or run.policy.rotation == "on_first_reply"):
            found[key_of(row)].append(Foreign(t, session, claim.key, layer, late))
    return {key: tuple(items) for key, items in found.items()}


def sent_in_lane(run: Run) -> Mapping[tuple[str, int], tuple[tuple[float, str], ...]]:
    """``(run, lane)`` -> time and ID of every message's payload, in order of time."""

    def collect() -> dict[tuple[str, int], tuple[tuple[float, str], ...]]:
        found: dict[tuple[str, int], list[tuple[float, str]]] = defaultdict(list)
        for m in rows(run.messages):
            if m.sent_seen and m.sent is not None and m.sent_at is not None:
                found[m.run_id, m.lane].append((m.sent_at, m.sent))
        return {lane: tuple(sorted(sent)) for lane, sent in found.items()}

    return run.once("sent_in_lane", collect)
