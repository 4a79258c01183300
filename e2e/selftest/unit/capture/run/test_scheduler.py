"""Lanes side by side: whoever has what it waits for goes on, whoever waits too long is named, and nobody is left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from e2e.capture.scheduling import scheduler
from e2e.capture.scheduling.scheduler import EventWaiter, run_lanes
from e2e.errors import CaptureIncomplete
from e2e.pages.waits import Steps, Wait


class World:
    """The clock, and what happens when: sleeping goes on to the next event or to the sleeper's own time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.at: dict[float, Callable[[], None]] = {}
        self.naps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """A waiter: ends early when something happens."""
        assert len(self.naps) < 1000, "the lanes sleep for ever"
        until = self.now + max(seconds, 0.0)
        happens = min((t for t in self.at if t <= until), default=None)
        self.naps.append(round(seconds, 6))
        self.now = until if happens is None else happens
        if happens is not None:
            self.at.pop(happens)()

    def run(self, *lanes: Steps, stop: Callable[[], bool] = lambda: False) -> None:
        run_lanes(dict(enumerate(lanes)), cast(EventWaiter, self), stop)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(scheduler, "time", world)
    return world


def late(what: str = "late") -> Callable[[], CaptureIncomplete]:
    return lambda: CaptureIncomplete(what)


def test_lanes_that_begin_when_another_has_ended_are_advanced_too(world: World) -> None:
    log: list[str] = []

    def lane(name: str) -> Steps:
        log.append(name)
        yield Wait(lambda: True, 1, late())
        log.append(f"{name} ended")

    after = {"first": {"second": lane("second"), "third": lane("third")}}
    run_lanes({"first": lane("first")}, cast(EventWaiter, world), ended=lambda key: after.pop(key, {}))
    assert log == ["first", "first ended", "second", "third", "second ended", "third ended"]


class TestTurns:
    def test_lanes_that_wait_for_nothing_take_turns(self, world: World) -> None:
        log: list[str] = []

        def lane(name: str) -> Steps:
            for n in range(3):
                log.append(f"{name}{n}")
                yield Wait(lambda: True, 1, late())

        world.run(lane("a"), lane("b"))
        assert log == ["a0", "b0", "a1", "b1", "a2", "b2"]
        assert world.naps == []

    def test_a_lane_that_waits_holds_up_no_other(self, world: World) -> None:
        log: list[str] = []
        here: set[str] = set()

        def slow() -> Steps:
            yield Wait(lambda: "it" in here, 10, late())
            log.append("slow")

        def fast() -> Steps:
            for n in range(3):
                log.append(f"fast{n}")
                yield Wait(lambda: True, 1, late())

        world.at[103.0] = lambda: here.add("it")
        world.run(slow(), fast())
        assert log == ["fast0", "fast1", "fast2", "slow"]
        assert world.now == 103.0

    def test_an_event_is_looked_at_when_it_comes_and_not_before(self, world: World) -> None:
        here: set[str] = set()
        world.at[101.0] = lambda: None  # an event of something else
        world.at[102.0] = lambda: here.add("it")

        def lane() -> Steps:
            yield Wait(lambda: "it" in here, 10, late())

        world.run(lane())
        assert world.naps == [10.0, 9.0]

    def test_a_lane_may_end_without_any_wait(self, world: World) -> None:
        def lane() -> Steps:
            yield from ()

        world.run(lane(), lane())
        assert world.naps == []

    def test_no_lanes_no_run(self, world: World) -> None:
        world.run()
        assert world.naps == []


class TestTimeouts:
    def test_who_waits_too_long_gets_the_waits_own_error(self, world: World) -> None:
        reported: list[str] = []

        def lane() -> Steps:
            try:
                yield Wait(lambda: False, 5, late("no reply"))
            except CaptureIncomplete as error:
                reported.append(error.what)

        world.run(lane())
        assert reported == ["no reply"]
        assert world.now == 105.0

    def test_the_error_is_made_when_it_is_late(self, world: World) -> None:
        # `late()` notes the timeout in the chat: for a reply that came it must not be asked
        made: list[str] = []

        def note() -> CaptureIncomplete:
            made.append("made")
            return CaptureIncomplete("late")

        def lane() -> Steps:
            yield Wait(lambda: True, 5, note)

        world.run(lane())
        assert made == []

    def test_a_lane_may_go_on_after_it(self, world: World) -> None:
        log: list[str] = []

        def lane() -> Steps:
            try:
                yield Wait(lambda: False, 5, late())
            except CaptureIncomplete:
                yield Wait(lambda: world.now >= 107, 5, late(), poll=1)
            log.append("went on")

        world.run(lane())
        assert log == ["went on"]
        assert world.now == 107.0

    def test_what_came_at_the_last_moment_came(self, world: World) -> None:
        log: list[str] = []

        def lane() -> Steps:
            yield Wait(lambda: world.now >= 105, 5, late())
            log.append("came")

        world.run(lane())
        assert log == ["came"]

    def test_each_lane_has_its_own_time(self, world: World) -> None:
        log: list[tuple[str, float]] = []

        def lane(name: str, seconds: float) -> Steps:
            try:
                yield Wait(lambda: False, seconds, late())
            except CaptureIncomplete:
                log.append((name, world.now))

        world.run(lane("a", 7), lane("b", 3))
        assert log == [("b", 103.0), ("a", 107.0)]

    def test_the_time_runs_from_the_wait_on_and_not_from_the_lanes_turn(self, world: World) -> None:
        log: list[float] = []

        def lane() -> Steps:
            world.now += 4  # a click that took its time
            try:
                yield Wait(lambda: False, 5, late())
            except CaptureIncomplete:
                log.append(world.now)

        world.run(lane())
        assert log == [109.0]


