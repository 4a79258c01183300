"""No lane sends faster than the target allows, and no run sends more."""

from __future__ import annotations

import pytest

from e2e.capture.scheduling.pace import Pace, affordable
from e2e.profile.profile import Limits


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_without_a_limit_every_message_goes_at_once(clock: list[float]) -> None:
    free = Pace(Limits())
    assert [free.book() for _ in range(3)] == [100.0, 100.0, 100.0]


def test_messages_keep_their_distance(clock: list[float]) -> None:
    slow = Pace(Limits(requests_per_minute=30))
    assert [slow.book() for _ in range(3)] == [100.0, 102.0, 104.0]
    clock[0] = 200.0
    assert slow.book() == 200.0, "what was not used is not saved up"
    assert slow.book() == 202.0


def test_a_pause_holds_all_lanes(clock: list[float]) -> None:
    shared = Pace(Limits())
    shared.pause(5)
    shared.pause(1)
    assert shared.book() == 105.0


@pytest.mark.parametrize(
    ("chats", "lanes", "budget", "more", "expected"),
    [
        (20, 4, None, 2, 20),
        (20, 4, 100, 2, 20),
        (20, 4, 20, 2, 12),
        (20, 4, 20, 0, 20),
        (5, 4, 1, 2, 1),
        (1, 4, 3, 2, 1),
    ],
)
def test_the_budget_bounds_the_chats(
    chats: int, lanes: int, budget: int | None, more: int, expected: int
) -> None:
    assert affordable(chats, lanes, Limits(messages=budget), more=more) == expected
