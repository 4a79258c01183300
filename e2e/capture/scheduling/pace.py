"""How fast all lanes together may go: the profile's limits, and what the target requested."""

from __future__ import annotations

import time

from e2e.profile.profile import Limits


class Pace:
    """Gives each message its moment. Times are those of ``time.monotonic``."""

    def __init__(self, limits: Limits, shards: int = 1) -> None:
        """``shards`` machines go at the same time, and keep to the limits together."""
        self._gap = 60.0 * shards / limits.requests_per_minute if limits.requests_per_minute else 0.0
        self._next = 0.0

    def book(self) -> float:
        """The moment at which the next message may leave; each call takes one."""
        at = max(time.monotonic(), self._next)
        self._next = at + self._gap
        return at

    def pause(self, seconds: float) -> None:
        """No message of any lane leaves before ``seconds`` from now."""
        self._next = max(self._next, time.monotonic() + seconds)


def affordable(chats: int, lanes: int, limits: Limits, *, each: int = 1, more: int) -> int:
    """How many of ``chats`` with ``each`` messages the run's budget allows, when each lane's last one has ``more`` besides."""
    if limits.messages is None:
        return chats
    return max(1, min(chats, (limits.messages - more * min(lanes, chats)) // each))
