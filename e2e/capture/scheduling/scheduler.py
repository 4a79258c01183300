"""Lanes side by side in one thread: whichever lane has what it waits for is advanced, the others go on waiting."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from inspect import Parameter, Signature
from typing import Any, ParamSpec, TypeVar

from playwright._impl._greenlets import wait_for_future
from playwright.sync_api import Browser, BrowserContext, Error, Playwright, Route

from e2e.pages.calls import Calls
from e2e.pages.waits import Steps, Wait

P = ParamSpec("P")
K = TypeVar("K", bound=Hashable)
CLOSES = 10.0
"""Seconds that a browser context may take to close, and what waits for its pages to notice it."""
_ANY = Signature([Parameter("args", Parameter.VAR_POSITIONAL)])
"""The signature of a handler that takes whatever comes."""


class EventWaiter:
    """Sleeps inside Playwright's event loop until an event handler wakes it.

    The sync API has no public "handle events until one of them matters"; ``wait_for_timeout`` polls instead. This waits in the loop
    that every sync call uses (a self test holds the versions we pin to it).
    """

    def __init__(self, playwright: Playwright | Browser) -> None:
        self._loop: asyncio.AbstractEventLoop = playwright._loop  # noqa: SLF001
        self._connection = playwright._impl_obj._connection  # noqa: SLF001
        self._driver_ended: asyncio.Future[Any] = self._connection._transport.on_error_future  # noqa: SLF001
        self._dispatcher = playwright._dispatcher_fiber  # noqa: SLF001
        self._awake = False
        """Something happened since the last sleep ended."""
        self._sleeper: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        """Held, or the loop would forget them."""
        self._failure: BaseException | None = None
        self.calls = Calls(self.wake, self.guarded)
        """Starts commands to the browser whose ends wake the sleeper."""

    def when_driver_ends(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call ``call``, and wake the sleeper, when Playwright's driver has ended; returns what takes that back.

        Nothing else reports it: no event comes any more, and a lane that waits for one would name another reason.
        """
        ended = self._driver_ended

        def handle(_: asyncio.Future[Any]) -> None:
            call()
            self.wake()

        ended.add_done_callback(handle)
        return lambda: (ended.remove_done_callback(handle), None)[1]

    @contextmanager
    def at_most(self, seconds: float, late: Callable[[], None]) -> Iterator[None]:
        """Call ``late`` when the block has not ended in time, also while it waits for a response of the browser.

        A page whose script never ends answers nothing, and Playwright's ``evaluate`` waits for ever. What waits in spite of
        ``late`` is given up.
        """
        timers: list[asyncio.TimerHandle] = []

        def end() -> None:
            timers.append(self._loop.call_later(CLOSES, self.give_up_commands))
            late()

        timers.append(self._loop.call_later(seconds, end))
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()

    def give_up_commands(self) -> None:
        """Give an error to each command that the driver has not answered.

        Of a page whose renderer dies while it is made, the driver never answers the command that makes it: not when its context
        is closed, and not when the browser is.
        """
        for callback in list(self._connection._callbacks.values()):  # noqa: SLF001
            if not callback.no_reply and not callback.future.done():
                callback.no_reply = True  # should an answer come after all, it is passed over
                callback.future.set_exception(Error("the browser's driver gave no answer"))

    @contextmanager
    def watching(self, watch: Coroutine[Any, Any, None]) -> Iterator[None]:
        """Run ``watch`` in the loop beside the block."""
        task = self._loop.create_task(watch)
        try:
            yield
        finally:
            task.cancel()

    def close_soon(self, context: BrowserContext) -> None:
        """Close ``context`` from an event handler or a timer: whatever waits for one of its pages gets an error then."""
        closing = self._loop.create_task(context._impl_obj.close())  # noqa: SLF001
        closing.add_done_callback(lambda task: task.cancelled() or task.exception())

    def wake(self) -> None:
        """Wake the sleeper."""
        self._awake = True
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    def wake_from_thread(self) -> None:
        """Wake the sleeper from another thread."""
        self._loop.call_soon_threadsafe(self.wake)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call it after so many seconds, as an event handler. It must not call Playwright."""
        self._loop.call_later(seconds, self.guarded(call))

    def later(self, seconds: float, route: Route) -> None:
        """Let a request that is held go on after so many seconds, without holding anything else."""

        async def go_on() -> None:
            with contextlib.suppress(Error):  # the page went away with the request
                await route._impl_obj.fallback()  # noqa: SLF001 - the sync call would hold the loop's fiber

        def start() -> None:
            task = self._loop.create_task(go_on())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._loop.call_later(seconds, start)

    def guarded(self, handler: Callable[P, None]) -> Callable[P, None]:
        """``handler`` as an event handler: its errors reach the sleeper instead of Playwright's loop, and it wakes the sleeper."""

        def handle(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                handler(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - handed on to the sleeper
                self._failure = self._failure or error
            self.wake()

        # Playwright looks at each handler's parameters before each call; 0.2 ms a chat when it has to find them out.
        handle.__signature__ = _ANY  # type: ignore[attr-defined]
        return handle

    def sleep(self, seconds: float) -> None:
        """Handle events until one beats, at most ``seconds``. Raises what a guarded handler raised."""
        if not self._awake:
            self._until_woken(max(seconds, 0.0))
        self._awake = False
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _until_woken(self, seconds: float) -> None:
        """As Playwright's sync calls wait. They note the stack of each call besides, which took 1.5 ms of a chat's 18 of Python."""
        if self._loop.is_closed():
            raise Error("the browser's driver has ended")
        sleeper = self._sleeper = self._loop.create_future()
        timer = self._loop.call_later(seconds, self.wake)
        try:
            wait_for_future(self._loop, self._dispatcher, sleeper)
        finally:
            timer.cancel()
            self._sleeper = None


class _Lane:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.wait: Wait | None = None
        self.deadline = 0.0
        self.next_poll = 0.0
        self.failure: Exception | None = None
        """What looking at the page raised: it is the lane's own, which then ends; the others go on."""

    def ready(self, now: float) -> bool:
        wait = self.wait
        if wait is None:
            return True
        if wait.poll is not None and now >= self.next_poll:
            self.next_poll = now + wait.poll
        elif wait.asks_page:
            return False
        return self._holds(wait)

    def _holds(self, wait: Wait) -> bool:
        try:
            return wait.until()
        except Exception as error:  # noqa: BLE001 - thrown into the lane
            self.failure = error
            return True

    def advance(self, now: float) -> bool:
        """One step; False when the lane has ended."""
        try:
            late = self.failure is None and self.wait is not None and now >= self.deadline
            if late and self.wait is not None and not self._holds(self.wait):
                wait = self.steps.throw(self.wait.late())
            elif self.failure is not None:
                failure, self.failure = self.failure, None
                wait = self.steps.throw(failure)
            else:
                wait = next(self.steps)
        except StopIteration:
            return False
        self.wait = wait
        began = time.monotonic()
        self.deadline = began + wait.timeout
        self.next_poll = began
        return True


def run_lanes(
    lanes: Mapping[K, Steps],
    waiter: EventWaiter,
    stop: Callable[[], bool] = lambda: False,
    ended: Callable[[K], Mapping[K, Steps]] = lambda _: {},
    guard: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Advance all lanes until each has ended, or ``stop()`` holds (then every lane is closed where it is).

    ``ended`` is called with the key of a lane that has ended; the lanes that it returns are advanced too.
    Each step is taken inside ``guard()``. A lane handles its own `HarnessError`; whatever else escapes one ends the run.
    """
    running = {number: _Lane(steps) for number, steps in lanes.items()}
    try:
        while running and not stop():
            advanced = False
            for number, lane in list(running.items()):
                now = time.monotonic()
                with guard():
                    ready = lane.ready(now) or now >= lane.deadline
                    goes_on = not ready or lane.advance(time.monotonic())
                advanced = advanced or ready
                if not goes_on:
                    del running[number]
                    running |= {key: _Lane(steps) for key, steps in ended(number).items()}
                if stop():
                    break
            if running and not advanced:
                waiter.sleep(_until_next(running))
    finally:
        for lane in running.values():
            lane.steps.close()


def _until_next(running: Mapping[K, _Lane]) -> float:
    """Seconds until some lane must be looked at without an event."""
    moments = [lane.deadline for lane in running.values()]
    moments += [
        lane.next_poll for lane in running.values() if lane.wait is not None and lane.wait.poll is not None
    ]
    return min(moments) - time.monotonic()
