"""How the random test draws, judges and shortens sequences of actions; the browser is a stand-in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from e2e.explore.random_test import machine
from e2e.explore.random_test.judge import TrialResult
from e2e.explore.random_test.machine import ACTIONS, ACTIONS_PER_TRIAL, InvariantBroken, RandomTest
from e2e.selftest.unit.builders import make_run


class _User:
    """Stop is available after begin only, as in a browser."""

    def __init__(self, *_: object) -> None:
        self.last = ""

    @property
    def available_actions(self) -> tuple[str, ...]:
        return tuple(name for name in ACTIONS if name != "stop" or self.last == "begin")

    def perform(self, name: str) -> None:
        assert name in self.available_actions
        self.last = name

    def end_chats(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def performed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The sequences of all trials that were judged. One that contains stop, then new, breaks an invariant."""
    sequences: list[tuple[str, ...]] = []
    end = RandomTest.end_trial

    def judge(*_: object) -> TrialResult:
        sequence = sequences[-1]
        broken = "stop" in sequence and "new" in sequence[sequence.index("stop") :]
        return TrialResult(("two chats share a session",) if broken else (), frozenset())

    def end_trial(test: RandomTest, trial: machine.Trial) -> None:
        sequences.append(tuple(trial.performed))
        end(test, trial)

    monkeypatch.setattr(machine, "User", _User)
    monkeypatch.setattr(machine, "judge", judge)
    monkeypatch.setattr(RandomTest, "end_trial", end_trial)
    return sequences


def _test(seed: int | None, **options: Any) -> RandomTest:
    chosen = {"steps": 4000, "search_seconds": 60.0, "shorten_seconds": 60.0} | options
    return RandomTest(SimpleNamespace(), SimpleNamespace(), make_run(chats=1).meta, seed=seed, **chosen)  # type: ignore[arg-type]


def test_a_failing_sequence_is_shortened_to_the_actions_that_it_needs(
    performed: list[tuple[str, ...]],
) -> None:
    test = _test(1)
    test.run()
    assert test.shortest_failure == (("begin", "stop", "new"), ("two chats share a session",))
    assert test.trials == len(performed)


def test_the_seed_decides_each_trial_from_the_first_on(performed: list[tuple[str, ...]]) -> None:
    firsts = []
    for seed in (1, 1, 2, 3):
        performed.clear()
        _test(seed, steps=10).run()
        firsts.append(performed[0])
    assert firsts[0] == firsts[1]
    assert len(set(firsts)) == 3


def test_without_a_seed_one_is_drawn(performed: list[tuple[str, ...]]) -> None:
    tests = [_test(None, steps=1) for _ in range(2)]
    for test in tests:
        test.run()
    assert tests[0].draw_seed != tests[1].draw_seed


def test_the_budget_of_actions_ends_the_search(performed: list[tuple[str, ...]]) -> None:
    test = _test(5, steps=20)
    test.run()
    assert 20 <= test.steps_done <= 20 + 1  # an action and the message after it
    assert all(len(sequence) <= 2 * ACTIONS_PER_TRIAL for sequence in performed)


def test_no_trial_begins_after_the_time_for_the_search(performed: list[tuple[str, ...]]) -> None:
    test = _test(5, steps=40, search_seconds=-1.0)
    test.run()
    assert performed == []
    assert (test.trials, test.shortest_failure) == (0, None)


def test_exactly_the_named_actions_are_replayed(performed: list[tuple[str, ...]]) -> None:
    test = _test(None)
    with pytest.raises(InvariantBroken, match="two chats share a session"):
        test.replay(["begin", "stop", "stop", "new"])
    assert performed == [("begin", "stop", "new")]  # the second stop is not available
