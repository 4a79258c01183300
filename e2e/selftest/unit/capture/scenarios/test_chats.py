"""Empty chats, older chats that are gone back to, two tabs: what the user does, in its order. No browser."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.scenarios import chats, opening, tabs, turns
from e2e.pages.waits import Steps
from e2e.profile.profile import Action


class Stage:
    """Keeps in which tab what was done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[Any] = []
        self.fails_at = ""
        for module, names in ((opening, ("new_chat", "quiet", "open_page")), (turns, ("message",))):
            for name in names:
                monkeypatch.setattr(module, name, self._step(name))
        self.here, self.there = self.tab("here"), self.tab("there")
        self.here.open_tab = lambda: self.there

    def _step(self, name: str) -> Any:
        def step(context: Any, **more: Any) -> Steps:
            self.done.append((context.name, name, *more.items()))
            if f"{context.name} {name}" == self.fails_at:
                raise OSError("the tab crashed")
            yield from ()

        return step

    def tab(self, name: str) -> Any:
        def noted(what: str) -> Any:
            def note(*args: Any) -> Any:
                self.done.append((name, what, *args))
                return "the first chat" if what == "pause_chat" else None

            return note

        def run(actions: Any, key: str) -> Steps:
            self.done.append((name, "run", actions, key))
            yield from ()

        names = ("drop_chat", "end_chat", "pause_chat", "resume_chat", "begin_chat")
        recorder = SimpleNamespace(last_text="Hello (0123abcd)", **{what: noted(what) for what in names})
        back = Action.model_validate({"click": {"role": "link", "name": "Chat {message}"}})
        return SimpleNamespace(
            name=name, recorder=recorder, close=noted("close"), page=SimpleNamespace(run=run),
            profile=SimpleNamespace(steps=SimpleNamespace(return_to_chat=(back,))),
        )  # fmt: skip


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def test_an_empty_chat_is_left_before_two_messages(stage: Stage) -> None:
    assert list(chats.empty_chat(stage.here)) == []
    assert [what for _, what in stage.done] == [
        "new_chat", "quiet", "drop_chat", "new_chat", "quiet", "message", "message", "end_chat",
    ]  # fmt: skip


def test_the_first_of_two_chats_goes_on(stage: Stage) -> None:
    assert list(chats.return_to_chat(stage.here)) == []
    back = Action.model_validate({"click": {"role": "link", "name": "Chat Hello (0123abcd)"}})
    assert [step[1:] for step in stage.done] == [
        ("new_chat",), ("message",), ("pause_chat",), ("new_chat",), ("message",), ("end_chat",),
        ("run", (back,), "steps.return_to_chat"), ("resume_chat", "the first chat"), ("quiet",),
        ("message", ("after", "return")), ("end_chat",),
    ]  # fmt: skip


def test_new_chat_is_clicked_in_each_tab_while_the_other_is_in_a_chat(stage: Stage) -> None:
    assert list(tabs.two_tabs(stage.here)) == []
    after = ("after", "other-tab")
    assert stage.done == [
        ("here", "new_chat"), ("here", "message"),
        ("there", "begin_chat", "load"), ("there", "open_page"), ("there", "quiet"), ("there", "message"), ("there", "end_chat"),
        ("there", "new_chat"), ("there", "message"), ("here", "message", after), ("here", "end_chat"),
        ("here", "new_chat"), ("here", "message"), ("there", "message", after), ("there", "end_chat"),
        ("here", "end_chat"), ("there", "end_chat", "lost", "its tab was closed"), ("there", "close"),
    ]  # fmt: skip


def test_the_other_tab_is_closed_when_something_fails(stage: Stage) -> None:
    stage.fails_at = "there open_page"
    with pytest.raises(OSError, match="the tab crashed"):
        list(tabs.two_tabs(stage.here))
    assert stage.done[-2:] == [("there", "end_chat", "lost", "its tab was closed"), ("there", "close")]
