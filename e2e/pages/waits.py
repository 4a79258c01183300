"""What a lane waits for. A verb that takes time is a generator that yields these; it never blocks the other lanes."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

from e2e.errors import HarnessError


@dataclass(frozen=True, slots=True)
class Wait:
    """Go on when ``until()`` holds.

    ``until`` is called after each event, and every ``poll`` seconds when that is given; when it ``asks_page`` (which costs a round
    trip) at those times only. After ``timeout`` seconds the generator gets ``late()`` thrown in.
    """

    until: Callable[[], bool]
    timeout: float
    late: Callable[[], HarnessError]
    poll: float | None = None
    asks_page: bool = False


Steps = Generator[Wait, None, None]


def pause(seconds: float) -> Steps:
    """Let ``seconds`` pass, between two looks at something that no event reports."""
    moment = time.monotonic() + seconds

    def late() -> HarnessError:
        return HarnessError("the clock could not be read")

    yield Wait(lambda: time.monotonic() >= moment, seconds + 60, late, seconds)
