"""The tabs of a lane's window: each is closed by itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Error

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


def test_a_window_whose_page_could_not_be_opened_has_none() -> None:
    """kill -9 of a renderer at the begin: its lane looked for the page to draw a picture of it."""

    def new_page() -> None:
        raise Error("BrowserContext.new_page: Target crashed")

    context = SimpleNamespace(new_page=new_page)
    run_context: Any = SimpleNamespace(
        profile=None,
        browser=SimpleNamespace(new_context=lambda **_: context),
        open_contexts=[],
        network_service=SimpleNamespace(watch=lambda: None),
        wire="cdp",
    )
    recorder: Any = SimpleNamespace(chats=SimpleNamespace(lost_sight=None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Window, "_arguments", lambda _: {})
        patch.setattr("e2e.capture.lane.window._account", lambda *_: None)
        window = Window(run_context, recorder, 0)
    with pytest.raises(Error, match="Target crashed"):
        window.open()
    assert window.page is None
