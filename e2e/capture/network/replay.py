"""A chat message that can be sent again without the browser. Held in memory, never written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from e2e.capture.network.exchange import Exchange
from e2e.capture.network.opening import SentFrame, holds
from e2e.capture.network.wire_rules import Rule


@dataclass(frozen=True, slots=True)
class Request:
    """A chat message as the page sent it, with the session ID that stood in it. Never written."""

    rule: Rule
    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    session: str
    frames: tuple[SentFrame, ...] = ()
    """Of a WebSocket: what is sent on a new connection, the message last."""
    key: str | None = None
    """What ties the reply to the message, on a WebSocket."""

    @classmethod
    def of(cls, exchange: Exchange) -> Request | None:
        """None where it cannot be sent again.

        So it is without a session, where the ID stands somewhere else (a cookie), in a compressed body, and where the reply to a
        frame comes on another channel.
        """
        session = exchange.raw_session or exchange.session
        if not session or exchange.unreadable:
            return None
        of = (exchange.rule, exchange.method, exchange.url, exchange.headers)
        if exchange.transport == "websocket":
            frames = exchange.opening.before(exchange.frame, session) if exchange.opening else ()
            named = session in exchange.url or any(holds(frame.data, session) for frame in frames)
            resumed = "EIO=" in exchange.url and "sid=" in exchange.url  # of a connection that began as polls
            if not frames or not named or resumed or exchange.rule.answered_by is not None:
                return None
            return cls(*of, "", session, frames, exchange.reply_key)
        if exchange.coded or (session not in exchange.body and session not in exchange.url):
            return None
        return cls(*of, exchange.body, session)
