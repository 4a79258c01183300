"""Several runs, each with its own target and profile, in one thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

from e2e.capture.run.runner import Runner
from e2e.capture.scheduling.scheduler import EventWaiter, run_lanes
from e2e.pages.waits import Steps


def run_side_by_side(runners: Sequence[Runner], waiter: EventWaiter, *, at_once: int | None = None) -> None:
    """Advance the lanes of several runs, each with its own target and profile, in one thread until all have ended.

    All of them must have been made with ``waiter``. ``at_once`` runs go on at the same time, by default all; the next
    one begins when one has ended. The evidence is in each runner's ``folder``.
    """
    waiting = iter(enumerate(runners))
    open_runs: dict[int, ExitStack] = {}
    lanes_left: Counter[int] = Counter()

    def begin() -> dict[tuple[int, int], Steps]:
        for number, runner in waiting:
            open_runs[number] = everything.enter_context(ExitStack())
            lanes = open_runs[number].enter_context(runner.going())
            lanes_left[number] = len(lanes)
            return {(number, lane): steps for lane, steps in lanes.items()}
        return {}

    def ended(key: tuple[int, int]) -> dict[tuple[int, int], Steps]:
        number, _ = key
        lanes_left[number] -= 1
        if lanes_left[number]:
            return {}
        open_runs[number].close()
        return begin()

    with ExitStack() as everything:
        first: dict[tuple[int, int], Steps] = {}
        for _ in range(at_once or len(runners)):
            first |= begin()
        run_lanes(first, waiter, stop=lambda: any(runner.stopped for runner in runners), ended=ended)
