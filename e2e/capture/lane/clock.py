"""Whether somebody changed the clock of this machine in the middle of a run."""

from __future__ import annotations

import time

_CHANGED = 1.0  # seconds; a clock that is slewed moves by 0.5 ms in a second


class Clock:
    """Compares the wall clock with the steady one, which nobody can set."""

    def __init__(self) -> None:
        self._began = time.time() - time.monotonic()
        self._most = 0.0

    @property
    def jump(self) -> str:
        """What happened to it since the beginning, or ``""``. Times of the page and of the suite cannot be compared then."""
        by = time.time() - time.monotonic() - self._began
        self._most = by if abs(by) > abs(self._most) else self._most
        return (
            "" if abs(self._most) < _CHANGED else f"the clock of this machine jumped by {self._most:+.0f} s"
        )
