"""What is right for a chat, and which of its faults are known and accepted for a time."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field

from e2e.profile.values.terms import Part, Text, WebAddress

CauseName = Literal[
    "new-chat-unavailable", "session-not-ended", "session-restored", "id-constant", "id-shared", "id-collision", "id-guessable",
    "id-never-sent", "stale-state", "stale-closure", "late-rotation", "split-session", "over-rotation", "tab-bleed", "session-unbound",
    "message-lost", "ended-on-leave", "restored-on-load", "late-stream", "history-bleed", "cached-reply", "provider-pinned",
    "provider-sticky", "provider-skewed",
    "provider-cycles", "provider-flaps", "session-leaked", "label-stale",
]  # fmt: skip
"""The causes that the diagnosis can name."""


class PolicyPart(Part):
    """What is right for this chat. A check that has no meaning under it is skipped with that reason."""

    rotation: Literal["on_click", "on_first_message", "on_first_reply"] = "on_click"
    """When New Chat gives the new session: at the click, when the first message is sent, or with the first reply (the
    backend makes the ID, and the first message carries none)."""
    empty_chat: Literal["rotates", "reuses"] = "rotates"
    """New Chat on a chat without messages: a new session, or the same one goes on."""
    reload: Literal["keeps", "rotates"] = "keeps"
    """A reload goes on with the session, or begins a new one."""
    tabs: Literal["share", "own"] = "share"
    """A second tab of a browser goes on with the stored session, or begins with one of its own. A running chat keeps its session."""
    affinity: Literal["session", "user", "none"] = "session"
    """What a provider is bound to."""
    bearer: bool = False
    """Who knows the session ID gets the chat: it is a credential, and must be as hard to guess as one."""


class Gates(Part):
    """Limits of the release gate (`make gate`) on the key figures; a failed check closes it anyway."""

    reuse_bound: float = Field(default=30, gt=0, le=100, examples=[14])
    """The reuse of session IDs is bounded by at most this many percent (at 95 %): 30 takes 9 clean New Chats, 14 takes 20."""
    effective_providers: float | None = Field(default=None, ge=1, examples=[4])
    """At least so many effective providers (inverse Simpson index); 1.5 unless told otherwise, where several may answer."""
    log10_e: float = Field(default=4.26, gt=0, examples=[3])
    """The evidence against the expected shares, log10 E, is at most this; 4.26 is log10 of 365 / 0.02: one false alarm in 50 years."""
    chat_latency_p95: float = Field(default=300, gt=0, examples=[50])
    """The 95th percentile of the time to a reply's end rises by at most this many percent over the night before."""


class Owners(Part):
    """Who looks at a failure, as the report's owner of it; the layer that broke decides."""

    frontend: Text | None = Field(default=None, examples=["web team"])
    """Of the page: storage, state, IDs, delivery, presentation."""
    backend: Text | None = Field(default=None, examples=["platform team"])
    """Of the assignment of providers and of sessions at the backend."""
    suite: Text | None = Field(default=None, examples=["QA"])
    """Of what kept the suite from looking."""


class AcceptedCause(Part):
    """A known fault that does not fail a run until a date. From the day after on it counts again."""

    cause: CauseName = Field(examples=["label-stale"])
    """The cause, as the report names it."""
    until: dt.date = Field(examples=[dt.date(2027, 1, 31)])
    """The last day (UTC) on which it is accepted."""
    reason: Text = Field(examples=["the label goes with the next design"])
    """Why it is, for whoever reads the report."""
    link: WebAddress | None = Field(default=None, examples=["https://issues.example.org/browse/CHAT-42"])
    """Where it is followed up."""
