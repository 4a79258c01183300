"""A chat and its messages while they happen; a record is made of each when it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from e2e.capture.network.exchange import Exchange
from e2e.records.records import After, Scenario


@dataclass(slots=True)
class MessageDraft:
    """A message while it happens."""

    number: int
    after: After
    pressed_at: float
    exchange: Exchange | None = None
    """The message's own payload with its answer; after a retry the last one."""
    candidate: Exchange | None = None
    """A payload that may be the message's own, until one of a better rule comes."""
    again: Exchange | None = None
    """A later payload with the same text: where the page gives one up and sends it again at once, this comes before that end."""
    attempts: list[Exchange] = field(default_factory=list)
    """Earlier payloads of this message, which came to nothing; the page sent it again."""
    doubtful: Exchange | None = None
    """An unreadable payload that is taken for the message's where nothing better comes."""
    ended_at: float | None = None
    backend_provider: str | None = None
    label_provider: str | None = None
    label_looked_for: bool = False
    accepted: str = ""
    """How the page showed that it took the message, which never left."""
    ended_elsewhere: bool = False
    outcome: Literal["ok", "http_error", "refused", "failed", "timeout", "unsent", "cut"] = "unsent"


@dataclass(slots=True)
class ChatDraft:
    number: int
    scenario: Scenario
    via: Literal["load", "new_chat"]
    began: float
    stored_before: str | None
    messages: list[MessageDraft] = field(default_factory=list)
    screen_messages: int | None = None
    screen_compared: bool = False
    screen_from: int | None = None
    shows_from: int | None = None
    screen_seen: bool = False
    cut: bool = False
    sends: list[dict[str, Any]] = field(default_factory=list)
    """The page's own report of its sends while this chat was under way."""
