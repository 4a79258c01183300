"""A chat request that can be sent again without the browser. Held in memory, never written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from e2e.capture.network.exchange import Exchange
from e2e.capture.network.wire_rules import Rule


@dataclass(frozen=True, slots=True)
class Request:
    """A chat request as the page sent it, with the session ID that stood in it. Never written."""

    rule: Rule
    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    session: str

    @classmethod
    def of(cls, exchange: Exchange) -> Request | None:
        """None where it cannot be sent again: no HTTP, no session, the ID stands somewhere else (a cookie), a compressed body."""
        session = exchange.raw_session or exchange.session
        if exchange.transport != "http" or not session or exchange.coded or exchange.unreadable:
            return None
        if session not in exchange.body and session not in exchange.url:
            return None
        return cls(exchange.rule, exchange.method, exchange.url, exchange.headers, exchange.body, session)
