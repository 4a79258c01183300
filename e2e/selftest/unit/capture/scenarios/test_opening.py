"""How long New Chat is waited for, and what a run learns of it: on a clock of its own, without a browser."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from e2e.capture.scenarios import opening
from e2e.capture.scenarios.habits import Habits, Learned
from e2e.capture.scenarios.lane_context import LaneContext
from e2e.pages.waits import Steps

QUIET, ACTION = 0.15, 5.0


@dataclass
class Scene:
    """A page whose store rotates ``takes`` seconds after the click (None: never), once per click, one after the other."""

    monkeypatch: pytest.MonkeyPatch
    takes: float | None
    socket: bool = False
    answers_after: float | None = None
    habits: Habits = field(default_factory=Habits)
    now: float = 100.0

    def __post_init__(self) -> None:
        self.monkeypatch.setattr(
            opening, "time", SimpleNamespace(monotonic=lambda: self.now, time=lambda: self.now)
        )

    def cast(self, *, watched: bool = True) -> Any:
        timeouts = SimpleNamespace(idle=QUIET, action=ACTION, reply=30.0, ready=10.0)
        store = SimpleNamespace(readable=watched, rotated=False, rotated_at=0.0, current=None)
        recorder = SimpleNamespace(
            store=store, last_signal=0.0, loads=1, chat=SimpleNamespace(began=self.now), tab=0
        )
        policy = SimpleNamespace(tabs="share", reload="keeps")
        return SimpleNamespace(
            profile=SimpleNamespace(timeouts=timeouts, policy=policy),
            recorder=recorder,
            wire=SimpleNamespace(in_flight={}, loading={}, last_sent=0.0, frame_sent=0.0, frame_received=0.0),
            habits=self.habits,
            watches=True,
            waits_for_rotation=watched,
            acted_at=0.0,
            rotations=0,
            loads=1,
        )

    def click(self, *, clicks: int = 1, also_quiet: bool = False, watched: bool = True) -> tuple[float, Any]:
        """How long one New Chat was waited for, and the context after it."""
        context = self.cast(watched=watched)
        context.acted_at, context.rotations = self.now, clicks
        began = self.now
        if self.socket:
            context.wire.frame_sent = self.now
        self._pass(opening.settled(cast(LaneContext, context)), context, began)
        if also_quiet:
            self._pass(opening.quiet(cast(LaneContext, context)), context, began)
        self.now += 1
        return self.now - 1 - began, context

    def _pass(self, steps: Steps, context: Any, began: float) -> None:
        store, wire = context.recorder.store, context.wire
        for wait in steps:
            until = self.now + wait.timeout
            while not wait.until():
                assert self.now < until
                self.now += 0.01
                for n in range(1, 3):
                    at = began + n * (self.takes or 0)
                    if (
                        self.takes is not None
                        and self.now >= at > store.rotated_at
                        and n <= self.due(context)
                    ):
                        store.rotated, store.rotated_at = True, at
                        context.recorder.last_signal = self.now
                if self.answers_after is not None and self.now >= began + self.answers_after:
                    wire.frame_received = max(wire.frame_received, began + self.answers_after)

    @staticmethod
    def due(context: Any) -> int:
        return max(1, int(context.rotations))


class TestNewChat:
    @pytest.mark.parametrize("takes", [0.5, 2.0])
    def test_a_slow_rotation_is_waited_for_from_the_first_chat_on(
        self, monkeypatch: pytest.MonkeyPatch, takes: float
    ) -> None:
        scene = Scene(monkeypatch, takes)
        for _ in range(3):
            waited, after = scene.click()
            assert after.recorder.store.rotated
            assert waited == pytest.approx(takes, abs=0.05)
        assert scene.habits.rotation.longest == pytest.approx(takes, abs=0.05)

    def test_a_fast_one_costs_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert Scene(monkeypatch, 0.0).click()[0] < 0.05

    def test_a_target_that_never_rotates_costs_one_timeout(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scene = Scene(monkeypatch, None)
        waits = [scene.click()[0] for _ in range(4)]
        assert waits[0] == pytest.approx(ACTION, abs=0.1)
        assert all(waited < 2 * QUIET for waited in waits[1:])

    def test_one_that_sometimes_does_not_rotate_is_believed_after_two(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene = Scene(monkeypatch, 0.5)
        scene.click()
        scene.takes = None
        waits = [scene.click()[0] for _ in range(4)]
        assert [round(waited) for waited in waits[:2]] == [5, 5]
        assert all(waited < 1.5 for waited in waits[2:])

    def test_two_clicks_are_waited_for_until_both_have_rotated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scene = Scene(monkeypatch, 0.5)
        scene.click()
        waited, after = scene.click(clicks=2, also_quiet=True)
        assert after.recorder.store.rotated_at == pytest.approx(scene.now - 1 - waited + 1.0, abs=0.05)
        assert waited >= 1.0
        assert scene.habits.rotation.longest == pytest.approx(0.5, abs=0.05)

    def test_without_a_store_an_answer_to_its_frame_is_waited_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene = Scene(monkeypatch, None, socket=True, answers_after=0.6)
        assert scene.click(watched=False)[0] >= 0.6

    def test_frames_that_nobody_answers_cost_one_timeout(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scene = Scene(monkeypatch, None, socket=True)
        waits = [scene.click(watched=False)[0] for _ in range(3)]
        assert waits[0] == pytest.approx(ACTION, abs=0.1)
        assert all(waited < 2 * QUIET for waited in waits[1:])


class TestLearned:
    def test_the_longest_counts(self) -> None:
        learned = Learned()
        for seconds in (0.2, 0.7, 0.1):
            learned.add(seconds)
        for _ in range(2):
            learned.add_missing(5, 5)
        assert learned.longest_wait(0.15, 5) == pytest.approx(1.55)

    def test_a_wait_that_was_cut_short_shows_nothing(self) -> None:
        learned = Learned()
        learned.add_missing(0.3, 5)
        assert learned.longest_wait(0.15, 5) == 5


def test_a_page_out_of_the_cache_has_none_of_its_sockets_and_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch, takes=None)
    context = scene.cast(watched=False)
    context.wire.sockets, context.wire.look_again = {"s1": "ws://chat.example/socket"}, lambda: None
    context.recorder.restores, context.recorder.note = 0, lambda *_, **__: None
    left: list[float] = []
    context.wire.left_page = left.append
    began = scene.now

    def go_back() -> Steps:
        context.recorder.restores += 1
        yield from ()

    context.page = SimpleNamespace(leave=lambda: iter(()), go_back=go_back)
    for wait in opening.away_and_back(cast(LaneContext, context)):
        while not wait.until():
            scene.now += 0.01
    assert context.wire.sockets == {}
    assert left == [began]


@pytest.mark.parametrize(("shown", "read"), [("Welcome!", ["Welcome!"]), ("", []), (None, [])])
def test_what_the_first_chat_shows_is_its_greeting(shown: str | None, read: list[str]) -> None:
    kept: list[str] = []

    def conversing() -> Generator[None, None, str | None]:
        yield from ()
        return shown

    context = SimpleNamespace(
        page=SimpleNamespace(conversing=conversing), recorder=SimpleNamespace(greeting=kept.append)
    )
    assert list(opening.greeting(cast(LaneContext, context))) == []
    assert kept == read
