"""A chat and its messages while they happen; a record is made of each when it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from e2e.capture.experiments.direct import Request
from e2e.capture.issuing import Issuing
from e2e.capture.owners import Owners
from e2e.capture.records import After, Scenario
from e2e.capture.reply_texts import ReplyTexts
from e2e.capture.retries import Retries
from e2e.capture.screen_texts import ScreenTexts
from e2e.capture.traffic import Traffic
from e2e.capture.wire import Exchange


@dataclass(slots=True)
class LaneChats:
    """What the tabs of a lane have in common."""

    numbers: Iterator[int] = field(default_factory=count)
    owners: Owners = field(default_factory=Owners)
    """The last messages, and whose a payload is."""
    replies: ReplyTexts = field(default_factory=ReplyTexts)
    screens: ScreenTexts = field(default_factory=ScreenTexts)
    retries: Retries = field(default_factory=Retries)
    issuing: Issuing = field(default_factory=Issuing)
    followed_rules: set[str] = field(default_factory=set)
    """Names of the rules of which a reply's text could be followed."""
    traffic: Traffic = field(default_factory=Traffic)
    """What left lately, whether a rule names it or not."""
    found: dict[str, bool] = field(default_factory=dict)
    """Wire rule whose payloads could be read -> one of them carried an ID."""
    tabs: Iterator[int] = field(default_factory=lambda: count(1))
    tab_of: dict[int, int] = field(default_factory=dict)
    answered: bool = False
    """The backend took a message of this lane, and replied."""
    ended: tuple[int, frozenset[str]] = (0, frozenset())
    """The tab in which New Chat was clicked last, and the raw session IDs that this ended."""
    request: Request | None = None
    """The last one that could be sent again by hand."""


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
    """The page's own word of its sends while this chat was under way."""
