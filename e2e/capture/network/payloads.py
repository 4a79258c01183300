"""Which rule a payload belongs to, and why its session could not be read where that is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.capture.network.bodies import encodings
from e2e.capture.network.bodies.parsing import payload_of
from e2e.capture.network.wire_rules import Rule
from e2e.framings.base.decoder import Message
from e2e.framings.registry import make_decoder

UNDECODED = "undecoded"
"""Name of the message that a decoder gives for what it cannot read."""

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
    if body.unreadable:
        return Taken(rule, None, unreadable=body.unreadable, doubtful=rule.asks_body)
    if rule.framing not in ("json", "ndjson"):
        messages = make_decoder(rule.framing).decode(
            body.text or body.data, True
        )  # bytes are an attachment to it
        return _first(rule, messages)
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    value = rule.read(payload_of(body.data, kind))
    if value is None and body.text.strip() and body.text.strip() != "null":
        named = kind.partition(";")[0].strip() or "no content type"
        why = f"it is neither JSON nor a form ({named}, {len(body.text)} characters)"
        return Taken(rule, None, unreadable=why, doubtful=rule.asks_body)
    return Taken(rule, value)


def _first(rule: Rule, messages: Sequence[Message]) -> Taken | None:
    """The first message that the rule accepts; else one that could not be read."""
    for message in messages:
        if message.name != UNDECODED and rule.accepts(value := rule.read(message.value)):
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
