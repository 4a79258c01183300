"""Several IDs in one chat where the backend issues them with the first reply: which are one too many, and which only held the place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from e2e.analysis.facts.ownership import BY_THE_CHAT, OTHERS_IDS_BY_RIGHT, owners
from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of


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
        if c.status == "observed" and c.scenario not in OTHERS_IDS_BY_RIGHT and key_of(c) not in left_out
    }
    found: dict[ChatKey, dict[str, None]] = defaultdict(dict)
    over = set[ChatKey]()
    for w in rows(run.storage[run.storage["own"].fillna(value=False)]):
        if w.chat is None or (chat := chats.get(key := key_of(w))) is None or w.tab != chat.tab:
            continue
        if w.op == "start" and found[key]:
            over.add(key)  # what a page load brings is another question
        if key in over or w.by not in BY_THE_CHAT or w.session is None or w.session == w.previous:
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
