"""Commands to the browser that are under way while other lanes go on.

A call of Playwright's sync API blocks its thread until the driver, the browser and the page have answered: 2 to 14 ms each
on a quiet machine, in which no other lane advances. Here the command is sent at once, and its end is an event to wait for.
"""

from __future__ import annotations

import asyncio
import copy
import time
import traceback
from collections.abc import Callable, Generator
from typing import Any

from playwright.sync_api import Error

from e2e.errors import CaptureIncomplete, HarnessError
from e2e.pages.waits import Wait

NO_STACK = traceback.StackSummary.from_list([(__file__, 0, "start", "")])


class Call:
    """One command: under way, or over with its result or its error."""

    def __init__(self) -> None:
        self.over = False
        self._value: Any = None
        self._error: BaseException | None = None

    @property
    def failed(self) -> bool:
        return self._error is not None

    def result(self) -> Any:
        """What the command returned. Raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._value

    def end(self, value: Any = None, error: BaseException | None = None) -> None:
        """It is over."""
        self.over, self._value, self._error = True, value, error


class Calls:
    """Starts commands. They reach the browser in the order in which they were started.

    ``wake`` is called at the end of each; without it a command is over when `start` returns. ``guard`` wraps what is called
    at a command's end: no caller is there to get its errors.
    """

    def __init__(
        self,
        wake: Callable[[], None] | None = None,
        guard: Callable[[Callable[[Call], None]], Callable[[Call], None]] = lambda then: then,
    ) -> None:
        self._wake = wake
        self._guard = guard

    @property
    def blocking(self) -> bool:
        """Each command is over when `start` returns."""
        return self._wake is None

    def start(
        self,
        api: Any,
        verb: str,
        *args: Any,
        then: Callable[[Call], None] | None = None,
        **options: Any,
    ) -> Call:
        """Start the method ``verb`` of an object of Playwright's sync API. ``then`` is called at its end.

        The result is as the driver gives it: plain values, no handles.
        """
        call = Call()
        if self._wake is None:
            try:
                call.end(getattr(api, verb)(*args, **options))
            except Error as error:
                call.end(error=error)
            if then is not None:
                then(call)
            return call
        tasks: list[asyncio.Task[Any]] = []
        # The generated method only hands the coroutine of its command to _sync, which would wait for it.
        unwaited = copy.copy(api)
        unwaited._sync = lambda command: tasks.append(api._loop.create_task(command))  # noqa: SLF001
        getattr(type(api), verb)(unwaited, *args, **options)
        # What Playwright would read from the stack of the caller, with its source lines, once for each command.
        tasks[0].__pw_stack__ = {"frames": [], "apiName": f"{type(api).__name__}.{verb}"}  # type: ignore[attr-defined]
        tasks[0].__pw_stack_trace__ = NO_STACK  # type: ignore[attr-defined]

        def ended(task: asyncio.Task[Any]) -> None:
            if task.cancelled():
                call.end(error=Error("the command was cancelled"))
            elif (error := task.exception()) is not None:
                call.end(error=error)
            else:
                call.end(task.result())
            if then is not None:
                self._guard(then)(call)
            if self._wake is not None:
                self._wake()

        tasks[0].add_done_callback(ended)
        return call


class Question:
    """What a `Wait` waits for when only the page knows it: asked again ``poll`` seconds after each no, and never blocking."""

    def __init__(self, ask: Callable[[], list[Call]], poll: float) -> None:
        """``ask`` starts commands; yes is when one of them returns something true."""
        self._ask = ask
        self._poll = poll
        self._calls: list[Call] = []
        self._again = 0.0

    def __call__(self) -> bool:
        """Whether the last reply was yes. Raises what a command raised."""
        now = time.monotonic()
        if not self._calls and now >= self._again:
            self._calls = self._ask()
        if not self._calls or not all(call.over for call in self._calls):
            return False
        calls, self._calls, self._again = self._calls, [], now + self._poll
        return any(call.result() for call in calls)


def over(calls: list[Call], seconds: float, what: str) -> Generator[Wait, None, None]:
    """Wait until all have ended. Raises the first error, or `CaptureIncomplete` after ``seconds``."""

    def late() -> HarnessError:
        return CaptureIncomplete(
            f"{what} did not end within {seconds:g} s", hint="does the page run a script that does not end?"
        )

    if not all(call.over for call in calls):
        yield Wait(lambda: all(call.over for call in calls), seconds, late)
    for call in calls:
        call.result()
