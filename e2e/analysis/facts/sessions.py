"""The sessions of a run by their sent IDs: the provider that replied, and the chats that used them.

Where a chat sends no ID, each chat after New Chat, or after the load of a fresh browser, is a session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from e2e.analysis.facts.id_history import MaskedId, Place, contexts
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

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


@dataclass(slots=True)
class Session:
    """One distinct sent ID; or one chat, where none is sent."""

    session: str
    mask_key: str
    chats: list[ChatKey] = field(default_factory=list)
    places: list[tuple[Place, int]] = field(default_factory=list)
    """The browser contexts that used it, each with the number of the tab."""
    answers: list[Answer] = field(default_factory=list)

    @property
    def provider(self) -> str | None:
        """Who answered first: the assignment; later replies share it and are no draws of their own."""
        return next((a.provider for a in self.answers if a.first_hand), None)


def sessions(run: Run) -> Mapping[MaskedId, Session]:
    """``(mask_key, ID)`` -> session, for every ID sent in an observed chat, in order of first use. Without IDs: one for each chat."""

    def collect() -> dict[MaskedId, Session]:
        found: dict[MaskedId, Session] = {}
        places, tabs = contexts(run), {key_of(c): c.tab for c in run.every(ChatRow)}
        names = _names(run)
        seen = (m for m in run.every(MessageRow) if m.chat_status == "observed")
        for m in sorted(seen, key=lambda m: m.sent_at or 0.0):  # in the order in which they were assigned
            name = names.get((key_of(m), m.number))
            if name is None:
                continue
            one = found.setdefault((m.mask_key, name), Session(name, m.mask_key))
            key = key_of(m)
            if key not in one.chats:
                one.chats.append(key)
            if (place := (places[key], tabs[key])) not in one.places:
                one.places.append(place)
            if (
                m.answered is not None and m.answered_by is not None and not m.served_by
            ):  # a cached reply is no assignment
                one.answers.append(Answer(key, m.answered, _HOW[m.answered_by], m.number, True))
            if m.backend_provider is not None and m.answered_by != "backend":
                one.answers.append(Answer(key, m.backend_provider, "look-up", m.number, False))
        return found

    return run.once("sessions", collect)


def _names(run: Run) -> Mapping[tuple[ChatKey, int], str]:
    """The session of each message that tells it: the ID that it sent, or the chat.

    Without an ID nothing says which session a chat has after a reload, Back, a return or New Chat in another tab, nor whether a
    second tab goes on with that of the first: such messages would count one session twice, or two as one.
    """
    if run.policy.sends_id:
        return {(key_of(m), m.number): m.sent for m in run.every(MessageRow) if m.sent_seen and m.sent}
    second_tabs = {key_of(c) for c in run.every(ChatRow) if c.via == "load" and c.tab}
    found: dict[tuple[ChatKey, int], str] = {}
    unsure = set(second_tabs)
    for m in sorted(run.every(MessageRow), key=lambda m: m.number):
        key = key_of(m)
        if m.after:
            unsure.add(key)
        if m.sent_seen and key not in unsure:
            found[key, m.number] = f"chat {key.chat} of {key.run_id} lane {key.lane}"
    return found


def provider_counts(run: Run) -> Counter[str]:
    """Distinct sessions per provider: the unit of every statistical check."""
    return Counter(s.provider for s in sessions(run).values() if s.provider is not None)
