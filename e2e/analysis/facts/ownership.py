"""Whose a session ID is: it belongs to the first chat that sent it, or whose reply issued it; and chats that came to several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

_BY_THE_CHAT = ("page", "server", "unseen")
"""Who writes to the store while a chat goes on; a page load and another tab bring what is there."""
_OTHERS_IDS_BY_RIGHT = ("two-tabs", "return-to-chat")
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
        if w.session is not None and w.session != w.previous and w.by in _BY_THE_CHAT
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
        if chat.via != "new_chat" or chat.scenario in _OTHERS_IDS_BY_RIGHT or claim.key not in chats:
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


# -- several IDs in one chat, where the backend issues them with the first reply -----------------------------------------


def provisional(run: Run) -> frozenset[tuple[ChatKey, int]]:
    """Chat and number of the first messages that carried an ID of the page's own making, until the backend's replaced it.

    No reply issued such an ID, and only first messages carry it (each its own, or all the same placeholder). The reply issued
    another one, with which the chat went on.
    """
    return run.once("provisional", lambda: frozenset(_provisional(run)))


def _provisional(run: Run) -> set[tuple[ChatKey, int]]:
    if run.policy.rotation != "on_first_reply":
        return set()
    given = _issued_to(run)
    replaced: dict[tuple[str, str], list[tuple[ChatKey, int]]] = defaultdict(list)
    kept = {(i.mask_key, i.session) for i in rows(run.issued)}
    by_chat: dict[ChatKey, list[Any]] = defaultdict(list)
    for m in rows(run.messages):
        if m.sent_seen:
            by_chat[key_of(m)].append(m)
    certain = set[tuple[str, str]]()
    for key, messages in by_chat.items():
        for n, m in enumerate(messages):
            if m.sent is None:
                continue
            at = (m.mask_key, m.sent)
            if m.number and not m.loaded:
                kept.add(at)
                continue
            following = messages[n + 1].sent if n + 1 < len(messages) else None
            if following is None and n + 1 < len(messages):
                continue  # the chat went on without the ID that the reply issued
            if following is None or following in given[key]:
                replaced[at].append((key, m.number))
            if given[key] - {m.sent}:
                certain.add(at)
    return {place for at in certain - kept for place in replaced[at]}


def stored_in_one_chat(run: Run) -> Mapping[ChatKey, tuple[str, ...]]:
    """The IDs of each chat that stored several of its own, one after the other, with no New Chat and no page load between."""
    return {key: ids for key, ids in own_stored(run).items() if len(ids) > 1}


def own_stored(run: Run) -> Mapping[ChatKey, tuple[str, ...]]:
    """The IDs that each chat stored, in order: those of its own.

    What the page stored before the backend's first ID came only held its place. A chat that sent a later message without any ID is
    left out (each of its replies issues another one: `id-never-sent`), and so is one with a message that was sent again.
    """
    return run.once("own_stored", lambda: _own_stored(run))


def _own_stored(run: Run) -> dict[ChatKey, tuple[str, ...]]:
    if run.policy.rotation != "on_first_reply":
        return {}
    given, left_out = _issued_to(run), _retried(run)
    replied: dict[ChatKey, float] = {}
    for m in rows(run.messages):
        if m.number == 0 and m.outcome == "ok" and m.ended_at is not None:
            replied[key_of(m)] = m.ended_at
        elif m.sent_seen and m.sent is None and m.number and not m.loaded:
            left_out.add(key_of(m))
    chats = {
        key_of(c): c
        for c in rows(run.chats)
        if c.status == "observed" and c.scenario not in _OTHERS_IDS_BY_RIGHT and key_of(c) not in left_out
    }
    found: dict[ChatKey, dict[str, None]] = defaultdict(dict)
    over = set[ChatKey]()
    for w in rows(run.storage[run.storage["own"].fillna(value=False)]):
        if w.chat is None or (chat := chats.get(key := key_of(w))) is None or w.tab != chat.tab:
            continue
        if w.op == "start" and found[key]:
            over.add(key)  # what a page load brings is another question
        if key in over or w.by not in _BY_THE_CHAT or w.session is None or w.session == w.previous:
            continue
        owner = owners(run).get((w.mask_key, w.session))
        if owner is not None and owner.key != key:
            continue  # another chat's: judged as such
        after_the_reply = key in replied and w.t >= replied[key]
        if found[key] or w.session in given[key] or after_the_reply:
            found[key][w.session] = None
    return {key: tuple(ids) for key, ids in found.items() if ids}


def _issued_to(run: Run) -> dict[ChatKey, set[str]]:
    """The IDs that the replies to each chat's messages issued."""
    found: dict[ChatKey, set[str]] = defaultdict(set)
    for i in rows(run.issued):
        if i.session is not None and i.chat is not None:
            found[key_of(i)].add(i.session)
    return found


def _retried(run: Run) -> set[ChatKey]:
    """Chats with a message that the page sent again by itself: the first attempt's reply may have issued an ID as well."""
    return {key_of(p) for p in rows(run.payloads) if p.retry is True and p.chat is not None}
