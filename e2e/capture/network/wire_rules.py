"""The wire, as the profile reads it: which payloads are the chat's, which session they carry, who answers.

Nothing here knows how the traffic was seen (`e2e.capture.network.events` does); nothing here judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from e2e.capture.network.bodies.reply_so_far import ReplySoFar
from e2e.capture.session_ids.identity import as_text, canonical
from e2e.framings.base.json_text import parse_nested_json
from e2e.framings.registry import FRAMINGS
from e2e.profile.profile import Extract, RefusalRule, WireRule
from e2e.profile.values.bounded import Expression, Pattern


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes with a payload besides its value."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    """The page's own address when it left."""
    earlier: str | None = None
    """What the rule looks for in earlier messages of the connection."""


class Rule:
    """A compiled ``[[wire]]`` entry."""

    def __init__(self, rule: WireRule) -> None:
        def compiled(key: str, expression: str | None) -> Expression | None:
            return _compiled(expression, f"wire {rule.name!r}: {key}")

        self.name = rule.name
        self.transport = rule.transport
        self.received = rule.direction == "received"
        self.framing = rule.framing
        self.answered_by = rule.answered_by
        self.judged = rule.judged
        self.reads_bytes = FRAMINGS[rule.framing].binary or rule.framing == "text"
        """Bodies that are no text can be read too."""
        self._parse_nested_json = rule.parse_nested_json
        self._each = compiled("each", rule.each)
        self.has_lists = rule.each is not None
        self._url = Pattern(rule.url, f"wire {rule.name!r}: url")
        self._method = rule.verb
        self._when = compiled("when", rule.when)
        self._session = _Reader(rule.session, f"wire {rule.name!r}: session") if rule.session else None
        self._history = compiled("history", rule.history)
        self._provider = _Reader(rule.provider, f"wire {rule.name!r}: provider") if rule.provider else None
        self._correlation_id = compiled("reply_to", rule.reply_to)
        self._reply_when = compiled("answer_when", rule.answer_when)
        self._done = compiled("done", rule.done)
        self._failed = compiled("failed", rule.failed)
        self._connection = compiled("session.connection", rule.session.connection) if rule.session else None
        self._received = compiled("session.received", rule.session.received) if rule.session else None
        self.needs_page = rule.session is not None and rule.session.page is not None
        self.asks_body = self._when is not None
        """Only the body shows whether a request or frame is a payload of this rule."""
        self.session_in_body = (
            rule.session is not None and (rule.session.json_ or rule.session.form) is not None
        )
        self.needs_connection = self._connection is not None
        self.cookie = rule.session.cookie if rule.session is not None else None
        """Name of the cookie that carries the session, or None."""
        self.needs_cookies = rule.session is not None and (
            rule.session.cookie is not None or (rule.session.header or "").lower() == "cookie"
        )

    def names_url(self, url: str) -> bool:
        return self._url.search(url) is not None

    def names(self, method: str, url: str) -> bool:
        """The rule names this HTTP request, by method and URL."""
        return self.transport == "http" and (self._method in (None, method)) and self.names_url(url)

    def read(self, value: Any) -> Any:
        """``value`` as the rule's expressions see it."""
        return parse_nested_json(value) if self._parse_nested_json else value

    def events(self, value: Any) -> list[Any]:
        """The events in ``value``: those of the list that the rule names, else the value itself."""
        whole = self.read(value)
        found = _search(self._each, whole)
        if not isinstance(found, list):
            return [whole]
        return [_EventOfList.of(event, whole) if isinstance(event, dict) else event for event in found]

    def accepts(self, payload: Any) -> bool:
        return self._when is None or bool(_search(self._when, payload))

    def session_of(self, sent: Sent, payload: Any) -> str | None:
        """The ID in a payload, in its canonical form."""
        found = self.raw_session_of(sent, payload)
        return None if found is None else canonical(found)[0] or None

    def raw_session_of(self, sent: Sent, payload: Any) -> str | None:
        """The ID as it is there: no more decoded than its place itself requires. An empty header or cookie carries none."""
        return (self._session.read(sent, payload) or None) if self._session else None

    def connection_of(self, value: Any) -> str | None:
        """What a message of the connection says for all that follow it."""
        return as_text(_search(self._connection, value)) if self._connection else None

    def received_of(self, value: Any) -> str | None:
        """The session that a received frame gives to the connection."""
        return as_text(_search(self._received, value)) if self._received else None

    def history_of(self, payload: Any) -> int | None:
        """How many earlier messages the payload carries, or None when the profile does not say where."""
        if self._history is None:
            return None
        found = _search(self._history, payload)
        if isinstance(found, list):
            return len(found)
        return int(FRAMINGS[self.framing].lone_items and found is not None)

    def provider_of(self, headers: Mapping[str, str], answer: Any) -> str | None:
        return self._provider.read(Sent("", headers), answer) if self._provider else None

    def provider_in(self, reply: ReplySoFar) -> str | None:
        """The provider that the reply's text names, where the rule has only a regex for it."""
        if self._provider is None:
            return None
        return next((name for text in reply.texts() if (name := self._provider.find_in(text))), None)

    def key_of(self, value: Any, own: str | None = None) -> str | None:
        """What ties a payload and its answer: the rule's place for it, else the framing's ``own``."""
        return as_text(_found(self._correlation_id, value)) if self._correlation_id else own

    @property
    def has_key(self) -> bool:
        return self._correlation_id is not None

    def is_answer(self, value: Any) -> bool:
        """The rule does not exclude this frame or event from being part of an answer."""
        return self._reply_when is None or bool(_search(self._reply_when, value))

    @property
    def marks_parts(self) -> bool:
        return self._reply_when is not None

    @property
    def marks_end(self) -> bool:
        return self._done is not None

    def is_done(self, value: Any) -> bool:
        return self._done is not None and bool(_search(self._done, value))

    def has_failed(self, value: Any) -> bool:
        return self._failed is not None and bool(_search(self._failed, value))


