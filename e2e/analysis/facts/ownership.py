"""Whose a session ID is: that of the first chat that sent it, or was issued it. IDs of other chats, and several in one chat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from e2e.analysis.facts.id_history import given_by_reply, id_history, issued_to, provisional
from e2e.analysis.ids.book import Claim, Layer, MaskedId
from e2e.analysis.ids.payloads import payloads_at_once
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, IssuedRow, MessageRow, StorageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

__all__ = [
    "Claim",
    "Foreign",
    "foreign",
    "own_stored",
    "owners",
    "provisional",
    "sent_in_lane",
    "stored_in_one_chat",
]

_BY_THE_CHAT = ("page", "server", "unseen")
"""Who writes to the store while a chat goes on; a page load and another tab bring what is there."""
_OTHERS_IDS_BY_RIGHT = ("two-tabs", "return-to-chat")
"""Scenarios in which the store comes to hold another chat's ID by right."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """An ID in a chat that a reply to an earlier chat had issued."""

    t: float
    session: str
    owner: ChatKey
    layer: Layer
    late: bool
    """It was first stored or sent after this chat had begun, and a reply that New Chat had left behind had issued it."""

    @property
    def text(self) -> str:
        return f"{self.layer} {self.session}, which the reply to chat {self.owner.chat} had issued"


def owners(run: Run) -> Mapping[MaskedId, Claim]:
    """The chat that sent an ID first, or whose reply issued it."""
    return id_history(run).owners


def foreign(run: Run) -> Mapping[ChatKey, tuple[Foreign, ...]]:
    """The IDs of earlier chats' replies that came into chats which New Chat had begun, in order of time.

    An ID that was issued before New Chat counts where the policy is that each chat gets its own with its first reply: elsewhere a
    reply may bring the next chat's ID by design.
    """
    return run.once("foreign", lambda: _foreign(run))


class _Sighting(NamedTuple):
    t: float
    mask_key: str
    session: str
    key: ChatKey
    layer: Layer


def _foreign(run: Run) -> dict[ChatKey, tuple[Foreign, ...]]:
    if not run.every(IssuedRow):
        return {}
    chats = run.chat_of
    seen = [
        _Sighting(w.t, w.mask_key, w.session, key_of(w), "stored")
        for w in run.every(StorageRow)
        if w.own and w.session is not None and w.session != w.previous and w.by in _BY_THE_CHAT
    ]
    seen += [
        _Sighting(m.sent_at, m.mask_key, m.sent, key_of(m), "sent")
        for m in run.every(MessageRow)
        if m.sent_seen and m.sent is not None and m.sent_at is not None
    ]
    found: dict[ChatKey, list[Foreign]] = defaultdict(list)
    first: dict[MaskedId, float] = {}
    for s in sorted(seen, key=lambda one: one.t):
        appeared = first.setdefault((s.mask_key, s.session), s.t)
        chat, claim = chats.get(s.key), owners(run).get((s.mask_key, s.session))
        if chat is None or claim is None or not claim.issued or claim.key == s.key:
            continue
        if chat.via != "new_chat" or chat.scenario in _OTHERS_IDS_BY_RIGHT or claim.key not in chats:
            continue
        # The head of a reply may issue it before New Chat: then only the code that waits for the reply's end brings it.
        late = claim.t > chat.began or (chats[claim.key].cut and appeared > chat.began)
        earlier = chats[claim.key].order < chat.order
        if earlier and (late or run.policy.rotation == "on_first_reply"):
            found[s.key].append(Foreign(s.t, s.session, claim.key, s.layer, late))
    return {key: tuple(items) for key, items in found.items()}


def sent_in_lane(run: Run) -> Mapping[tuple[str, int], tuple[tuple[float, str], ...]]:
    """``(run, lane)`` -> time and ID of every message's payload, in order of time."""

    def collect() -> dict[tuple[str, int], tuple[tuple[float, str], ...]]:
        found: dict[tuple[str, int], list[tuple[float, str]]] = defaultdict(list)
        for m in run.every(MessageRow):
            if m.sent_seen and m.sent is not None and m.sent_at is not None:
                found[m.run_id, m.lane].append((m.sent_at, m.sent))
        return {lane: tuple(sorted(sent)) for lane, sent in found.items()}

    return run.once("sent_in_lane", collect)


# -- several IDs in one chat, where the backend issues them with the first reply -----------------------------------------


def stored_in_one_chat(run: Run) -> Mapping[ChatKey, tuple[str, ...]]:
    """The IDs of each chat that stored several of its own, one after the other, with no New Chat and no page load between."""
    return {key: ids for key, ids in own_stored(run).items() if len(ids) > 1}


def own_stored(run: Run) -> Mapping[ChatKey, tuple[str, ...]]:
    """The IDs that each chat stored, in order: those of its own.

    What the page stored before the backend's first ID was a placeholder. A chat that sent a later message without any ID is
    left out (each of its replies issues another one: `id-never-sent`), and so is one with a message that was sent again.
    """
    return run.once("own_stored", lambda: _own_stored(run))


def _own_stored(run: Run) -> dict[ChatKey, tuple[str, ...]]:
    if not given_by_reply(run):
        return {}
    # The first attempt of a message that the page sent again may have issued an ID as well.
    given, left_out = issued_to(run), set(payloads_at_once(run).retried)
    replied: dict[ChatKey, float] = {}
    for m in run.every(MessageRow):
        if m.number == 0 and m.outcome == "ok" and m.ended_at is not None:
            replied[key_of(m)] = m.ended_at
        elif m.sent_seen and m.sent is None and m.number and not m.loaded:
            left_out.add(key_of(m))
    chats = {
        key_of(c): c
        for c in run.every(ChatRow)
        if c.status == "observed" and c.scenario not in _OTHERS_IDS_BY_RIGHT and key_of(c) not in left_out
    }
    found: dict[ChatKey, dict[str, None]] = defaultdict(dict)
    over = set[ChatKey]()
    for w in run.every(StorageRow):
        if not w.own or w.chat is None or (chat := chats.get(key := key_of(w))) is None or w.tab != chat.tab:
            continue
        if w.op == "start" and found[key]:
            over.add(key)  # what a page load brings is judged elsewhere
        if key in over or w.by not in _BY_THE_CHAT or w.session is None or w.session == w.previous:
            continue
        owner = owners(run).get((w.mask_key, w.session))
        if owner is not None and owner.key != key:
            continue  # another chat's: judged as such
        after_the_reply = key in replied and w.t >= replied[key]
        if found[key] or w.session in given[key] or after_the_reply:
            found[key][w.session] = None
    return {key: tuple(ids) for key, ids in found.items() if ids}
