"""Expected behaviour of a chat, its release gate, its owners, and its known issues."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from e2e.profile.values.cause_names import cause_names
from e2e.profile.values.fields import Part, Text, WebAddress

if TYPE_CHECKING:
    CauseName = str
else:
    CauseName = Literal[cause_names()]
"""The causes that the diagnosis can name."""


class PolicyPart(Part):
    """The expected behaviour of this chat. A check that does not apply is skipped with that reason."""

    rotation: Literal["on_click", "on_first_message", "on_first_reply"] = "on_click"
    """When New Chat gives the new session: at the click, when the first message is sent, or with the first reply (the
    backend makes the ID, and the first message carries none)."""
    empty_chat: Literal["rotates", "reuses"] = "rotates"
    """New Chat on a chat without messages: a new session, or the same one continues."""
    reload: Literal["keeps", "rotates"] = "keeps"
    """A reload continues the session, or starts a new one."""
    tabs: Literal["share", "own"] = "share"
    """A second tab continues the stored session, or starts its own. A running chat keeps its session."""
    affinity: Literal["session", "user", "none"] = "session"
    """What a provider is bound to. ``none``: each message may reach another provider."""
    id_is_secret: bool = False
    """The session ID is a credential: whoever knows it gets the chat. Then it must be hard to guess."""


class Gates(Part):
    """Limits of the release gate (`make gate`) for the key figures. A failed check always closes the gate."""

    reuse_bound: float = Field(default=30, gt=0, le=100, examples=[14])
    """Upper bound of the reuse rate of session IDs, in percent (at 95 %). 30 needs 9 clean New Chats, 14 needs 20."""
    effective_providers: float | None = Field(default=None, ge=1, examples=[4])
    """Smallest number of effective providers (inverse Simpson index). Default: 1.5, if several providers may reply."""
    log10_e: float = Field(default=4.26, gt=0, examples=[3])
    """Largest evidence against the expected shares, log10 E. 4.26 is log10 of 365 / 0.02: one false alarm in 50 years."""
    chat_latency_p95: float = Field(default=300, gt=0, examples=[50])
    """Largest rise of the 95th percentile of the reply time, in percent of the previous run."""


class Owners(Part):
    """Who looks at a failure. The report names the owner of the layer that is at fault."""

    frontend: Text | None = Field(default=None, examples=["web team"])
    """Owner of the page: storage, state, IDs, delivery, presentation."""
    backend: Text | None = Field(default=None, examples=["platform team"])
    """Owner of sessions and of provider assignment at the backend."""
    suite: Text | None = Field(default=None, examples=["QA"])
    """Owner of harness errors."""


class KnownIssue(Part):
    """A known issue: a cause that does not fail a run until a date. It counts again from the day after."""

    cause: CauseName = Field(examples=["label-stale"])
    """Name of the cause, as in the report."""
    until: dt.date = Field(examples=[dt.date(2027, 1, 31)])
    """The last day (UTC) on which it is accepted."""
    reason: Text = Field(examples=["the label goes with the next design"])
    """Why it is accepted. The report shows it."""
    link: WebAddress | None = Field(default=None, examples=["https://issues.example.org/browse/CHAT-42"])
    """Where it is tracked."""
