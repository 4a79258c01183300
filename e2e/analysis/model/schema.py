"""The rows of a run's frames as typed records. A frame's columns and dtypes follow from the fields of its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from e2e.analysis.model.columns import Row, columns_of
from e2e.analysis.model.verdict import ChatKey
from e2e.quick import quick

Frame = Mapping[str, str | int]
"""One recorded frame of a call stack: function, url, line, column."""
Stack = Sequence[Frame]
"""Recorded frames of a call stack, innermost first."""


@quick
@dataclass(frozen=True, slots=True)
class _Lane(Row):
    run_id: str
    mask_key: str
    lane: int


class _Keyed(_Lane):
    __slots__ = ("_key",)
    _key: ChatKey


@quick
@dataclass(frozen=True, slots=True)
class OfChat(_Keyed):
    """A row of a chat, or of one of its messages."""

    chat: int

    @property
    def key(self) -> ChatKey:
        """The chat's name, one object for all rows of the chat: a judgement keeps some ten tables by it, 90 bytes each."""
        try:
            return self._key
        except AttributeError:
            key = ChatKey(self.run_id, self.lane, self.chat)
            object.__setattr__(self, "_key", key)
            return key

    def named(self, key: ChatKey) -> Self:
        """This row, which takes ``key`` as its chat's name."""
        object.__setattr__(self, "_key", key)
        return self


@quick
@dataclass(frozen=True, slots=True)
class _Event(_Lane):
    chat: int | None
    seq: int
    t: float
    tab: int


@quick
@dataclass(frozen=True, slots=True)
class ChatRow(OfChat):
    """One observation."""

    order: int  # rank by begin over all runs
    scenario: str
    via: str
    context: int
    tab: int  # 0 is the lane's own, others were opened beside it
    status: str
    reason: str
    began: float
    ended: float
    stored_before: str | None
    stored_seen: bool
    stored: str | None
    sent_seen: bool  # of the first message
    sent: str | None
    provider: str | None  # who answered first
    screen_messages: int | None
    screen_seen: bool  # searched for late text of earlier chats
    shows_from: int | None  # the chat whose late text was found
    cut: bool  # left while its reply was streaming
    screen_compared: bool  # its first screen was compared with the texts of earlier chats
    screen_from: int | None  # the earlier chat whose text it showed
    reply_followed: bool  # the text of the reply that was left behind could be read
    messages: int


@quick
@dataclass(frozen=True, slots=True)
class MessageRow(OfChat):
    """One message with its reply."""

    order: int
    chat_status: str
    scenario: str
    number: int
    after: str  # what happened since the message before: reload, other-tab, back, return, or ""
    after_reload: bool
    loaded: bool  # the page was loaded anew between the message before (or New Chat) and this one
    sent_at: float | None
    ended_at: float | None
    first_chunk_at: float | None
    stored_seen: bool
    stored: str | None
    sent_seen: bool
    sent: str | None
    reply_provider: str | None
    backend_provider: str | None
    label_provider: str | None
    answered: str | None  # the provider, by the first layer of the policy's that names one
    answered_by: str | None  # that layer: reply, backend, label
    status: int | None
    outcome: str
    chunks: int
    bleeds_from: int | None
    seen_on_screen: bool
    request: str | None
    served_by: str  # what answered in the network's place, or ""
    unreadable: str  # why the body could not be decoded, or ""
    accepted: str  # how the page showed that it took an unsent message, or ""
    issued: str | None  # the session ID that the server made and issued in the reply
    ended_elsewhere: bool  # refused for a session that another tab's New Chat had just ended


@quick
@dataclass(frozen=True, slots=True)
class TransitionRow(OfChat):
    """One New Chat: the chat that it began, and the chat before."""

    order: int
    scenario: str
    context: int
    tab: int
    chat_before: int
    began: float
    stored_before: str | None  # just before the click
    stored_seen: bool
    stored: str | None
    sent_before: str | None  # the last one of the chat before: sent, or issued where none was sent
    sent_seen: bool
    sent: str | None


