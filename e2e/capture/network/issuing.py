"""Which reply issued a session ID: the first whose text, value or header is an ID that its own payload had not sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from urllib.parse import unquote

from e2e.capture.network.exchange import Exchange

_REMEMBERED = 16  # exchanges of a lane: an ID is stored soon after the reply that brought it
_SAME_TIME = 1.0  # seconds by which a page's write may be seen before the reply's bytes are
_LONGEST_WAIT = (
    5.0  # seconds for those bytes to be read, where the protocol gives them only when the reply has ended
)

Issued = Callable[[float, str, Exchange], None]


class Issuing:
    """The IDs that a lane has come to, over all its tabs. Raw IDs are held in memory only."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._open: list[tuple[float, str]] = []
        """Time and raw ID of those that came up, and that no reply explains yet."""
        self._exchanges: deque[Exchange] = deque(maxlen=_REMEMBERED)

    def sent(self, exchange: Exchange, issued: Issued) -> None:
        """A payload leaves; its ID may be one that an earlier reply issued, where nothing is stored."""
        exchange.reply.sent_with = "\n".join(
            (exchange.url, unquote(exchange.url), exchange.body, exchange.session or "")
        )
        if exchange.session is not None:
            self.came_up(exchange.sent_at, exchange.session, issued)
        self._exchanges.append(exchange)

    def knows(self, session_id: str) -> None:
        """An ID that was there before anything was replied: no reply issued it."""
        self._known.add(session_id)

    def came_up(self, t: float, session_id: str, issued: Issued) -> None:
        """An ID was stored, or sent."""
        if session_id in self._known:
            return
        self._known.add(session_id)
        self._open.append((t, session_id))
        self.settle(t, issued)

    def settle(self, now: float, issued: Issued) -> None:
        """Look again for the replies that issued the IDs that came up lately."""
        for entry in list(self._open):
            t, session_id = entry
            found = [
                (at, n, e)
                for n, e in enumerate(self._exchanges)
                if (at := e.reply.carried_at(session_id)) is not None
                and at <= t + _SAME_TIME
                and session_id not in e.reply.sent_with
            ]
            if found:
                at, _, exchange = min(found, key=lambda one: one[:2])
                issued(at, session_id, exchange)
            if found or now - t > _LONGEST_WAIT:
                self._open.remove(entry)
