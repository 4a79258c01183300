"""A turn's end: the reply, the page's own retry, or the refusal that nobody repairs."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.retries import Retries
from e2e.capture.scenarios import turns
from e2e.capture.wire import Exchange
from e2e.errors import Blocked
from e2e.pages.waits import Steps
from e2e.selftest.unit.test_capture_recorder import NEW, OLD, Desk, desk, make_desk
from fixtures.targets.profile import load

__all__ = ["desk", "make_desk"]  # fixtures
TEXT = "Hello there (0a1b2c3d)"


class Turn:
    """One message that was sent, and a page that does what a test wants while its reply is awaited."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.desk = desk
        monkeypatch.setattr(turns, "time", desk.clock)
        profile = load("reference").model_copy(update={"blocked": ()})
        profile = profile.model_copy(
            update={"screen": profile.screen.model_copy(update={"provider": None}), "backend": None}
        )
        profile = profile.model_copy(
            update={"reply": profile.reply.model_copy(update={"gone": None, "shown": None, "settled": None})}
        )
        self.rejected: list[Blocked] = []
        self.cast: Any = SimpleNamespace(
            profile=profile,
            recorder=desk.recorder,
            backend=None,
            rejected=self.rejected.append,
            refusal=lambda: None,
        )
        desk.new_chat()
        desk.recorder.begin_message(TEXT)

    def sends(self, session: str, request: str) -> Exchange:
        return self.desk.payload(session, body=f'{{"text": "{TEXT}"}}', request=request)

    def plays(self, *acts: tuple[float, Callable[[], object]]) -> float:
        """Wait for the reply while the page does its ``acts``, each some seconds after the one before. Returns the seconds."""
        began, todo = self.desk.clock.now, list(acts)
        steps: Steps = self._reply()
        for wait in steps:
            while not wait.until():
                if todo and todo[0][0] <= 0:
                    todo.pop(0)[1]()
                    continue
                self.desk.clock.now += 0.05
                if todo:
                    todo[0] = (todo[0][0] - 0.05, todo[0][1])
                assert self.desk.clock.now - began < wait.timeout + 30
        return self.desk.clock.now - began

    def _reply(self) -> Steps:
        while (exchange := self.desk.recorder.exchange) is not None:
            over = yield from turns._reply(self.cast, exchange)
            if over:
                return


def ends(exchange: Exchange, status: int | None = 200, outcome: str = "ok") -> Callable[[], None]:
    def act() -> None:
        exchange.status, exchange.outcome, exchange.ended_at = status, outcome, 1.0

    return act


@pytest.fixture
def turn(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Turn:
    return Turn(desk, monkeypatch)


@pytest.mark.parametrize(
    ("status", "outcome"), [(502, "ok"), (None, "failed"), (200, "failed"), (429, "ok")], ids=str
)
def test_a_retry_of_the_page_is_part_of_the_turn(turn: Turn, status: int | None, outcome: str) -> None:
    first = turn.sends(NEW, "m-1")

    def again() -> None:
        second = turn.sends(OLD, "m-2")
        ends(second)()

    turn.plays((0.1, ends(first, status, outcome)), (1.0, again))
    (message,) = turn.desk.end().messages
    assert (message.request, message.sent, message.outcome) == ("m-2", turn.desk.ref(OLD), "ok")
    assert [e.data["retry"] for e in turn.desk.events("payload")] == [False, True]


def test_a_message_that_finally_fails_is_blocked(turn: Turn) -> None:
    first = turn.sends(NEW, "m-1")
    with pytest.raises(Blocked):
        turn.plays((0.1, ends(first, 502)))


def test_a_refusal_that_no_page_repairs_costs_nothing_the_second_time(turn: Turn) -> None:
    turn.desk.recorder.chats.answered = True
    took = []
    for request in ("m-1", "m-2"):
        one = turn.sends(NEW, request)
        took.append(turn.plays((0.0, ends(one, 404))))
        turn.desk.recorder.begin_message(TEXT)
    assert took[0] <= turn.cast.profile.timeouts.quiet + 0.1
    assert took[1] < 0.1


def test_a_healthy_turn_does_not_wait(turn: Turn) -> None:
    assert turn.plays((0.1, ends(turn.sends(NEW, "m-1")))) < 0.2


def test_patience_is_learned(turn: Turn) -> None:
    failed = turn.sends(NEW, "m-1")
    failed.status = 503
    habit = Retries()
    assert habit.patience(failed, 0.15, 2.5) == 2.5
    habit.learn(failed, None)
    assert habit.patience(failed, 0.15, 2.5) == 0.15
    habit.learn(failed, 2.0)
    assert habit.patience(failed, 0.15, 2.5) == pytest.approx(4.15)
    habit.learn(failed, 60.0)
    assert habit.patience(failed, 0.15, 2.5) == 10.0
