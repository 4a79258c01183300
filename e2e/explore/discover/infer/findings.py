"""Results of the inference: a guess with its reason, the payloads of the messages, and all findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from e2e.explore.discover.watcher import Payload
from e2e.framings.base.json_text import parse_nested_json


@dataclass(slots=True)
class Guess:
    """A part of the profile: its TOML value, the confidence (0 to 1), and the reason."""

    value: Any
    confidence: float
    reason: str
    alternatives: list[str] = field(default_factory=list)
    """Other candidates that are about as likely, as text."""


@dataclass(slots=True)
class SentMessages:
    """The payloads that carried the four messages."""

    payloads: list[Payload]
    values: list[Any]
    transport: str
    method: str
    url: str
    """As a regular expression."""
    framing: str = "json"
    parses_nested_json: bool = False
    """Whether strings inside the payloads are JSON."""
    keys: list[str | None] = field(default_factory=list)
    """Request IDs of the framing."""
    numbers: list[int] = field(default_factory=list)
    """Which message each payload carried, by its place in the conversation."""

    def read(self, value: Any) -> Any:
        """A payload or a reply as the expressions of a profile see it."""
        return parse_nested_json(value) if self.parses_nested_json else value


@dataclass(slots=True)
class Findings:
    """All that was inferred; None: not found."""

    sent: SentMessages | None = None
    sent_reason: str = ""
    when: Guess | None = None
    session: Guess | None = None
    store: Guess | None = None
    history: Guess | None = None
    provider: Guess | None = None
    provider_maybe: Guess | None = None
    """A place whose value was the same in both chats: the provider, if both had the same one. More chats can show it."""
    label: Guess | None = None
    answered_by: Guess | None = None
    """A second wire rule, as a table."""
    also: list[Guess] = field(default_factory=list)
    """Wire rules, as tables, of further requests that carry the session."""
    reply_to: Guess | None = None
    reply_to_there: str | None = None
    """Where the value of ``reply_to`` is in the reply."""
    answer_when: Guess | None = None
    done: Guess | None = None
    each: Guess | None = None
    """The key of a list of events in the frames or replies."""
    no_id: bool = False
    """The chat sends no session ID: everything that it sent was read, and nothing changed with the chat."""
    exchange_ends: bool = True
    settled: bool = False
    """The end of a reply shows on the screen only: its text no longer changes."""
    label_regex: str | None = None
    """On the text of ``label``: its first group is the provider."""
    rotation: Guess | None = None
    suspected_fault: str = ""
    """A possible fault of the chat itself."""
    questions: list[str] = field(default_factory=list)


PROVIDER_QUESTION = "where is the provider?"
"""How the question about the provider begins."""


def text_of(value: Any) -> str | None:
    """A value as a string, for comparing keys; None stays None."""
    return None if value is None else str(value)
