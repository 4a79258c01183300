"""Which messages of a recording make up a chat. A recording has no clicks, so what shows a New Chat is named with each result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal

from e2e.capture.network.bodies.parsing import payload_of
from e2e.capture.network.exchange import Exchange
from e2e.explore.discover.values import id_likeness, leaves
from e2e.explore.har.messages import Recorded

By = Literal["request", "history", "gap", "session"]
_ALIKE = 0.6  # likeness of two texts of which one may be the other, edited
_ID = 0.5  # likeness from which a text is taken for an ID
_START = 2
"""Entries of the list of earlier messages with which a chat may begin: its own message, and a system prompt."""


@dataclass(slots=True)
class RecordedChat:
    """One chat: from a New Chat, as far as it can be seen, to the next."""

    began: float
    new_chat: bool
    """A New Chat was seen before it, and not a page load only."""
    tab: int = 0
    messages: list[Exchange] = field(default_factory=list)
    unclear: str = ""
    """Why it is not clear whether a New Chat began it."""


@dataclass(frozen=True, slots=True)
class Split:
    """The chats of a recording, and what showed where they begin."""

    by: By
    chats: tuple[RecordedChat, ...]

    @property
    def sees_new_chats(self) -> bool:
        return self.by != "session"


def split(found: Recorded, *, gap: float | None, returns: bool) -> Split:
    """The chats of a recording.

    Parameters
    ----------
    gap : seconds without a message after which the caller knows that a new chat was started; None: a pause shows nothing.
    returns : a user of this chat can go on with an older one.
    """
    by: By = "session"
    if found.new_chats:
        by = "request"
    elif len({m.history for m in found.messages if m.history is not None}) > 1:
        by = "history"  # a list that never grows shows nothing
    elif gap is not None:
        by = "gap"
    chats: list[RecordedChat] = []
    for tab in sorted({found.tabs.get(m.request, 0) for m in found.messages}):
        mine = [m for m in found.messages if found.tabs.get(m.request, 0) == tab]
        if by == "session":
            chats += _by_session(mine, tab)
        else:
            chats += _by_signs(found, mine, tab, by, gap, returns)
    return Split(by, tuple(sorted(chats, key=lambda c: c.began)))


def _by_session(messages: Sequence[Exchange], tab: int) -> list[RecordedChat]:
    """Without any sign of a New Chat: the messages of one session ID are a chat."""
    chats: list[RecordedChat] = []
    of: dict[str, RecordedChat] = {}
    for message in messages:
        session = message.session
        last = chats[-1] if chats else None
        chat = of.get(session) if session is not None else None
        if chat is None and last is not None and _continues(last, message):
            chat = last
        if chat is None:
            chat = RecordedChat(message.sent_at, False, tab)
            chats.append(chat)
        if session is not None:
            of[session] = chat
        chat.messages.append(message)
    return chats


def _continues(chat: RecordedChat, message: Exchange) -> bool:
    """The chat's reply issued the message's ID. A message without an ID may belong to any chat: it is shown as one of its own."""
    if message.session is None or any(m.session is not None for m in chat.messages):
        return False
    return any(m.reply.carried_at(message.session) is not None for m in chat.messages)


def _by_signs(
    found: Recorded,
    messages: Sequence[Exchange],
    tab: int,
    by: By,
    gap: float | None,
    returns: bool,
) -> list[RecordedChat]:
    chats: list[RecordedChat] = []
    of: dict[str, RecordedChat] = {}
    before: Exchange | None = None
    for message in messages:
        session = message.session
        began = _sign(found, before, message, by, gap)
        current = chats[-1] if chats else None
        loaded = before is not None and any(before.sent_at < t <= message.sent_at for t in found.loads)
        older = of.get(session) if session is not None else None
        if current is None:
            current = RecordedChat(message.sent_at, False, tab)
            chats.append(current)
        elif began is not None:
            unclear = ""
            if older is not None and returns and message.history is None:
                unclear = "the user may have gone on with an older chat"
            elif by == "history" and _once_more(current, message):
                unclear = "it may be the first message of the chat before once more, edited or not"
            current = RecordedChat(began, not unclear, tab, unclear=unclear)
            chats.append(current)
        elif session is not None and any(m.session == session for m in current.messages):
            pass  # also where an older chat has the same ID: New Chat was seen since
        elif older is not None and older is not current:
            current = older  # the user went on with an older chat
        elif session is not None and older is None and loaded and not _continues(current, message):
            current = RecordedChat(message.sent_at, False, tab)  # a page load with another session
            chats.append(current)
        elif older is None and _jumped(before, message):
            current = RecordedChat(message.sent_at, False, tab)  # a chat from before the recording
            chats.append(current)
        if loaded:
            message.extras["after_load"] = True
        if session is not None:
            of.setdefault(session, current)
        current.messages.append(message)
        before = message
    return chats


def _sign(
    found: Recorded, before: Exchange | None, message: Exchange, by: By, gap: float | None
) -> float | None:
    """When a New Chat began between the two messages; None: nothing shows one."""
    if before is None:
        return None
    if gap is not None and message.sent_at - before.sent_at >= gap:
        return message.sent_at
    if by == "request":
        times = [t for t in found.new_chats if before.sent_at < t <= message.sent_at]
        return times[-1] if times else None
    return message.sent_at if by == "history" and _begins_anew(before, message) else None


def _begins_anew(before: Exchange, message: Exchange) -> bool:
    """The list of earlier messages begins anew. A long one that gets shorter may be a window over a long chat."""
    if before.history is None or message.history is None or message.history > _START:
        return False
    if message.history < before.history:
        return True
    # It did not grow although a reply came: another chat, or the same message once more ("Regenerate").
    return message.history == before.history and before.outcome == "ok" and _texts(before) != _texts(message)


def _once_more(chat: RecordedChat, message: Exchange) -> bool:
    """The message has the chat's session, and is much like its first one: the user may have edited that one, or sent it again."""
    first = chat.messages[0]
    if first.session is None or first.session != message.session:
        return False
    return _texts(first) == _texts(message) or any(
        SequenceMatcher(None, one, other).ratio() > _ALIKE
        for one in _texts(first) - _texts(message)
        for other in _texts(message) - _texts(first)
    )


def _texts(message: Exchange) -> set[str]:
    """The texts in a payload without those that look like IDs."""
    value = payload_of(message.body, "")
    return {str(text) for _, text in leaves(value) if isinstance(text, str) and id_likeness(text) < _ID}


def _jumped(before: Exchange | None, message: Exchange) -> bool:
    """The list of earlier messages does not go on from the message before: it is another chat's."""
    if before is None or before.history is None or message.history is None:
        return False
    return not before.history <= message.history <= before.history + 3
