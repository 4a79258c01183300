"""Payloads and the answers that belong to them, whatever way those come: in their own exchange, by an ID, or as the next frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, Protocol

from e2e.capture.network.bodies.event_reader import with_event
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.wire_rules import Refusal, Rule

_OPEN_AT_MOST = 256  # exchanges on one channel that wait for an answer; older ones will not get theirs

_GIVEN_UP = 15.0  # seconds without any part after which an answer that never ended is taken for abandoned


class Listener(Protocol):
    """Receives what happens on the wire, in order."""

    def on_payload(self, exchange: Exchange) -> None: ...
    def on_response(self, exchange: Exchange, t: float) -> None: ...
    def on_chunk(self, exchange: Exchange, t: float, event: str, value: Any) -> None: ...
    def on_text(self, exchange: Exchange, t: float, text: str) -> None: ...
    def on_finished(self, exchange: Exchange) -> None: ...
    def on_cookie(self, t: float, name: str, value: str | None) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """An event on a line, which may be a part of an answer."""

    line: str
    rule: Rule
    t: float
    seen: Any
    """The event as the rule's expressions see it."""
    event: str
    key: str | None
    """The framing's own."""
    final: bool | None
    size: int
    last: bool
    """No other event of its frame follows."""


class Exchanges:
    """All exchanges of a lane that have not ended.

    A *line* is where answers come by: ``rule:NAME`` for a received rule, else the socket.
    """

    def __init__(
        self, rules: tuple[Rule, ...], listener: Listener, refusals: tuple[Refusal, ...] = ()
    ) -> None:
        self.rules = rules
        self.listener = listener
        self.refusals = refusals
        self._open: dict[str, list[Exchange]] = {}
        self._early: deque[_Part] = deque(maxlen=64)
        """What came on a received rule's line and belongs to no exchange yet: a payload's body may be reported after its response."""
        self._unanswered: deque[Exchange] = deque(maxlen=8)
        """The last HTTP payloads of pages."""

    # -- payloads -----------------------------------------------------------------------------------------------------

    def begin(self, exchange: Exchange, socket: str | None = None) -> None:
        """A payload left. On a ``socket`` its answer is awaited there, unless the rule names another line."""
        line = f"rule:{exchange.rule.answered_by}" if exchange.rule.answered_by else socket
        if line is not None:
            exchange.extras["line"] = line
            waiting = self._open.setdefault(line, [])
            if exchange.doubtful and any(not e.doubtful for e in waiting):
                waiting = []  # what answers next belongs to the payload that is known to be one
            elif not exchange.doubtful:
                waiting[:] = [e for e in waiting if not e.doubtful]
            waiting.append(exchange)
            del waiting[:-_OPEN_AT_MOST]
        if exchange.transport == "http":
            self._unanswered.append(exchange)
        self.listener.on_payload(exchange)
        self._claim(exchange)

    def _claim(self, exchange: Exchange) -> None:
        """Hand over what came before it was known whose answer it is."""
        line = exchange.extras.get("line")
        mine = [part for part in self._early if part.line == line and part.t >= exchange.sent_at - 0.05]
        for part in mine:
            self._early.remove(part)
            self._received_event(part)

    def relayed(self, method: str, url: str, size: int) -> bool:
        """Whether this request of a service worker only passes on one that a page waits for."""
        for e in self._unanswered:
            if e.status is None and (e.method, e.url, e.size) == (method, url, size):
                e.relayed = True
                return True
        return False

    # -- answers ------------------------------------------------------------------------------------------------------

    def head(self, exchange: Exchange, status: int, headers: Mapping[str, str], t: float) -> None:
        """The status and headers of an exchange's own answer."""
        exchange.status = status
        exchange.reply.add_headers(t, headers)
        exchange.provider = exchange.rule.provider_of(headers, None) or exchange.provider
        if status >= 400:
            exchange.retry_after = _seconds(headers.get("retry-after"))
        for refusal in self.refusals:
            if refusal.in_status(status):
                exchange.refused = exchange.refused or refusal.kind
        self.listener.on_response(exchange, t)

    def own_value(
        self, exchange: Exchange, t: float, event: str, value: Any, headers: Mapping[str, str]
    ) -> None:
        """A value of the exchange's own answer."""
        for seen in exchange.rule.events(with_event(value, event)):
            self._own_event(exchange, t, event, seen, headers)

    def _own_event(
        self, exchange: Exchange, t: float, event: str, seen: Any, headers: Mapping[str, str]
    ) -> None:
        rule = exchange.rule
        if rule.answered_by is not None:
            exchange.reply.add_value(t, seen)
            if exchange.reply_key is None:
                exchange.reply_key = rule.key_of(seen)
                self._claim(exchange)
            self._look_for_refusal(exchange, seen)
            return
        self._part(exchange, rule, t, event, seen, headers)
        if rule.has_failed(seen):
            self._end_as_failed(exchange, t)
        elif rule.is_done(seen):
            self.end(exchange, t, "ok")

    def own_text(self, exchange: Exchange, t: float, text: str) -> None:
        """A piece of the exchange's own answer, of a type that is no stream of values."""
        exchange.reply.add_text(t, text)
        if exchange.rule.answered_by is None:
            self.listener.on_text(exchange, t, text)

    def own_end(self, exchange: Exchange, t: float, outcome: str, error: str) -> None:
        """The exchange's own answer has ended."""
        well = outcome == "ok" and (exchange.status or 0) < 400
        if exchange.rule.answered_by is None or not (well or (outcome == "cancelled" and exchange.status)):
            self.end(exchange, t, outcome, error)

    def received(
        self,
        line: str,
        rule: Rule,
        t: float,
        value: Any,
        *,
        event: str = "",
        key: str | None = None,
        final: bool | None = None,
        size: int = 0,
    ) -> None:
        """A frame or event on a ``line``, read by ``rule`` (a received rule, or the sent one on its own socket)."""
        events = rule.events(with_event(value, event))
        for n, seen in enumerate(events, 1):
            part = _Part(line, rule, t, seen, event, key, final, size if n == 1 else 0, n == len(events))
            self._received_event(part)

    def _received_event(self, part: _Part) -> None:
        line, rule, t, seen, key, final = part.line, part.rule, part.t, part.seen, part.key, part.final
        if not rule.is_answer(seen):
            return
        unaddressed = not rule.has_key and key is None
        addressed = self._addressed(line, rule, seen, key, t)
        if not addressed and rule.received:
            self._early.append(part)
        for exchange in addressed:
            exchange.chunks += 1
            exchange.bytes += part.size
            exchange.first_chunk_at = exchange.first_chunk_at or t
            exchange.last_chunk_at = t
            self._part(exchange, rule, t, part.event, seen, {})
            if rule.has_failed(seen):
                self._end_as_failed(exchange, t)
            elif rule.is_done(seen) or (
                # no sign of an end: the first frame is the answer, unless a frame with the request's ID is still to come
                not rule.marks_end
                and part.last
                and final is not False
                and not (unaddressed and exchange.reply_key is not None)
            ):
                self.end(exchange, t, "ok")

    def given(self, line: str, rule: Rule, session: str) -> None:
        """The backend gave the connection this ID: whether a payload that it has not begun to answer had the ID before is not known."""
        for exchange in self._open.get(line, ()):
            if exchange.rule is rule and exchange.chunks == 0 and exchange.raw_session not in (None, session):
                exchange.overtaken = True

    def line_closed(self, line: str, t: float, why: str) -> None:
        """Nothing more will come there."""
        for exchange in list(self._open.get(line, ())):
            self.end(exchange, t, "failed", why)

    def end(self, exchange: Exchange, t: float, outcome: str, error: str = "") -> None:
        """The exchange is over; only the first end counts."""
        if exchange.ended:
            return
        exchange.ended_at = exchange.ended_at or t
        exchange.outcome, exchange.error = outcome, error or exchange.error
        if exchange.provider is None:  # now that the whole text is there: a part of a name is none
            exchange.provider = self._named_in_text(exchange)
        waiting = self._open.get(exchange.extras.get("line", ""), [])
        if exchange in waiting:
            waiting.remove(exchange)
        self.listener.on_finished(exchange)

    def _end_as_failed(self, exchange: Exchange, t: float) -> None:
        exchange.reports_failure = True
        self.end(exchange, t, "failed", "the answer says that it failed")

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _addressed(self, line: str, rule: Rule, seen: Any, own: str | None, t: float) -> list[Exchange]:
        """The open exchanges to which this belongs: by the key when both sides have one, else the newest."""
        waiting = [e for e in self._open.get(line, ()) if e.rule is rule or rule.received]
        if not waiting:
            return []
        keyed = [e for e in waiting if e.reply_key is not None]
        if rule.received and not rule.has_key and own is None:
            # The key of a channel of its own may be where the payload's rule says it is.
            named = [e for e in keyed if e.rule.has_key and e.rule.key_of(seen) == e.reply_key]
            if named or any(e.rule.key_of(seen) is not None for e in keyed):
                return named
        if not rule.has_key and own is None:
            # The framing has IDs, and this frame none: it answers no payload in particular, unless the profile has a rule for it.
            found = waiting[-1:] if not keyed or rule.marks_parts else []
            if found:
                _share([e for e in waiting if t - max(e.sent_at, e.last_chunk_at) < _GIVEN_UP or e in found])
            return found
        key = rule.key_of(seen, own)
        if rule.has_key and key is None:
            return []
        return [e for e in keyed if e.reply_key == key]

    def _part(
        self, exchange: Exchange, rule: Rule, t: float, event: str, seen: Any, headers: Mapping[str, str]
    ) -> None:
        exchange.reply.add_value(t, seen)
        provider = rule.provider_of(headers, seen)
        if provider is None and rule is not exchange.rule:
            provider = exchange.rule.provider_of(headers, seen)
        if provider is not None and exchange.provider is None:
            exchange.provider = provider
        self._look_for_refusal(exchange, seen)
        exchange.extras["said_provider"] = provider
        self.listener.on_chunk(exchange, t, event, seen)

    def _named_in_text(self, exchange: Exchange) -> str | None:
        line = exchange.rule.answered_by
        rules = [exchange.rule, *(r for r in self.rules if r.received and r.name == line)]
        return next((name for rule in rules if (name := rule.provider_in(exchange.reply))), None)

    def _look_for_refusal(self, exchange: Exchange, seen: Any) -> None:
        for refusal in self.refusals:
            if refusal.in_answer(seen):
                exchange.refused = exchange.refused or refusal.kind


def _share(waiting: list[Exchange]) -> None:
    """Nothing says which of these a part answers, nor, once one of them has ended, which one that was."""
    for exchange in waiting if len(waiting) > 1 else ():
        exchange.shares_line = True


def _seconds(header: str | None) -> float | None:
    """``Retry-After`` in seconds (RFC 9110, section 10.2.3); a date counts from now."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time())
    except ValueError:
        return None
