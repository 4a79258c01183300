"""Who stored, sent or was issued which session ID, and who first. IDs of two runs are comparable under one mask key only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from e2e.analysis.ids.book import (
    Book,
    Claim,
    Contexts,
    Ids,
    IdsOfChats,
    Layer,
    MaskedId,
    Place,
    View,
    first_of,
    in_contexts,
    with_id,
)
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, IssuedRow, MessageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

Sent = tuple[ChatKey, int]
"""Chat, and number of the message."""


@dataclass(frozen=True, slots=True)
class IdHistory:
    """Which chat had which ID, in the store, in a payload, in a reply."""

    ids: Mapping[Layer, Mapping[ChatKey, tuple[str, ...]]]
    """The distinct IDs of each chat, in order of their appearance; for every chat of the run."""
    holders: Mapping[Layer, Mapping[MaskedId, Mapping[Place, int]]]
    """The browser contexts that had an ID, each with the order of its first chat that did."""
    owners: Mapping[MaskedId, Claim]
    """The chat that sent an ID first, or was issued it first."""
    first: Mapping[MaskedId, tuple[float, ChatKey]]
    """When a message first carried an ID, the store held it at a message, or a reply issued it; and in which chat."""


def id_history(run: Run) -> IdHistory:
    """The history of all IDs of ``run``, computed once."""
    return run.once("id_history", lambda: _history(run))


def contexts(run: Run) -> Mapping[ChatKey, Place]:
    """The browser context of each chat."""
    return Contexts(run.chat_of)


def given_by_reply(run: Run) -> bool:
    """The backend makes the ID and gives it with the first reply: a chat's first message carries none."""
    return run.policy.rotation == "on_first_reply"


def carries(run: Run, message: MessageRow) -> bool:
    """Whether a message carried an ID that counts, or should have.

    A first message needs none where the reply issues it, and no message does where the chat sends no ID.
    """
    if not run.policy.sends_id:
        return False
    if not given_by_reply(run):
        return True
    if (key_of(message), message.number) in provisional(run):
        return False
    return bool(message.number) or message.sent is not None


def provisional(run: Run) -> frozenset[Sent]:
    """The first messages that carried an ID which the page made itself, until the backend's ID replaced it.

    No reply issued such an ID, and only first messages carry it (each its own, or all the same placeholder). The reply issued
    another one, with which the chat went on.
    """
    return run.once("provisional", lambda: frozenset(_provisional(run)))


def _provisional(run: Run) -> set[Sent]:
    if not given_by_reply(run):
        return set()
    given = issued_to(run)
    replaced: dict[MaskedId, list[Sent]] = defaultdict(list)
    kept = {(i.mask_key, i.session) for i in run.every(IssuedRow) if i.session is not None}
    by_chat: dict[ChatKey, list[MessageRow]] = defaultdict(list)
    for m in run.every(MessageRow):
        if m.sent_seen:
            by_chat[key_of(m)].append(m)
    certain = set[MaskedId]()
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


def issued_to(run: Run) -> dict[ChatKey, set[str]]:
    """The IDs that the replies to each chat's messages issued."""
    found: dict[ChatKey, set[str]] = defaultdict(set)
    for i in run.every(IssuedRow):
        if i.session is not None and i.chat is not None:
            found[key_of(i)].add(i.session)
    return found


def _history(run: Run) -> IdHistory:
    book = Book()
    mine: dict[Layer, list[Ids]] = {}
    uses: dict[Layer, Iterator[tuple[ChatRow, str]]] = {"stored": _stored(run), "sent": _sent(run)}
    for layer, found in uses.items():
        mine[layer] = [None] * len(run.every(ChatRow))
        for chat, session in found:
            mine[layer][chat.order] = with_id(mine[layer][chat.order], session)
            book.held(layer, chat, session)
    book.claims(run)
    book.appearances(run, given=given_by_reply(run))
    return IdHistory(
        ids={layer: IdsOfChats(run.chat_of, ids) for layer, ids in mine.items()},
        holders={
            "stored": View(book, lambda known: in_contexts(known.stored)),
            "sent": View(book, lambda known: in_contexts(known.sent)),
        },
        owners=View(book, lambda known: known.claim),
        first=View(book, first_of),
    )


def _sent(run: Run) -> Iterator[tuple[ChatRow, str]]:
    """Each chat with the IDs that its messages carried, in order. A placeholder of the ID that the reply issued is left out."""
    left_out = provisional(run)
    for m in run.every(MessageRow):
        if m.sent_seen and m.sent is not None and (m.key, m.number) not in left_out:
            yield run.chat_of[m.key], m.sent


def _stored(run: Run) -> Iterator[tuple[ChatRow, str]]:
    """Each chat with the IDs that the store held, in order: at its begin, and at its messages.

    What the store held before the backend gave the new ID is nobody's.
    """
    given = given_by_reply(run)
    messages = iter(run.every(MessageRow))
    m = next(messages, None)
    for chat in run.every(ChatRow):
        if not given and chat.stored_seen and chat.stored is not None:
            yield chat, chat.stored
        while m is not None and m.order == chat.order:
            if m.stored_seen and m.stored is not None and (m.number or not given):
                yield chat, m.stored
            m = next(messages, None)
