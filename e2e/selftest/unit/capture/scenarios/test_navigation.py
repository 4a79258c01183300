"""What the scenarios do that load the page again, or leave it: without a browser."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from e2e.capture.scenarios import navigation, opening, turns
from e2e.capture.scenarios.lane_context import LaneContext
from e2e.pages.waits import Steps


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, in order."""
    found: list[str] = []

    def noting(name: str) -> Any:
        def step(_: object, **options: object) -> Steps:
            found.append(" ".join([name, *(f"{key}={value}" for key, value in options.items())]))
            yield from ()

        return step

    for module, name in (
        (opening, "new_chat"),
        (opening, "reload"),
        (opening, "away_and_back"),
        (turns, "message"),
    ):
        monkeypatch.setattr(module, name, noting(name))
    return found


def play(scenario: Any, done: list[str]) -> None:
    recorder = SimpleNamespace(end_chat=lambda: done.append("end"))
    assert list(scenario(cast(LaneContext, SimpleNamespace(recorder=recorder)))) == []


def test_back_and_forward_leave_one_chat_inside_it_and_one_before_its_first_message(done: list[str]) -> None:
    play(navigation.back_forward, done)
    assert done == [
        "new_chat", "message", "away_and_back", "message after=back", "end",
        "new_chat", "away_and_back forward=True", "message after=back", "end",
    ]  # fmt: skip


def test_reload_is_played_inside_a_chat_and_before_its_first_message(done: list[str]) -> None:
    play(navigation.reload, done)
    assert done == [
        "new_chat", "message", "reload", "message after=reload", "end",
        "new_chat", "reload", "message after=reload", "end",
    ]  # fmt: skip
