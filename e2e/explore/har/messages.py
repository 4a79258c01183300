"""The chat's messages in a recording, as the profile's wire rules read them, and the requests that start a new chat."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from e2e.capture.network.bodies import encodings
from e2e.capture.network.bodies.parsing import payload_of
from e2e.capture.network.events.http import HttpTraffic
from e2e.capture.network.events.sockets import SocketTraffic
from e2e.capture.network.events.state import WireState
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.exchanges import Exchanges
from e2e.capture.network.har.archive import Archive
from e2e.capture.network.har.entries import Entry
from e2e.capture.network.har.playback import RecordedChannel
from e2e.capture.network.issuing import Issuing
from e2e.capture.network.wire_rules import Refusal, Rule
from e2e.profile.profile import Profile
from e2e.profile.values.bounded import Expression, Pattern

_RETRY = 20.0  # seconds within which a page sends a message again whose request failed
_BESIDE = 3.0  # seconds around a message within which a payload of a later rule belongs to it


@dataclass(slots=True)
class Recorded:
    """What the profile's rules find in a recording, in the order of sending."""

    messages: list[Exchange] = field(default_factory=list)
    others: list[Exchange] = field(default_factory=list)
    """Payloads that carry no message of their own: retries, titles, autosaves."""
    issued: list[tuple[float, str, Exchange]] = field(default_factory=list)
    """Session IDs that replies brought: ``(time, raw ID, exchange)``."""
    chunks: list[tuple[float, Exchange, str | None]] = field(default_factory=list)
    """Parts of replies that arrived: ``(time, exchange, provider)``."""
    new_chats: list[float] = field(default_factory=list)
    """Times of the requests that start a new chat, by the profile."""
    loads: list[float] = field(default_factory=list)
    """Times at which the page was loaded."""
    notes: list[str] = field(default_factory=list)
    """What the recording lacks."""
    tabs: dict[str, int] = field(default_factory=dict)
    """Request -> number of the tab that sent it."""


def messages_in(archive: Archive, profile: Profile) -> Recorded:
    """Read the recording by the profile's rules."""
    rules = tuple(Rule(r) for r in profile.wire)
    found = Recorded()
    entries = _readable(archive, rules, found)
    listener = _Listener(found, archive)
    refusals = tuple(Refusal(r) for r in profile.blocked)
    wire = WireState(Exchanges(rules, listener, refusals), reading=True, cookies=None, frame_depth=0, traffic=None)  # fmt: skip
    listener.wire = wire
    channel = RecordedChannel(entries)
    handlers = HttpTraffic(channel, wire).handlers | SocketTraffic(channel, wire).handlers
    for name, handler in (handlers | wire.addresses.handlers).items():
        channel.on(name, handler)
    channel.play()
    listener.close()
    _sort_out(found, listener.payloads, [r.name for r in rules if not r.received and r.judged])
    found.loads = _loads(entries, profile)
    found.new_chats = _new_chats(entries, profile)
    _note_missing(found, archive)
    return found


class _Listener:
    """Receives what happens on the wire; see `e2e.capture.network.exchanges.Listener`."""

    def __init__(self, found: Recorded, archive: Archive) -> None:
        self.payloads: list[Exchange] = []
        self.wire: WireState | None = None
        self._found = found
        self._archive = archive
        self._issuing = Issuing()
        self._pages = {str(e.number): e.page for e in archive.entries}
        self._tabs: dict[str, int] = {}

    def on_payload(self, exchange: Exchange) -> None:
        if exchange.doubtful:
            return
        rule = exchange.rule
        if rule.needs_page and self.wire is not None and not self.wire.addresses.now:
            exchange.unreadable = "the recording does not have the page's address"
        if rule.needs_cookies and not self._archive.has_cookies:
            exchange.unreadable = "the recording has no cookies: it was exported without sensitive data"
        if self._archive.creator.startswith("Playwright"):  # there a page is a tab, elsewhere a navigation
            page = self._pages.get(re.split("[#]", exchange.request)[0], "")
            self._found.tabs[exchange.request] = self._tabs.setdefault(page, len(self._tabs))
        self.payloads.append(exchange)
        self._issuing.sent(exchange, self._issued)

    def on_response(self, exchange: Exchange, t: float) -> None:
        pass

    def on_chunk(self, exchange: Exchange, t: float, event: str, value: Any) -> None:
        self._found.chunks.append((t, exchange, exchange.extras.get("said_provider")))

    def on_text(self, exchange: Exchange, t: float, text: str) -> None:
        pass

    def on_finished(self, exchange: Exchange) -> None:
        self._issuing.settle(exchange.ended_at or exchange.sent_at, self._issued)

    def on_cookie(self, t: float, name: str, value: str | None) -> None:
        pass

    def close(self) -> None:
        if self.payloads:
            self._issuing.settle(self.payloads[-1].sent_at, self._issued)

    def _issued(self, t: float, session: str, exchange: Exchange) -> None:
        exchange.extras.setdefault("issued", session)
        self._found.issued.append((t, session, exchange))


