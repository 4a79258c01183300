"""A clock that somebody set is noticed, and stays noticed when it is set back."""

from __future__ import annotations

import time

import pytest

from e2e.capture.lane.clock import Clock


def test_a_jump_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real, by = time.time, [0.0]
    monkeypatch.setattr("time.time", lambda: real() + by[0])
    clock = Clock()
    assert clock.jump == ""
    by[0] = 0.5
    assert clock.jump == ""
    by[0] = -3600.0
    assert clock.jump == "the clock of this machine jumped by -3600 s"
    by[0] = 0.0
    assert clock.jump == "the clock of this machine jumped by -3600 s"