class _EventOfList(dict[str, Any]):
    """An event out of a list, and the frame or body that the list is in."""

    whole: Any

    @classmethod
    def of(cls, event: dict[str, Any], whole: Any) -> _EventOfList:
        found = cls(event)
        found.whole = whole
        return found


class Refusal:
    """A compiled ``[[blocked]]`` entry that shows on the wire."""

    def __init__(self, sign: RefusalRule) -> None:
        self.kind = sign.kind
        self._status = sign.status or ()
        self._answer = _compiled(sign.answer, f"blocked {sign.kind!r}: answer")

    def in_status(self, status: int) -> bool:
        return status in self._status

    def in_answer(self, value: Any) -> bool:
        return self._answer is not None and bool(_search(self._answer, value))


class _Reader:
    def __init__(self, where: Extract, key: str) -> None:
        self._where = where
        self._json = _compiled(where.json_, f"{key}.json")
        self._header = where.header.lower() if where.header else None
        self._url = Pattern(where.url or where.path or where.page or "(?!)", key)
        self._regex = Pattern(where.regex, f"{key}.regex") if where.regex else None

    def read(self, sent: Sent, payload: Any) -> str | None:
        found = self._find(sent, payload)
        if found is None or self._regex is None:
            return found
        return next(
            (_group(self._regex, text) for text in (found, canonical(found)[0]) if self._regex.search(text)),
            None,
        )

    def find_in(self, text: str) -> str | None:
        """In a reply's text; None where the value has a place of its own."""
        if self._where.place is not None or self._regex is None:
            return None
        return _group(self._regex, text)

    def _find(self, sent: Sent, payload: Any) -> str | None:
        where = self._where
        if where.place is None:
            return None
        if self._json is not None:
            return as_text(_found(self._json, payload)) if payload is not None else None
        if where.connection is not None or where.received is not None:
            return sent.earlier
        if where.page is not None:
            return _group(self._url, sent.page)
        if where.form is not None:
            found = payload.get(where.form) if isinstance(payload, dict) else None
            return as_text(found[0] if isinstance(found, list) and found else found)
        if where.query is not None:
            values = parse_qs(urlsplit(sent.url).query).get(where.query)
            return values[0] if values else None
        if self._header is not None:
            return next((value for name, value in sent.headers.items() if name.lower() == self._header), None)
        if where.cookie is not None:
            return sent.cookies.get(where.cookie)
        return _group(self._url, sent.url if where.url is not None else urlsplit(sent.url).path)


def session_fields(
    rule: Rule, sent: Sent, payload: Any, unreadable: str = "", *, doubtful: bool = False
) -> dict[str, Any]:
    """The fields of an `Exchange` that say which session its payload carries; of an unreadable body that is not known."""
    raw = None if unreadable and rule.session_in_body else rule.raw_session_of(sent, payload)
    session, form = canonical(raw or "")
    return {
        "session": session or None,
        "raw_session": raw,
        "form": form,
        "unreadable": unreadable if rule.session_in_body else "",
        "doubtful": doubtful,
    }


def _group(pattern: Pattern, text: str) -> str | None:
    """What ``pattern`` finds in ``text``, decoded."""
    match = pattern.search(text)
    return as_text(unquote(match.group(1 if pattern.groups else 0) or "")) if match else None


def _compiled(expression: str | None, key: str) -> Expression | None:
    return Expression(expression, key) if expression else None


def _found(expression: Expression, value: Any) -> Any:
    """What ``expression`` finds in an event, or else in the frame or body around it."""
    found = _search(expression, value)
    if found is None and isinstance(value, _EventOfList):
        return _search(expression, value.whole)
    return found


def _search(expression: Expression | None, value: Any) -> Any:
    """What ``expression`` finds; None when one of its functions is not for a payload of this form."""
    return None if expression is None else expression.search(value)
