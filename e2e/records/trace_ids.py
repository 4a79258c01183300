"""The W3C trace context of a chat: made from its run, lane and number, so that capture and export need not agree in time."""

from __future__ import annotations

import hashlib


def trace_id(run_id: str, lane: int, chat: int) -> str:
    """32 hex digits."""
    return _digits(f"trace {run_id} {lane} {chat}", 32)


def span_id(run_id: str, lane: int, chat: int, part: str = "chat") -> str:
    """16 hex digits. The part ``chat`` is the span to which the backend's own spans belong."""
    return _digits(f"span {run_id} {lane} {chat} {part}", 16)


def traceparent(run_id: str, lane: int, chat: int) -> str:
    """The header's value, sampled (https://www.w3.org/TR/trace-context/)."""
    return f"00-{trace_id(run_id, lane, chat)}-{span_id(run_id, lane, chat)}-01"


def _digits(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
