"""What a conversation with a page found out about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from e2e.explore.discover.find import Candidate, Spec
from e2e.explore.discover.watch import Stores


@dataclass(slots=True)
class Turn:
    """One message: what was typed, when, and what was stored before and after."""

    nonce: str
    text: str
    sent_at: float
    ended_at: float = 0.0
    before: Stores | None = None
    after: Stores | None = None
    shown: str = ""
    """Text that appeared on the screen besides the message itself."""


@dataclass(slots=True)
class Said:
    """Everything that the conversation found out about the page."""

    url: str
    title: str
    frame: tuple[str, ...] = ()
    box: Spec = field(default_factory=dict)
    box_candidates: list[Candidate] = field(default_factory=list)
    second_box: Spec | None = None
    send: list[Spec] = field(default_factory=list)
    """Empty: Enter sends."""
    send_reasons: list[str] = field(default_factory=list)
    open: list[Spec] = field(default_factory=list)
    new_chat: list[tuple[str, Spec]] = field(default_factory=list)
    """``(verb, locator)`` in order."""
    new_chat_candidates: list[Candidate] = field(default_factory=list)
    new_chat_reasons: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    stop: Spec | None = None
    messages: Spec | None = None
    turns: list[Turn] = field(default_factory=list)
    start: Stores | None = None
    clicked: Stores | None = None
    """Right after New Chat."""
    message_count: int = 0
    labels: list[tuple[Spec, list[str]]] = field(default_factory=list)
    """Where short texts stand beside the messages of the first chat, and which."""
