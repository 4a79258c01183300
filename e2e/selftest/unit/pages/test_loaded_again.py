"""A page that was loaded once more: the chat is opened again where it is closed, and left alone where it is open."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from e2e.pages.chat_page import ChatPage
from e2e.pages.waits import Steps
from e2e.profile.profile import Profile, parse

PROFILE: dict[str, Any] = {
    "name": "x",
    "title": "X",
    "where": {"url": "https://x.example/", "ready": {"css": ".launcher"}},
    "session": {"key": "sid"},
    "steps": {
        "message_box": {"css": "textarea"},
        "open": [{"click": {"css": ".launcher"}}],
        "new_chat": [{"click": {"css": ".new"}}],
    },
    "wire": [
        {"url": "/chat$", "session": "session"},
        {"name": "ws", "transport": "websocket", "url": "/ws$", "session": "s"},
    ],
}


class Page(ChatPage):
    """A chat page without a browser: ``shown`` is what is on the screen after each look."""

    def __init__(self, profile: Profile, shown: set[str], *, opens: bool = True) -> None:
        super().__init__(SimpleNamespace(), profile, "https://x.example/", None)  # type: ignore[arg-type]
        self.shown, self.opens, self.played = shown, opens, 0

    def shows(self, what: Any) -> bool:
        return what.css in self.shown

    def run(self, *_: Any, **__: Any) -> Steps:
        self.played += 1
        if self.opens:
            self.shown.add("textarea")
        yield from ()


def finish(page: Page) -> None:
    for wait in page.loaded_again():
        for _ in range(200_000):
            if wait.until():
                break
        else:
            raise AssertionError("a wait never ends")


@pytest.mark.parametrize(
    ("shown", "played"), [({".launcher"}, 1), ({".launcher", "textarea"}, 0), ({"textarea"}, 0)]
)
def test_the_launcher_is_clicked_only_where_the_chat_is_closed(
    shown: set[str], played: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("e2e.pages.chat_page._REMEMBERS", 0.0)
    page = Page(parse(PROFILE, "x.toml"), shown)
    page._visible = lambda what, *_: _wait(page, what)  # type: ignore[method-assign]
    finish(page)
    assert page.played == played


@pytest.mark.parametrize("ready", [{"stored": True}, {"socket": "ws"}])
def test_a_page_may_be_ready_by_its_store_or_its_socket(ready: dict[str, Any]) -> None:
    table = {
        **PROFILE,
        "where": {**PROFILE["where"], "ready": ready},
        "steps": {**PROFILE["steps"], "open": []},
    }
    page = Page(parse(table, "x.toml"), {"textarea"})
    page._visible = lambda what, *_: _wait(page, what)  # type: ignore[method-assign]
    states = iter([False, False, True])
    page.ready_without_element = lambda: next(states)
    wait = page._ready()
    assert [wait.until(), wait.until(), wait.until()] == [False, False, True]
    assert "where.ready" in str(wait.late())


def _wait(page: Page, what: Any) -> Any:
    from e2e.errors import CaptureIncomplete
    from e2e.pages.waits import Wait

    return Wait(lambda: page.shows(what), 1.0, lambda: CaptureIncomplete("late"))
