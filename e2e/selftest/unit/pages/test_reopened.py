"""A chat behind a launcher that New Chat closes is opened again: without a browser."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from e2e.pages.chat_page import ChatPage
from e2e.pages.waits import Steps
from e2e.profile.profile import Action

LAUNCHER = Action.model_validate({"click": {"css": ".launcher"}})
BANNER = Action.model_validate({"dismiss": {"role": "button", "name": "Accept"}})


@pytest.mark.parametrize(
    ("opens", "box", "launcher", "played"),
    [
        ((LAUNCHER,), False, True, True),
        ((LAUNCHER,), True, True, False),  # the chat is still open
        ((LAUNCHER,), False, False, False),  # the page is busy: neither is there yet
        ((BANNER,), False, True, False),  # what is dismissed once opens nothing
        ((), False, True, False),
    ],
)
def test_steps_open_are_played_again(
    opens: tuple[Action, ...], box: bool, launcher: bool, played: bool
) -> None:
    ran: list[str] = []

    def run(_: Any, key: str) -> Steps:
        ran.append(key)
        yield from ()

    page = SimpleNamespace(
        profile=SimpleNamespace(steps=SimpleNamespace(open=opens)),
        shows=lambda what: box if what == "box" else launcher,
        run=run,
        _boxes=lambda: ("box",),
        _box_ready=lambda: iter(()),
    )
    for _ in ChatPage.reopened(cast(ChatPage, page)):
        raise AssertionError("nothing is waited for here")
    assert bool(ran) is played
