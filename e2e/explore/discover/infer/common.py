"""What inferring hands on: a guess with its reasons, the kind of payload that carries messages, and all that was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from e2e.capture.network.decoders import unfold
from e2e.explore.discover.watch import Payload


@dataclass(slots=True)
class Guess:
    """A part of the profile: its TOML value, how sure, and why."""

    value: Any
    confidence: float
    why: str
    others: list[str] = field(default_factory=list)
    """Other candidates, in words, when they are as good or nearly so."""


@dataclass(slots=True)
class Sending:
    """The four messages as one kind of payload."""

    payloads: list[Payload]
    values: list[Any]
    transport: str
    method: str
    url: str
    """As a regular expression."""
    framing: str = "json"
    unfolded: bool = False
    keys: list[str | None] = field(default_factory=list)
    """The framing's own request IDs."""

    def read(self, value: Any) -> Any:
        """A payload or an answer as expressions see it: JSON inside of texts is unfolded where messages hide in it."""
        return unfold(value) if self.unfolded else value


@dataclass(slots=True)
class Findings:
    """Everything inferred; None is what was not found."""

    sending: Sending | None = None
    sending_why: str = ""
    when: Guess | None = None
    session: Guess | None = None
    store: Guess | None = None
    history: Guess | None = None
    provider: Guess | None = None
    label: Guess | None = None
    answered_by: Guess | None = None
    """A second wire rule, as a table."""
    reply_to: Guess | None = None
    answer_when: Guess | None = None
    done: Guess | None = None
    exchange_ends: bool = True
    rotation: Guess | None = None
    suspicion: str = ""
    """What looks like a fault of the chat itself."""
    questions: list[str] = field(default_factory=list)


def text_of(value: Any) -> str | None:
    """A value as keys are compared; None is none."""
    return None if value is None else str(value)
