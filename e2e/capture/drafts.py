"""A chat and its messages while they happen; a record is made of each when it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from e2e.capture.records import After, Scenario
from e2e.capture.wire import Exchange


@dataclass(slots=True)
class MessageDraft:
    """A message while it happens."""

    number: int
    after: After
    pressed_at: float
    exchange: Exchange | None = None
    ended_at: float | None = None
    backend_provider: str | None = None
    label_provider: str | None = None
    label_looked_for: bool = False
    outcome: Literal["ok", "http_error", "failed", "timeout", "unsent"] = "unsent"


@dataclass(slots=True)
class ChatDraft:
    number: int
    scenario: Scenario
    via: Literal["load", "new_chat"]
    began: float
    stored_before: str | None
    messages: list[MessageDraft] = field(default_factory=list)
    screen_messages: int | None = None
