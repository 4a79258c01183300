"""The actions of a Playwright trace: what was typed, clicked and pressed, with the selectors that the script used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_FILLS = ("fill", "type", "pressSequentially")
_KEYBOARD_TEXT = ("keyboardType", "keyboardInsertText")
_CLICKS = ("click", "dblclick", "tap", "check", "uncheck")
_SECRET = re.compile(r"passw|secret|token|otp|pin\b", re.IGNORECASE)


@dataclass(slots=True)
class TracedAct:
    """One action of the script; ``t`` in seconds since the epoch."""

    t: float
    verb: str
    """``fill``, ``click``, ``hover``, ``press``, ``goto``, ``reload`` or ``other``."""
    selector: str = ""
    value: str = ""
    """The text, the key, or the address."""

    @property
    def is_secret(self) -> bool:
        return self.verb == "fill" and bool(_SECRET.search(self.selector))


def acts_of(events: Sequence[Mapping[str, Any]]) -> list[TracedAct]:
    """The actions that did not fail, in their order."""
    options = next((e for e in events if e.get("type") == "context-options"), {})
    offset = (float(options.get("wallTime") or 0) - float(options.get("monotonicTime") or 0)) / 1000
    failed = {e.get("callId") for e in events if e.get("type") == "after" and e.get("error")}
    found = [a for e in events if e.get("callId") not in failed for a in _act(e, offset)]
    return sorted(found, key=lambda a: a.t)


def _act(event: Mapping[str, Any], offset: float) -> Iterator[TracedAct]:
    if event.get("type") == "action" and isinstance(event.get("metadata"), dict):  # traces before version 4
        event = {**event["metadata"], "type": "before"}
    if event.get("type") != "before":
        return
    method = str(event.get("method") or str(event.get("apiName", "")).rpartition(".")[2])
    params = event.get("params")
    params = params if isinstance(params, dict) else {}
    t = float(event.get("startTime") or 0) / 1000 + offset
    selector = str(params.get("selector") or "")
    if method in _FILLS:
        text = str(
            params.get("value") if method == "fill" else params.get("text") or params.get("value") or ""
        )
        yield TracedAct(t, "fill" if method == "fill" else "type", selector, text)
    elif method in _KEYBOARD_TEXT:
        yield TracedAct(t, "type", "", str(params.get("text") or ""))
    elif method in ("press", "keyboardPress"):
        yield TracedAct(t, "press", selector, str(params.get("key") or ""))
    elif method in _CLICKS:
        yield TracedAct(t, "click", selector)
    elif method == "hover":
        yield TracedAct(t, "hover", selector)
    elif method in ("goto", "reload", "goBack"):
        yield TracedAct(t, "goto" if method == "goto" else "reload", "", str(params.get("url") or ""))
    elif method == "mouseClick":
        yield TracedAct(t, "other", "", "a click at a position")
