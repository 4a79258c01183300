"""What the tabs of one lane share while its chats happen. Held in memory, never written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from e2e.capture.network.bodies.reply_texts import ReplyTexts
from e2e.capture.network.issuing import Issuing
from e2e.capture.network.replay import Request
from e2e.capture.network.retries import Retries
from e2e.capture.network.traffic import Traffic
from e2e.capture.recording.code_words import CodeWords
from e2e.capture.recording.owners import Owners
from e2e.capture.recording.screen_texts import ScreenTexts


@dataclass(slots=True)
class LaneChats:
    """What the tabs of a lane have in common."""

    numbers: Iterator[int] = field(default_factory=count)
    owners: Owners = field(default_factory=Owners)
    """The last messages, and whose a payload is."""
    replies: ReplyTexts = field(default_factory=ReplyTexts)
    screens: ScreenTexts = field(default_factory=ScreenTexts)
    words: CodeWords = field(default_factory=CodeWords)
    """The code words that chats were given."""
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
    """Chat -> its tab, where that is not the lane's first one."""
    answered: bool = False
    """The backend took a message of this lane, and replied."""
    ended: tuple[int, frozenset[str]] = (0, frozenset())
    """The tab in which New Chat was clicked last, and the raw session IDs that this ended."""
    lost_sight: Callable[[], str] = lambda: ""
    """What happened to the browser, so that the chats of this context cannot be judged from then on; or ``""``."""
    request: Request | None = None
    """The last one that could be sent again without the browser."""
