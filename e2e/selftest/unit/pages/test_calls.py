"""Commands to the browser that are under way while other lanes go on: their order, their ends, their errors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.sync_api import Error

from e2e.errors import CaptureIncomplete
from e2e.pages.calls import Call, Calls, Question, over


class Api:
    """An object as Playwright's sync API has them: its methods hand a coroutine to ``_sync``, which waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.sent: list[str] = []

    def _sync(self, command: Any) -> Any:
        return self._loop.run_until_complete(command)

    def evaluate(self, what: str) -> Any:
        return self._sync(self._send(what))

    async def _send(self, what: str) -> str:
        self.sent.append(what)
        await asyncio.sleep(0)
        if what == "bad":
            raise Error("the page is gone")
        return what.upper()


@pytest.fixture
def api() -> Any:
    loop = asyncio.new_event_loop()
    yield Api(loop)
    loop.close()


def test_commands_go_out_in_their_order_and_none_waits_for_another(api: Api) -> None:
    ends: list[str] = []
    calls = Calls(lambda: ends.append("woken"))
    started = [calls.start(api, "evaluate", what, then=lambda c: ends.append(c.result())) for what in "ab"]
    assert not any(call.over for call in started)
    api._loop.run_until_complete(asyncio.sleep(0.01))
    assert api.sent == ["a", "b"]
    assert [call.result() for call in started] == ["A", "B"]
    assert ends == ["A", "woken", "B", "woken"]


def test_the_error_of_a_command_is_raised_where_its_result_is_read(api: Api) -> None:
    calls = Calls(lambda: None)
    call = calls.start(api, "evaluate", "bad")
    api._loop.run_until_complete(asyncio.sleep(0.01))
    assert call.failed
    with pytest.raises(Error, match="the page is gone"):
        list(over([call], 1, "a look at the page"))


def test_an_error_of_what_follows_a_command_reaches_the_guard(api: Api) -> None:
    """Nobody else would see it: asyncio only logs it."""
    caught: list[Exception] = []

    def guard(then: Any) -> Any:
        def guarded(call: Call) -> None:
            try:
                then(call)
            except ValueError as error:
                caught.append(error)

        return guarded

    def bad(_: Call) -> None:
        raise ValueError("no reply of this kind")

    Calls(lambda: None, guard).start(api, "evaluate", "a", then=bad)
    api._loop.run_until_complete(asyncio.sleep(0.01))
    assert [str(error) for error in caught] == ["no reply of this kind"]


def test_without_a_loop_to_wake_a_command_is_over_at_once(api: Api) -> None:
    call = Calls().start(api, "evaluate", "a")
    assert call.over
    assert call.result() == "A"
    assert list(over([call], 1, "it")) == []


def test_a_command_that_does_not_end_is_a_harness_error(api: Api) -> None:
    waiting = over([Calls(lambda: None).start(api, "evaluate", "a")], 2, "a look at the page")
    wait = next(waiting)
    assert (wait.until(), wait.timeout) == (False, 2)
    with pytest.raises(CaptureIncomplete, match="a look at the page did not end within 2 s"):
        waiting.throw(wait.late())
    api._loop.run_until_complete(asyncio.sleep(0.01))


def test_a_question_is_asked_again_only_after_its_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("e2e.pages.calls.time.monotonic", lambda: now)
    requested: list[Call] = []

    def ask() -> list[Call]:
        requested.append(Call())
        return requested[-1:]

    question = Question(ask, 0.02)
    assert [question(), question(), len(requested)] == [False, False, 1]
    requested[0].end(False)
    assert [question(), question(), len(requested)] == [False, False, 1]
    now += 0.02
    assert [question(), len(requested)] == [False, 2]
    requested[1].end(True)
    assert question()
