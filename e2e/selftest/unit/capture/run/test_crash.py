"""The browser is killed after so many chats, by the means that its engine has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Error

from e2e.capture.run import crash

CHAT: Any = "a chat"


@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_it_dies_once_after_its_chats(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []

    class Calls:
        def __init__(self, wake: Any) -> None:
            wake()

        def start(self, *call: Any) -> None:
            done.append(call)

    def close() -> None:
        done.append("closed")
        raise Error("it is gone")

    monkeypatch.setattr(crash, "Calls", Calls)
    browser: Any = SimpleNamespace(
        browser_type=SimpleNamespace(name=name), new_browser_cdp_session=lambda: "session", close=close
    )
    watch = crash.crash_after(browser, 2)
    watch(CHAT)
    assert done == []
    watch(CHAT)
    watch(CHAT)
    assert done == [("session", "send", "Browser.crash") if name == "chromium" else "closed"]
