"""The session IDs that replies issued, by message; and those that a page made itself until the backend replaced them.

A page may show a chat at once under an ID of its own (``temp-1``). The reply to the first message brings the backend's ID, and the
page goes on with that one: the pair is one ID. Where the policy is that the reply brings the ID,
`e2e.analysis.facts.id_history.provisional` does this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from e2e.records.records import Chat, Event, Message, RunRecords
from e2e.records.selection import changed, of_kind

_Place = tuple[int, int]


def issued_ids(run: RunRecords) -> Mapping[tuple[int, int, int], str]:
    """``(lane, chat, message)`` -> the ID that the reply to it issued.

    Where nothing is stored, an ID comes up only when it is sent: after the message's record was made, so the events know more.
    """
    found = {(c.lane, c.chat, m.number): m.issued for c in run.chats for m in c.messages if m.issued}
    for event in of_kind(run.events, "issued"):
        session, message = event.data.get("session"), event.data.get("message")
        if session and message is not None and event.chat is not None:
            found.setdefault((event.lane, event.chat, message), session)
    return found


def with_replaced_ids(run: RunRecords) -> RunRecords:
    """The run with the backend's ID wherever the page's own one stood before."""
    if run.meta.policy.rotation == "on_first_reply":
        return run
    pairs = replaced_ids(run)
    if not pairs:
        return run
    return replace(
        run,
        chats=tuple(_chat(c, pairs) for c in run.chats),
        events=changed(run.events, partial(_event, pairs=pairs)),
    )


def replaced_ids(run: RunRecords) -> Mapping[str, str]:
    """The page's own ID -> the backend's ID that replaced it.

    The page's ID is of one chat only, from its first message on, and no reply issued it. A reply to a message that carried it
    issued the other, which no earlier chat had sent, and the chat went on with that: in the store, or in its next messages.
    """
    issued = issued_ids(run)
    if not issued:
        return {}
    by_backend = set(issued.values())
    chats = {(c.lane, c.chat): c for c in run.chats}
    senders: dict[str, set[_Place]] = defaultdict(set)
    for place, chat in chats.items():
        for message in chat.messages:
            if message.sent is not None:
                senders[message.sent].add(place)
    stored = _stored(run)
    found: dict[str, str] = {}
    for (lane, number, at), real in issued.items():
        place = (lane, number)
        own = _sent(chats.get(place), at)
        if own is None or own == real or own in by_backend or own in found or senders[own] != {place}:
            continue
        chat = chats[place]
        if any(m.sent not in (own, None) for m in chat.messages if m.number < at):
            continue
        if _owner(real, chats, senders) in (None, place) and _goes_on(chat, at, own, real, stored):
            found[own] = real
    return found


def _sent(chat: Chat | None, number: int) -> str | None:
    return next((m.sent for m in chat.messages if m.number == number), None) if chat is not None else None


def _owner(session: str, chats: Mapping[_Place, Chat], senders: Mapping[str, set[_Place]]) -> _Place | None:
    """The chat that began first of those that sent it."""
    return min(senders.get(session, ()), key=lambda place: chats[place].began, default=None)


def _stored(run: RunRecords) -> Mapping[_Place, set[tuple[str, str]]]:
    """Lane and chat -> the IDs that were written over others: ``(earlier, later)``."""
    found: dict[_Place, set[tuple[str, str]]] = defaultdict(set)
    for event in of_kind(run.events, "storage"):
        before, after = event.data.get("previous"), event.data.get("session")
        if event.chat is not None and before and after:
            found[event.lane, event.chat].add((before, after))
    return found


def _goes_on(
    chat: Chat, message: int, own: str, real: str, stored: Mapping[_Place, set[tuple[str, str]]]
) -> bool:
    """The chat sends the backend's ID from some later message on, and the own one never again; or it stores it."""
    later = [m.sent for m in chat.messages if m.number > message and m.sent_seen]
    if later:
        return set(later) == {real}
    return (own, real) in stored.get((chat.lane, chat.chat), ())


def _chat(chat: Chat, pairs: Mapping[str, str]) -> Chat:
    def real(session: str | None) -> str | None:
        return pairs.get(session, session) if session is not None else None

    return replace(
        chat,
        stored=real(chat.stored),
        stored_before=real(chat.stored_before),
        stored_end=real(chat.stored_end),
        messages=tuple(_message(m, pairs) for m in chat.messages),
    )


def _message(message: Message, pairs: Mapping[str, str]) -> Message:
    sent, stored = message.sent or "", message.stored or ""
    return replace(message, sent=pairs.get(sent, message.sent), stored=pairs.get(stored, message.stored))


def _event(event: Event, pairs: Mapping[str, str]) -> Event | None:
    if event.kind == "minted" and event.data.get("session") in pairs:
        return None
    named = {
        name: pairs[event.data[name]]
        for name in ("session", "previous")
        if isinstance(event.data.get(name), str) and event.data[name] in pairs
    }
    return replace(event, data={**event.data, **named}) if named else event
