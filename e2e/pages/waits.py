"""What a lane waits for. A verb that takes time is a generator that yields these; it never blocks the other lanes."""

from __future__ import annotations

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
