"""How long a page may take to send a failed message again by itself: learned from what it did before."""

from __future__ import annotations

from typing import Literal

from e2e.capture.network.exchange import Exchange

_MOST = 10.0  # seconds that a page which retries waits at most
_TRY_LATER = (408, 425, 429)  # of the 4xx, those that ask the client to come back

Kind = Literal["failed", "refused"]


class Retries:
    """The habit of one lane's page."""

    def __init__(self) -> None:
        self._longest: dict[Kind, float] = {}
        self._rested: set[Kind] = set()

    def longest_wait(self, exchange: Exchange, quiet: float, most: float) -> float:
        """Seconds to wait for a retry of ``exchange``: twice what one took before; ``most`` where nothing is known yet.

        After a refusal (4xx) most pages do nothing, and many chats may meet one: the first gets a ``quiet`` time only.
        """
        kind = _kind(exchange)
        if kind in self._longest:
            return min(2 * self._longest[kind] + quiet, _MOST)
        if kind in self._rested:
            return quiet if kind == "failed" else 0.0
        return most if kind == "failed" else quiet

    def learn(self, exchange: Exchange, seconds: float | None) -> None:
        """The retry came after ``seconds``, or (None) not at all."""
        kind = _kind(exchange)
        if seconds is None:
            self._rested.add(kind)
        else:
            self._longest[kind] = max(seconds, self._longest.get(kind, 0.0))


def _kind(exchange: Exchange) -> Kind:
    status = exchange.status or 0
    return "refused" if 400 <= status < 500 and status not in _TRY_LATER else "failed"
