"""Which reply issued a session ID: the first whose text, value or header is an ID that its own payload had not sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
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
        self._open: list[_Unexplained] = []
        self._exchanges: deque[_Searched] = deque(maxlen=_REMEMBERED)

    def sent(self, exchange: Exchange, issued: Issued) -> None:
        """A payload leaves; its ID may be one that an earlier reply issued, where nothing is stored."""
        exchange.reply.sent_with = "\n".join(
            (exchange.url, unquote(exchange.url), exchange.body, exchange.session or "")
        )
        if exchange.session is not None:
            self.appeared(exchange.sent_at, exchange.session, issued)
        if len(self._exchanges) == _REMEMBERED:
            self._exchanges[0].exchange.reply.searched()
        self._exchanges.append(_Searched(exchange))

    def knows(self, session_id: str) -> None:
        """An ID that was there before anything was replied: no reply issued it."""
        self._known.add(session_id)

    def appeared(self, t: float, session_id: str, issued: Issued) -> None:
        """An ID was stored, or sent."""
        if session_id in self._known:
            return
        self._known.add(session_id)
        self._open.append(_Unexplained(t, session_id))
        self.settle(t, issued)

    def settle(self, now: float, issued: Issued) -> None:
        """Look again for the replies that issued the IDs that came up lately."""
        # A page that makes its own IDs leaves each of them open for seconds. Searching all replies for all of them anew was a
        # quarter of Python's work for a chat, so an ID that was looked for is looked for again only where more has come.
        more = [(n, one) for n, one in enumerate(self._exchanges) if one.pieces != one.exchange.reply.pieces]
        every = list(enumerate(self._exchanges))
        for entry in list(self._open):
            found = [
                (at, n, one.exchange)
                for n, one in (more if entry.looked_for else every)
                if (at := one.exchange.reply.carried_at(entry.session_id)) is not None
                and at <= entry.t + _SAME_TIME
                and entry.session_id not in one.exchange.reply.sent_with
            ]
            entry.looked_for = True
            if found:
                at, _, exchange = min(found, key=lambda one: one[:2])
                issued(at, entry.session_id, exchange)
            if found or now - entry.t > _LONGEST_WAIT:
                self._open.remove(entry)
        for _, one in more:
            one.pieces = one.exchange.reply.pieces


@dataclass(slots=True, eq=False)
class _Unexplained:
    """An ID that came up at that time, and that no reply explains yet. Raw."""

    t: float
    session_id: str
    looked_for: bool = False
    """In all replies as they were then."""


@dataclass(slots=True, eq=False)
class _Searched:
    """An exchange, and how many pieces of its reply were searched."""

    exchange: Exchange
    pieces: int = 0
