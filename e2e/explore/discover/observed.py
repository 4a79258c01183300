"""What discovery observed while it talked to a chat."""

from __future__ import annotations

from dataclasses import dataclass, field

from e2e.explore.discover.elements import Candidate, Spec
from e2e.explore.discover.watcher import Stores


@dataclass(slots=True)
class Turn:
    """One message with its times, and the stores before and after it."""

    nonce: str
    text: str
    sent_at: float
    ended_at: float = 0.0
    before: Stores | None = None
    after: Stores | None = None
    shown: str = ""
    """Text of the page when the reply was complete."""


@dataclass(slots=True)
class Observed:
    """All observations about the page."""

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
    """Steps of New Chat, ``(verb, locator)``, in order."""
    new_chat_candidates: list[Candidate] = field(default_factory=list)
    new_chat_reasons: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    stop: Spec | None = None
    messages: Spec | None = None
    turns: list[Turn] = field(default_factory=list)
    start: Stores | None = None
    clicked: Stores | None = None
    """The stores right after New Chat."""
    message_count: int = 0
    labels: list[tuple[Spec, list[str]]] = field(default_factory=list)
    """Locator of short texts beside the messages of the first chat -> these texts. One of them may name the provider."""