@quick
@dataclass(frozen=True, slots=True)
class StorageRow(_Event):
    """One write to a store, or one look at it."""

    own: bool  # a write to the profile's key; of other keys only the name is known
    store: str | None
    op: str | None
    key: str | None  # name of the entry
    session: str | None
    previous: str | None
    same_value: bool | None
    shape: str | None
    time_offset: float | None
    by: str | None
    stack: Stack | None


@quick
@dataclass(frozen=True, slots=True)
class MintedRow(_Event):
    """One new ID."""

    session: str | None
    features: Mapping[str, Any] | None


@quick
@dataclass(frozen=True, slots=True)
class PayloadRow(_Event):
    """One payload of a wire rule."""

    rule: str
    transport: str | None
    method: str | None
    url: str | None
    session: str | None
    message: int | None
    bleeds_from: int | None
    history: int | None
    request: str | None
    judged: bool | None  # None in evidence from before payloads had an owner: not judged besides messages
    form: str | None  # how the ID was encoded, or ""
    retry: bool | None  # the page sent this message again by itself
    by_text: bool | None  # it contains a message's text; None in evidence without this field
    unreadable: str | None
    address: str | None  # hash of what looks like an ID in the page's address
    stack: Stack | None


@quick
@dataclass(frozen=True, slots=True)
class ScenarioRow(_Event):
    """The start of a scenario in a lane, or why the lane did not complete it."""

    scenario: str
    what: str | None  # why it was not completed; None at its start
    where: str | None


@quick
@dataclass(frozen=True, slots=True)
class IssuedRow(_Event):
    """One session ID in a reply."""

    session: str | None
    rule: str | None
    request: str | None
    message: int | None


@quick
@dataclass(frozen=True, slots=True)
class RecallRow(_Event):
    """One question for a code word, and what the reply to it shows."""

    message: int | None
    word_of: int | None  # the chat that was given the word: this one, or the one before
    knows: bool | None  # None: it is not known
    names: int | None  # the chat whose word the reply named: one that was looked for, or another
    names_lane: int | None
    named_in_payload: bool | None  # the question's payload held that word
    why: str | None  # it is not known
    in_payload: bool | None  # the question's payload held the word (of an earlier chat)
    same_line: bool | None  # it left by the WebSocket by which the word was given; None where there is none


@quick
@dataclass(frozen=True, slots=True)
class SightingRow(_Event):
    """A stored ID in traffic that no wire rule reads."""

    session: str | None
    place: str | None  # "": it was searched for, and is nowhere
    url: str | None
    form: str | None
    layer: str | None  # what the profile lacks: the place of the sent ID, or of the stored one
    rule: str | None
    searched: int | None  # requests and frames
    unread: int | None  # those of them whose body could not be read


@quick
@dataclass(frozen=True, slots=True)
class BackendRow(_Event):
    """One response of the backend's API."""

    question: str
    probe: str | None
    pattern: str | None
    session: str | None
    provider: str | None
    status: int | None
    found: bool | None
    active: int | None
    distribution: Mapping[str, int] | None


@quick
@dataclass(frozen=True, slots=True)
class ProblemRow(Row):
    """Something that kept the suite from looking."""

    run_id: str
    mask_key: str
    lane: int | None
    chat: int | None
    t: float | None
    kind: str
    what: str
    where: str | None
    hint: str | None


CHATS = columns_of(ChatRow)
MESSAGES = columns_of(MessageRow)
TRANSITIONS = columns_of(TransitionRow)
STORAGE = columns_of(StorageRow)
MINTED = columns_of(MintedRow)
PAYLOADS = columns_of(PayloadRow)
PLAYS = columns_of(ScenarioRow)
ISSUED = columns_of(IssuedRow)
RECALLS = columns_of(RecallRow)
SIGHTINGS = columns_of(SightingRow)
BACKEND = columns_of(BackendRow)
PROBLEMS = columns_of(ProblemRow)