class TestPolls:
    def test_a_poll_asks_every_so_often(self, world: World) -> None:
        requested: list[float] = []

        def until() -> bool:
            requested.append(world.now)
            return world.now >= 101

        def lane() -> Steps:
            yield Wait(until, 10, late(), poll=0.25)

        world.run(lane())
        assert requested == [100.0, 100.25, 100.5, 100.75, 101.0]

    @pytest.mark.parametrize(("asks_page", "requested"), [(True, 2), (False, 5)])
    def test_a_question_to_the_page_is_not_asked_at_every_event(
        self, world: World, asks_page: bool, requested: int
    ) -> None:
        count = 0

        def until() -> bool:
            nonlocal count
            count += 1
            return world.now >= 101

        for n in range(3):
            world.at[100.1 + n / 10] = lambda: None

        def lane() -> Steps:
            yield Wait(until, 10, late(), poll=1, asks_page=asks_page)

        world.run(lane())
        assert count == requested

    def test_without_polls_the_sleep_is_to_the_nearest_deadline(self, world: World) -> None:
        def lane(seconds: float, poll: float | None) -> Steps:
            try:
                yield Wait(lambda: False, seconds, late(), poll=poll)
            except CaptureIncomplete:
                return

        world.run(lane(9, None), lane(4, None), lane(2, 1.5))
        assert world.naps == [1.5, 0.5, 2.0, 5.0]


class TestStop:
    def test_every_lane_is_closed_where_it_stands(self, world: World) -> None:
        log: list[str] = []

        def lane(name: str) -> Steps:
            try:
                yield Wait(lambda: False, 60, late())
            finally:
                log.append(name)

        stopped: set[str] = set()
        world.at[101.0] = lambda: stopped.add("Ctrl-C")
        world.run(lane("a"), lane("b"), stop=lambda: bool(stopped))
        assert log == ["a", "b"]
        assert world.now == 101.0

    def test_no_lane_takes_a_step_after_it(self, world: World) -> None:
        log: list[str] = []

        def lane(name: str) -> Steps:
            log.append(name)
            yield Wait(lambda: True, 1, late())
            log.append(name)

        world.run(lane("a"), lane("b"), stop=lambda: "a" in log)
        assert log == ["a"]

    def test_a_run_that_was_stopped_before_it_began_begins_nothing(self, world: World) -> None:
        log: list[str] = []

        def lane() -> Steps:
            log.append("began")
            yield Wait(lambda: True, 1, late())

        world.run(lane(), stop=lambda: True)
        assert log == []


class TestErrors:
    def test_what_a_lane_does_not_handle_ends_the_run(self, world: World) -> None:
        log: list[str] = []

        def broken() -> Steps:
            yield Wait(lambda: True, 1, late())
            raise RuntimeError("broken")

        def other() -> Steps:
            try:
                yield Wait(lambda: False, 60, late())
            finally:
                log.append("closed")

        with pytest.raises(RuntimeError, match="broken"):
            world.run(broken(), other())
        assert log == ["closed"]

    def test_a_timeout_that_nobody_handles_does_too(self, world: World) -> None:
        def lane() -> Steps:
            yield Wait(lambda: False, 1, late("no reply"))

        with pytest.raises(CaptureIncomplete, match="no reply"):
            world.run(lane())

    def test_an_error_of_an_event_handler_does_too(self, world: World) -> None:
        log: list[str] = []

        def fail() -> None:
            raise RuntimeError("in a handler")

        def lane() -> Steps:
            try:
                yield Wait(lambda: False, 60, late())
            finally:
                log.append("closed")

        world.at[101.0] = fail
        with pytest.raises(RuntimeError, match="in a handler"):
            world.run(lane())
        assert log == ["closed"]


def test_what_a_look_at_the_page_raises_is_thrown_into_its_lane_alone(world: World) -> None:
    seen: list[str] = []

    def looks() -> Steps:
        def look() -> bool:
            raise ValueError("no page")

        try:
            yield Wait(look, 5, late())
        except ValueError as error:
            seen.append(str(error))

    def other() -> Steps:
        yield Wait(lambda: len(seen) > 0, 5, late())
        seen.append("went on")

    world.run(looks(), other())
    assert seen == ["no page", "went on"]
