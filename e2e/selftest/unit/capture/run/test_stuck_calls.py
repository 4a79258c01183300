"""Calls to the browser that do not return: their context is closed, and the reason is raised in place of what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from playwright.sync_api import Error

from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.capture.scheduling.stuck_calls import MARK, returning
from e2e.errors import CaptureIncomplete


class Loop(EventWaiter):
    """Of a waiter what watches calls: a loop, and what is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self.closed: list[Any] = []
        self.calls_end = asyncio.Event()

    deaf = False
    """What waits does not notice that its context is closed."""

    def close_soon(self, context: Any) -> None:
        self.closed.append(context)
        if not self.deaf:
            self.calls_end.set()

    def give_up_commands(self) -> None:
        self.closed.append("given up")
        self.calls_end.set()

    def call(self, seconds: float, marked: bool = True) -> None:
        """A call of the sync API that returns after so many seconds, or raises when the context is closed."""

        async def wait() -> None:
            await asyncio.wait_for(self.calls_end.wait(), seconds)
            raise ConnectionError("closed")

        async def run() -> None:
            task = asyncio.ensure_future(wait())
            if marked:
                setattr(task, MARK, [])
            await task

        self._loop.run_until_complete(run())


@contextmanager
def guarded(loop: Loop, seconds: float, held: Callable[[], bool] = lambda: False) -> Any:
    try:
        with returning(cast(Any, "context"), loop, seconds, held):
            yield
    finally:
        loop._loop.run_until_complete(asyncio.sleep(0))
        loop._loop.close()


def test_a_call_that_does_not_return_closes_the_context() -> None:
    loop = Loop()
    with (
        pytest.raises(CaptureIncomplete, match=r"a page did not respond for 0\.1 s") as error,
        guarded(loop, 0.1),
    ):
        loop.call(5)
    assert error.value.hint.startswith("a script of the page may loop for ever, or write to the console")
    assert loop.closed == ["context"]


def test_a_call_that_does_not_notice_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver never answers the command that makes a page whose renderer dies meanwhile."""
    monkeypatch.setattr("e2e.capture.scheduling.stuck_calls.CLOSES", 0.1)
    loop = Loop()
    loop.deaf = True
    with pytest.raises(CaptureIncomplete, match="a page did not respond"), guarded(loop, 0.1):
        loop.call(5)
    assert loop.closed == ["context", "given up"]


def unanswered(loop: asyncio.AbstractEventLoop) -> tuple[EventWaiter, Any, Any]:
    """A waiter whose driver has not answered one command; the command; and one that nobody waits for."""
    waiting = SimpleNamespace(future=loop.create_future(), no_reply=False)
    silent = SimpleNamespace(future=loop.create_future(), no_reply=True)
    connection = SimpleNamespace(
        _transport=SimpleNamespace(on_error_future=None), _callbacks={1: waiting, 2: silent}
    )
    playwright: Any = SimpleNamespace(
        _loop=loop, _impl_obj=SimpleNamespace(_connection=connection), _dispatcher_fiber=None
    )
    return EventWaiter(playwright), waiting, silent


def test_what_waits_in_spite_of_the_limit_gets_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2e.capture.scheduling.scheduler.CLOSES", 0.05)
    loop, late = asyncio.new_event_loop(), list[bool]()
    waiter, waiting, silent = unanswered(loop)
    with waiter.at_most(0.02, lambda: late.append(True)), pytest.raises(Error, match="gave no answer"):
        loop.run_until_complete(asyncio.wait_for(waiting.future, 5))
    assert (late, waiting.no_reply, silent.future.done()) == ([True], True, False)
    loop.close()


def test_what_ends_in_time_is_left_alone() -> None:
    loop = asyncio.new_event_loop()
    waiter, waiting, _ = unanswered(loop)
    with waiter.at_most(0.02, lambda: None):
        loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0.05))
    assert not waiting.future.done()
    loop.close()


def test_the_reason_is_raised_where_the_error_was_handled_inside() -> None:
    loop = Loop()
    with pytest.raises(CaptureIncomplete), guarded(loop, 0.1), pytest.raises(ConnectionError):
        loop.call(5)


def test_many_short_calls_and_errors_of_their_own_are_left_alone() -> None:
    loop = Loop()
    with guarded(loop, 0.2):
        for _ in range(6):
            with pytest.raises(TimeoutError):
                loop.call(0.05)
    assert loop.closed == []


def test_a_dialog_that_a_user_has_open_counts_for_nothing() -> None:
    loop = Loop()
    with pytest.raises(TimeoutError), guarded(loop, 0.1, lambda: True):
        loop.call(0.3)
    assert loop.closed == []


def test_the_mark_is_the_one_of_the_sync_api() -> None:
    """Playwright sets it where a call waits; without it no call would be found."""
    import inspect

    from playwright._impl._sync_base import SyncBase

    assert f'"{MARK}"' in inspect.getsource(SyncBase._sync)
