"""The waiter inside Playwright's event loop: what wakes it, what it raises, and what it runs beside a block. No browser."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Error

from e2e.capture.scheduling import scheduler
from e2e.capture.scheduling.scheduler import EventWaiter

LONG = 20.0
"""Seconds that no test waits."""


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    if not loop.is_closed():
        loop.close()


@pytest.fixture
def ended(loop: asyncio.AbstractEventLoop) -> asyncio.Future[Any]:
    return loop.create_future()


@pytest.fixture
def waiter(
    loop: asyncio.AbstractEventLoop, ended: asyncio.Future[Any], monkeypatch: pytest.MonkeyPatch
) -> EventWaiter:
    monkeypatch.setattr(
        scheduler, "wait_for_future", lambda loop, _, sleeper: loop.run_until_complete(sleeper)
    )
    transport = SimpleNamespace(on_error_future=ended)
    playwright: Any = SimpleNamespace(
        _loop=loop,
        _dispatcher_fiber=None,
        _impl_obj=SimpleNamespace(_connection=SimpleNamespace(_transport=transport)),
    )
    return EventWaiter(playwright)


def slept(waiter: EventWaiter, seconds: float) -> float:
    began = time.monotonic()
    waiter.sleep(seconds)
    return time.monotonic() - began


class TestSleep:
    def test_it_ends_after_its_time(self, waiter: EventWaiter) -> None:
        assert 0.02 <= slept(waiter, 0.03) < LONG / 2
        assert slept(waiter, -1) < LONG / 2

    def test_what_happened_before_it_ends_it_at_once_and_only_once(self, waiter: EventWaiter) -> None:
        waiter.wake()
        waiter.wake()
        assert slept(waiter, LONG) < LONG / 2
        assert slept(waiter, 0.03) >= 0.02

    def test_an_event_ends_it(self, waiter: EventWaiter, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(0.01, waiter.wake)
        loop.call_later(0.01, waiter.wake)
        assert slept(waiter, LONG) < LONG / 2

    def test_another_thread_may_end_it(self, waiter: EventWaiter) -> None:
        thread = threading.Timer(0.01, waiter.wake_from_thread)
        thread.start()
        assert slept(waiter, LONG) < LONG / 2
        thread.join()

    def test_the_end_of_the_driver_ends_it_and_is_reported(
        self, waiter: EventWaiter, loop: asyncio.AbstractEventLoop, ended: asyncio.Future[Any]
    ) -> None:
        reported: list[str] = []
        waiter.when_driver_ends(lambda: reported.append("first"))
        waiter.when_driver_ends(lambda: reported.append("taken back"))()
        loop.call_later(0.01, ended.set_result, None)
        assert slept(waiter, LONG) < LONG / 2
        assert reported == ["first"]

    def test_after_the_driver_nothing_is_waited_for(
        self, waiter: EventWaiter, loop: asyncio.AbstractEventLoop
    ) -> None:
        loop.close()
        with pytest.raises(Error, match="the browser's driver has ended"):
            waiter.sleep(1)


class TestHandlers:
    def test_a_handler_gets_what_comes_and_wakes_the_sleeper(
        self, waiter: EventWaiter, loop: asyncio.AbstractEventLoop
    ) -> None:
        got: list[Any] = []
        handler = waiter.guarded(lambda a, b=0: got.append((a, b)))
        loop.call_later(0.01, handler, 1)
        assert slept(waiter, LONG) < LONG / 2
        handler(2, b=3)
        assert got == [(1, 0), (2, 3)]

    def test_the_first_error_of_handlers_is_raised_once(self, waiter: EventWaiter) -> None:
        def fails(what: str) -> None:
            raise ValueError(what)

        handler = waiter.guarded(fails)
        handler("first")
        handler("second")
        with pytest.raises(ValueError, match="first"):
            waiter.sleep(LONG)
        assert slept(waiter, 0.03) >= 0.02

    def test_a_call_later_is_a_handler_too(self, waiter: EventWaiter) -> None:
        called: list[float] = []
        began = time.monotonic()
        waiter.after(0.03, lambda: called.append(time.monotonic() - began))
        assert slept(waiter, LONG) < LONG / 2
        assert called[0] >= 0.02


class TestBeside:
    def test_a_block_that_takes_too_long_is_reported_while_it_waits(self, waiter: EventWaiter) -> None:
        reported: list[str] = []
        with waiter.at_most(0.01, lambda: reported.append("late")):
            slept(waiter, 0.05)
        assert reported == ["late"]

    def test_one_that_ended_is_not(self, waiter: EventWaiter) -> None:
        reported: list[str] = []
        with pytest.raises(KeyError), waiter.at_most(0.02, lambda: reported.append("late")):
            raise KeyError
        slept(waiter, 0.05)
        assert reported == []

    def test_something_may_run_beside_a_block_and_ends_with_it(self, waiter: EventWaiter) -> None:
        steps: list[str] = []

        async def watch() -> None:
            try:
                steps.append("began")
                await asyncio.sleep(LONG)
            finally:
                steps.append("over")

        with waiter.watching(watch()):
            slept(waiter, 0.01)
            assert steps == ["began"]
        slept(waiter, 0.01)
        assert steps == ["began", "over"]

    @pytest.mark.parametrize("fails", [False, True])
    def test_a_context_is_closed_soon_and_its_error_ignored(self, waiter: EventWaiter, fails: bool) -> None:
        closed: list[str] = []

        async def close() -> None:
            closed.append("closed")
            if fails:
                raise Error("it was closed before")

        context: Any = SimpleNamespace(_impl_obj=SimpleNamespace(close=close))
        waiter.close_soon(context)
        slept(waiter, 0.01)
        assert closed == ["closed"]

    @pytest.mark.parametrize("fails", [False, True])
    def test_a_request_that_is_held_goes_on_later(self, waiter: EventWaiter, fails: bool) -> None:
        went: list[float] = []
        began = time.monotonic()

        async def fallback() -> None:
            went.append(time.monotonic() - began)
            if fails:
                raise Error("the page went away")

        route: Any = SimpleNamespace(_impl_obj=SimpleNamespace(fallback=fallback))
        waiter.later(0.03, route)
        assert went == []
        limit = began + LONG
        while (not went or waiter._tasks) and time.monotonic() < limit:
            slept(waiter, 0.01)
        assert went[0] >= 0.02
        assert (len(went), waiter._tasks) == (1, set())
