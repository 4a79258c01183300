"""The wire, as the profile reads it: which payloads are the chat's, which session they carry, who answers.

Nothing here knows how the traffic was seen (`e2e.capture.cdp` does); nothing here judges.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jmespath
from jmespath.exceptions import JMESPathTypeError
from jmespath.parser import ParsedResult

from e2e.capture.identity import as_text
from fixtures.targets.profile import Extract, WireRule


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
    reply_key: str | None = None
    status: int | None = None
    cached: str = ""
    provider: str | None = None
    first_chunk_at: float | None = None
    ended_at: float | None = None
    chunks: int = 0
    bytes: int = 0
    outcome: str = ""
    """``""`` while it goes on, then ``ok``, ``failed`` or ``cancelled``."""
    error: str = ""
    chat: int | None = None
    message: int | None = None
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.outcome != ""


class Rule:
    """A compiled ``[[wire]]`` entry."""

    def __init__(self, rule: WireRule) -> None:
        self.name = rule.name
        self.transport = rule.transport
        self._url = re.compile(rule.url)
        self._method = rule.method.upper() if rule.method else None
        self._when = jmespath.compile(rule.when) if rule.when else None
        self._session = _Reader(rule.session)
        self._history = jmespath.compile(rule.history) if rule.history else None
        self._provider = _Reader(rule.provider) if rule.provider else None
        self._reply_to = jmespath.compile(rule.reply_to) if rule.reply_to else None
        self._done = jmespath.compile(rule.done) if rule.done else None
        self.streams = self._done is not None

    def names_url(self, url: str) -> bool:
        return self._url.search(url) is not None

    def names(self, method: str, url: str) -> bool:
        """The rule speaks of this HTTP request, as far as method and URL tell."""
        return self.transport == "http" and (self._method in (None, method)) and self.names_url(url)

    def accepts(self, payload: Any) -> bool:
        return self._when is None or bool(_search(self._when, payload))

    def session_of(self, url: str, headers: Mapping[str, str], payload: Any) -> str | None:
        return self._session.read(url, headers, payload)

    def history_of(self, payload: Any) -> int | None:
        """How many earlier messages the payload carries, or None when the profile does not say where."""
        if self._history is None:
            return None
        found = _search(self._history, payload)
        return len(found) if isinstance(found, list) else 0

    def provider_of(self, headers: Mapping[str, str], answer: Any) -> str | None:
        return self._provider.read("", headers, answer) if self._provider else None

    def key_of(self, frame: Any) -> str | None:
        return as_text(_search(self._reply_to, frame)) if self._reply_to else None

    def is_done(self, frame: Any) -> bool:
        return self._done is not None and bool(_search(self._done, frame))


class _Reader:
    def __init__(self, where: Extract) -> None:
        self._json = jmespath.compile(where.json_) if where.json_ else None
        self._query = where.query
        self._header = where.header.lower() if where.header else None
        self._path = re.compile(where.path) if where.path else None

    def read(self, url: str, headers: Mapping[str, str], payload: Any) -> str | None:
        if self._json is not None:
            return as_text(_search(self._json, payload)) if payload is not None else None
        if self._query is not None:
            values = parse_qs(urlsplit(url).query).get(self._query)
            return values[0] if values else None
        if self._header is not None:
            return next((value for name, value in headers.items() if name.lower() == self._header), None)
        assert self._path is not None
        match = self._path.search(urlsplit(url).path)
        return as_text(match.group(1 if self._path.groups else 0)) if match else None


def _search(expression: ParsedResult, value: Any) -> Any:
    """What ``expression`` finds; None when one of its functions is not for a payload of this form."""
    try:
        return expression.search(value)
    except JMESPathTypeError:
        return None


def as_json(text: str) -> Any:
    """Parsed JSON, or None when ``text`` is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class AnswerReader:
    """Turns the bytes of an answer, as they come, into the JSON values in it: events of a stream, or one body."""

    def __init__(self, content_type: str) -> None:
        self._stream = "event-stream" in content_type
        self._pending = b""
        self._after_cr = False
        self._event = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[tuple[str, Any]]:
        """``(event name, value)`` for every event that ``chunk`` completes."""
        if not self._stream:
            self._pending += chunk
            return
        if not chunk:
            return
        cut, self._after_cr = self._after_cr, chunk.endswith(b"\r")
        if cut:  # a CR ends its line at once; the LF of a CRLF cut in two is no line of its own
            chunk = chunk.removeprefix(b"\n")
        *lines, self._pending = re.split(rb"\r\n|\n|\r", self._pending + chunk)
        for line in lines:
            yield from self._line(line.decode("utf-8-sig", errors="replace"))

    def end(self) -> Iterator[tuple[str, Any]]:
        """What is left when the answer ends: the whole body when it was no stream."""
        if not self._stream:
            value = as_json(self._pending.decode("utf-8-sig", errors="replace"))
            if value is not None:
                yield "", value

    def _line(self, line: str) -> Iterator[tuple[str, Any]]:
        if line == "":
            if self._data:
                value = as_json("\n".join(self._data))
                if value is not None:
                    yield self._event or "message", value
            self._event, self._data = "", []
        elif line.startswith("event:"):
            self._event = line[6:].strip()
        elif line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
