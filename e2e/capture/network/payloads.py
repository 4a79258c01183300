"""Which rule a payload belongs to, and why its session could not be read where that is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.capture.network.bodies import encodings
from e2e.capture.network.bodies.parsing import payload_of
from e2e.capture.network.wire_rules import Rule
from e2e.framings.base.decoder import UNDECODED, Message, undecoded
from e2e.framings.registry import FRAMINGS, make_decoder

COOKIES_NOT_SEEN = "the browser did not report which cookies the request carried"
NOT_IN_IT = "the message that was typed is not in it: is it encrypted?"


@dataclass(frozen=True, slots=True)
class Taken:
    """A payload as the rule that takes it sees it."""

    rule: Rule
    value: Any
    key: str | None = None
    """The framing's own."""
    unreadable: str = ""
    """Why nothing could be read in it, or ``""``."""
    doubtful: bool = False
    """What could not be read may as well be something else than a payload of the rule."""


def taken_by(rules: Sequence[Rule], body: encodings.Body, headers: Mapping[str, str]) -> Taken | None:
    """The payload of a request with this body, by the first of ``rules`` (those that name its method and URL) that takes it.

    A rule with a condition takes a body that could not be read only where no other rule reads it: the condition might hold.
    """
    doubtful: Taken | None = None
    for rule in rules:
        found = _read(rule, body, headers)
        if found is None:
            continue
        if found.doubtful:
            doubtful = doubtful or found
        elif found.unreadable or rule.accepts(found.value):
            return found
        elif encodings.looks_opaque(body.text):
            doubtful = doubtful or Taken(rule, None, unreadable=NOT_IN_IT, doubtful=True)
    return doubtful


def _read(rule: Rule, body: encodings.Body, headers: Mapping[str, str]) -> Taken | None:
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if is_framed(rule, kind) and body.data and (not body.unreadable or rule.reads_bytes):
        # Of a framing of texts, bytes are an attachment.
        readable = body.data if rule.reads_bytes else body.text or body.data
        return _first(rule, make_decoder(rule.framing).decode(readable, True))
    if body.unreadable:
        return Taken(rule, None, unreadable=body.unreadable, doubtful=rule.asks_body)
    value = payload_of(body.data, kind)
    if value is None and body.text.strip() and body.text.strip() != "null":
        named = kind.partition(";")[0].strip() or "no content type"
        why = f"it is neither JSON nor a form ({named}, {len(body.text)} characters)"
        return Taken(rule, None, unreadable=why, doubtful=rule.asks_body)
    events = rule.events(value)
    return Taken(
        rule, next((event for event in events if rule.accepts(event)), events[0] if events else None)
    )


def as_message(rule: Rule, body: encodings.Body, headers: Mapping[str, str]) -> Message:
    """The body of a request as the framing of ``rule`` reads it: its first message."""
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if is_framed(rule, kind):
        readable = body.data if rule.reads_bytes else body.text or body.data
        return next(iter(make_decoder(rule.framing).decode(readable, True)), undecoded(readable))
    value = payload_of(body.data, kind)
    return undecoded(body.data) if value is None else Message("message", value)


_ALWAYS_FRAMED = ("application/grpc", "application/connect+")  # also with JSON in their messages
_READ_AS_THEY_ARE = ("json", "event-stream", "x-www-form-urlencoded", "multipart/", "text/")


def is_framed(rule: Rule, content_type: str) -> bool:
    """Whether a body of this type has the framing of the rule: a binary one is not in what is declared as text.

    An API with binary bodies may reply with JSON, and with an error in JSON or HTML.
    """
    if rule.framing in ("json", "ndjson"):
        return False
    kind = content_type.lower()
    if not FRAMINGS[rule.framing].binary or kind.startswith(_ALWAYS_FRAMED):
        return True
    return not any(word in kind for word in _READ_AS_THEY_ARE)


def _first(rule: Rule, messages: Sequence[Message]) -> Taken | None:
    """The first message that the rule accepts; else one that could not be read."""
    for message in messages:
        for value in rule.events(message.value) if message.name != UNDECODED else ():
            if rule.accepts(value):
                return Taken(rule, value, message.key)
    return next((taken for m in messages if (taken := unread_frame(rule, m)) is not None), None)


def unread_frame(rule: Rule, message: Message) -> Taken | None:
    """A message that the framing's decoder could not read, as a payload of which that is all there is to say; None for any other.

    Frames that cannot be read (audio, a heartbeat) are common beside those of the chat: it is never certain that it is one.
    """
    if message.name != UNDECODED or not (rule.asks_body or rule.session_in_body):
        return None
    what = "binary" if "binary" in message.value else "text"
    return Taken(rule, None, message.key, f"it is {what} that is no {rule.framing}", doubtful=True)
