"""The tabs of a lane's window: each is closed by itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.lane.window import Window


def test_the_second_tab_has_a_recorder_beside_the_first_and_closes_its_own_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[str] = []

    def tab(_: Window, recorder: str) -> Any:
        page = SimpleNamespace(close=lambda: closed.append(recorder))
        return SimpleNamespace(page=SimpleNamespace(page=page), recorder=recorder, close=None)

    monkeypatch.setattr(Window, "_tab", tab)
    window: Any = Window.__new__(Window)
    window._recorder = type("Recorder", (str,), {"beside": lambda self: f"beside {self}"})("first")
    first = window.open()
    assert window.page is first.page
    second = first.open_tab()
    assert second.recorder == "beside first"
    second.close()
    assert closed == ["beside first"]
