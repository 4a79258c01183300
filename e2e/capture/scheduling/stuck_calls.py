"""Ends a call to the browser that does not return: a page whose script never ends answers nothing, and Playwright waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext

from e2e.capture.scheduling.scheduler import CLOSES, EventWaiter
from e2e.errors import CaptureIncomplete
from e2e.pages.calls import NO_STACK

_EVERY = 0.5
MARK = "__pw_stack_trace__"
"""What Playwright's sync API sets on the task of a call that waits (a self test holds the versions we pin to it)."""


@contextmanager
def returning(
    context: BrowserContext, waiter: EventWaiter, seconds: float, held: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Close ``context`` once a single call has not returned for ``seconds``, so that it ends with an error.

    The time does not count while ``held()``: a user has a dialog of the page before them.

    Raises `CaptureIncomplete` with the reason in place of whatever the block raises then, or at its end.
    """
    stuck: list[CaptureIncomplete] = []

    def end() -> None:
        stuck.append(
            CaptureIncomplete(
                f"a page did not respond for {seconds:g} s",
                hint="a script of the page may loop for ever, or write to the console faster than it can be read",
            )
        )
        waiter.close_soon(context)

    with waiter.watching(_when_stuck(seconds, held, end, waiter.give_up_commands)):
        try:
            yield
        except Exception as error:
            if stuck:
                raise stuck[0] from error
            raise
    if stuck:
        raise stuck[0]


async def _when_stuck(
    seconds: float, held: Callable[[], bool], call: Callable[[], None], at_last: Callable[[], None]
) -> None:
    since: dict[asyncio.Task[object], float] = {}
    clock = asyncio.get_running_loop().time
    while True:
        await asyncio.sleep(min(_EVERY, seconds / 4))
        waiting = {t for t in asyncio.all_tasks() if getattr(t, MARK, NO_STACK) is not NO_STACK}
        since = {task: clock() if held() else since.get(task, clock()) for task in waiting}
        if any(clock() - began >= seconds for began in since.values()):
            call()
            await asyncio.sleep(CLOSES)
            if not all(task.done() for task in waiting):
                at_last()
            return