def _readable(archive: Archive, rules: Sequence[Rule], found: Recorded) -> list[Entry]:
    """The entries without the streams whose events have no times: nothing shows which message they reply to."""
    entries = []
    for one in archive.entries:
        entry = one
        rule = next((r for r in rules if r.received and r.names(entry.method, entry.url)), None)
        stream = "event-stream" in entry.response_headers.get("content-type", "")
        if rule is not None and stream and not entry.events and not rule.has_key:
            found.notes.append(
                f"the events of the wire rule {rule.name!r} have no times in the recording: their replies are not known"
            )
            entry = replace(entry, content=b"", content_missing="its events have no times")
        entries.append(entry)
    found.notes = list(dict.fromkeys(found.notes))
    return entries


def _sort_out(found: Recorded, payloads: Sequence[Exchange], carriers: Sequence[str]) -> None:
    """Tell messages from retries and from what a page sends beside its messages: the profile's first rule counts."""
    rank = {name: n for n, name in enumerate(carriers)}
    ordered = sorted(payloads, key=lambda e: e.sent_at)
    for exchange in ordered:
        mine = rank.get(exchange.rule.name)
        beside = mine is None or any(
            rank.get(other.rule.name, len(rank)) < mine and abs(other.sent_at - exchange.sent_at) < _BESIDE
            for other in ordered
        )
        if beside:
            found.others.append(exchange)
            continue
        last = found.messages[-1] if found.messages else None
        if last is not None and _is_retry(exchange, last):
            exchange.extras["retry"] = True
            found.others.append(last)
            found.messages[-1] = exchange
        else:
            found.messages.append(exchange)


def _is_retry(exchange: Exchange, last: Exchange) -> bool:
    nothing = last.outcome in ("failed", "cancelled") or (last.status or 0) >= 400
    return nothing and exchange.body == last.body and exchange.sent_at - last.sent_at < _RETRY


def _loads(entries: Sequence[Entry], profile: Profile) -> list[float]:
    """Loads of the chat's page; the documents of frames are none."""
    framed = bool(profile.where.frame)
    return [
        e.t
        for e in entries
        if e.kind == "Document"
        and e.status < 400
        and (framed or e.headers.get("sec-fetch-dest", "document") == "document")
    ]


def _new_chats(entries: Sequence[Entry], profile: Profile) -> list[float]:
    wanted = profile.steps.new_chat_request
    if wanted is None:
        return []
    url = Pattern(wanted.url, "steps.new_chat_request.url")
    when = Expression(wanted.when, "steps.new_chat_request.when") if wanted.when else None
    found = []
    for entry in entries:
        if not url.search(entry.url) or wanted.method not in (None, entry.method):
            continue
        kind = entry.headers.get("content-type", "")
        body = payload_of(encodings.body_of(entry.body, entry.headers).data, kind)
        if when is None or when.search(body):
            found.append(entry.t)
    return found


def _note_missing(found: Recorded, archive: Archive) -> None:
    unread = [e for e in found.messages if e.unreadable]
    if unread:
        reasons = "; ".join(dict.fromkeys(e.unreadable for e in unread))
        found.notes.append(f"{len(unread)} of {len(found.messages)} messages could not be read: {reasons}")
    by_number = {str(e.number): e for e in archive.entries}
    empty = [e for e in found.messages if (entry := by_number.get(e.request)) and entry.content_missing]
    if empty:
        found.notes.append(
            f"{len(empty)} of {len(found.messages)} replies have no body in the recording: their provider is not known"
        )
