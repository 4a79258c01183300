"""The sessions of a run by their sent IDs: the provider that replied, and the chats that used them.

Where a chat sends no ID, each chat after New Chat, or after the load of a fresh browser, is a session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from e2e.analysis.ids.book import MaskedId, Place
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow
from e2e.analysis.model.verdict import ChatKey

_HOW = {"reply": "reply", "label": "screen", "backend": "look-up"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One provider named for a session."""

    chat: ChatKey
    provider: str
    how: str
    """``reply``, ``screen`` or ``look-up``."""
    message: int
    first_hand: bool
    """By the layer that counts; a look-up beside it only confirms."""


@dataclass(frozen=True, slots=True)
class Session:
    """One distinct sent ID; or one chat, where none is sent."""

    session: str
    mask_key: str
    chats_of: Mapping[ChatKey, ChatRow]
    messages: list[MessageRow] = field(default_factory=list)
    """Its messages in the order in which they were sent. What else it has follows from them: kept, it took 700 bytes a session."""

    @property
    def chats(self) -> list[ChatKey]:
        """In order of their first message."""
        return list(dict.fromkeys(m.key for m in self.messages))

    @property
    def places(self) -> list[tuple[Place, int]]:
        """The browser contexts that used it, each with the number of the tab."""
        chats = (self.chats_of[m.key] for m in self.messages)
        return list(dict.fromkeys(((c.run_id, c.lane, c.context), c.tab) for c in chats))

    @property
    def answers(self) -> Iterator[Answer]:
        """The providers that were named for it."""
        for m in self.messages:
            if (
                m.answered is not None and m.answered_by is not None and not m.served_by
            ):  # a cached reply is no assignment
                yield Answer(m.key, m.answered, _HOW[m.answered_by], m.number, True)
            if m.backend_provider is not None and m.answered_by != "backend":
                yield Answer(m.key, m.backend_provider, "look-up", m.number, False)

    @property
    def provider(self) -> str | None:
        """Who answered first: the assignment; later replies share it and are no draws of their own."""
        return next((m.answered for m in self.messages if m.answered is not None and not m.served_by), None)


def sessions(run: Run) -> Mapping[MaskedId, Session]:
    """``(mask_key, ID)`` -> session, for every ID sent in an observed chat, in order of first use. Without IDs: one for each chat."""

    def collect() -> dict[MaskedId, Session]:
        found: dict[MaskedId, Session] = {}
        named, chats = _names(run), run.chat_of
        in_order = sorted(run.observed_messages, key=lambda m: m.sent_at or 0.0)  # as they were assigned
        for m in in_order:
            name = named(m)
            if name is not None:
                one = found.get((m.mask_key, name))
                if one is None:
                    one = found[m.mask_key, name] = Session(name, m.mask_key, chats)
                one.messages.append(m)
        return found

    return run.once("sessions", collect)


def _names(run: Run) -> Callable[[MessageRow], str | None]:
    """The session of a message, where it tells it: the ID that it sent, or the chat.

    Without an ID nothing says which session a chat has after a reload, Back, a return or New Chat in another tab, nor whether a
    second tab goes on with that of the first: such messages would count one session twice, or two as one.
    """
    if run.policy.sends_id:
        return lambda m: (m.sent_seen and m.sent) or None
    unsure = {c.key for c in run.every(ChatRow) if c.via == "load" and c.tab}
    reported: set[tuple[ChatKey, int]] = set()
    for m in sorted(run.every(MessageRow), key=lambda m: m.number):
        if m.after:
            unsure.add(m.key)
        if m.sent_seen and m.key not in unsure:
            reported.add((m.key, m.number))

    def named(m: MessageRow) -> str | None:
        key = m.key
        return f"chat {key.chat} of {key.run_id} lane {key.lane}" if (key, m.number) in reported else None

    return named


def provider_counts(run: Run) -> Counter[str]:
    """Distinct sessions per provider: the unit of every statistical check."""
    return Counter(s.provider for s in sessions(run).values() if s.provider is not None)
