"""What discovery observed while it talked to a chat."""

from __future__ import annotations

from dataclasses import dataclass, field

from e2e.errors import HarnessError
from e2e.explore.discover.candidates import Candidate, Spec, Step
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
    chat: int = 0
    """0 is the chat of the page load, 1 the one after New Chat."""
    reloaded: bool = False
    """Whether the page was loaded again before it, inside its chat."""


@dataclass(slots=True)
class Observed:
    """All observations about the page."""

    url: str
    title: str
    frame: tuple[str, ...] = ()
    box: Spec = field(default_factory=dict)
    box_candidates: list[Candidate] = field(default_factory=list)
    second_box: Spec | None = None
    send: list[Step] = field(default_factory=list)
    """Empty: Enter sends."""
    send_reasons: list[str] = field(default_factory=list)
    ready: Spec | None = None
    """Visible before the chat was opened; None: the message box."""
    open: list[Step] = field(default_factory=list)
    open_reasons: list[str] = field(default_factory=list)
    new_chat: list[Step] = field(default_factory=list)
    """Steps of New Chat, in order."""
    new_chat_candidates: list[Candidate] = field(default_factory=list)
    new_chat_reasons: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    stop: Spec | None = None
    messages: Spec | None = None
    turns: list[Turn] = field(default_factory=list)
    start: Stores | None = None
    clicked: Stores | None = None
    """The stores right after New Chat."""
    loaded_by_new_chat: bool = False
    """Whether New Chat loaded a page."""
    kept_by_reload: bool | None = None
    """Whether the conversation was on the page after a reload; None: the page was not reloaded."""
    message_count: int = 0
    labels: list[tuple[Spec, list[str]]] = field(default_factory=list)
    """Locator of short texts beside the messages of the first chat -> these texts. One of them may name the provider."""
    problem: HarnessError | None = None
    """What ended the conversation early; None: nothing did."""

    @property
    def chats(self) -> int:
        """Chats in which a message was sent."""
        return len({turn.chat for turn in self.turns})
