"""A request with its answer, or a frame with its answers, while it happens."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.capture.network.bodies.reply_so_far import ReplySoFar
from e2e.capture.network.opening import Opening
from e2e.capture.network.wire_rules import Rule


@dataclass(slots=True)
class Exchange:
    """One payload of the chat and its answer, while it happens. Times are seconds since the epoch."""

    request: str
    rule: Rule
    transport: str
    method: str
    url: str
    sent_at: float
    session: str | None
    history: int | None
    body: str
    """The payload's text; searched for texts of earlier chats, never written."""
    stack: list[dict[str, Any]]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of the request."""
    origin: str = "page"
    """What sent it: the page, an iframe of another site, a worker."""
    size: int = 0
    """Characters of the payload."""
    reply_key: str | None = None
    form: str = ""
    """How the session ID was encoded in the payload (``percent-encoded``), or ``""``."""
    raw_session: str | None = None
    """The ID as it stood in the payload."""
    unreadable: str = ""
    """Why the body could not be decoded where the session is to be in it, or ``""``."""
    doubtful: bool = False
    """Whether this is a payload of the rule is in a body that could not be decoded."""
    coded: bool = False
    """The body was sent compressed, or is binary: ``body`` is what it decodes to."""
    retry_after: float | None = None
    """Seconds to wait, from a refusal (``Retry-After``)."""
    refused: str = ""
    """Kind of the profile's ``[[blocked]]`` sign that an answer showed."""
    too_long: bool = False
    """A value of the answer was longer than what is kept of one, and was not read."""
    reports_failure: bool = False
    """The answer itself says that it failed."""
    status: int | None = None
    cached: str = ""
    """What answered instead of the network: a cache, a service worker."""
    relayed: bool = False
    """A service worker passed it on to the network."""
    provider: str | None = None
    first_chunk_at: float | None = None
    last_chunk_at: float = 0.0
    ended_at: float | None = None
    chunks: int = 0
    bytes: int = 0
    outcome: str = ""
    """``""`` while it goes on, then ``ok``, ``failed`` or ``cancelled``."""
    error: str = ""
    chat: int | None = None
    message: int | None = None
    overtaken: bool = False
    """Its ID is the connection's earlier one; the backend issued another before it began to reply."""
    shares_line: bool = False
    """Parts came while another payload waited for its answer on the same line, and nothing says whose they were."""
    opening: Opening | None = field(default=None, repr=False)
    """What was sent on its WebSocket before; held to send the message again, never written."""
    frame: str | builtins.bytes = field(default="", repr=False)
    """The whole frame that it is in."""
    reply: ReplySoFar = field(default_factory=ReplySoFar, repr=False)
    """What its answer carried so far, of whatever type; never written."""
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.outcome != ""
