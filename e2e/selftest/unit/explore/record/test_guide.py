"""Which of the user's actions sent a message, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from e2e.errors import HarnessError
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.watcher import Payload
from e2e.explore.record.guide import Guide
from e2e.explore.record.inputs import Act, Box, Found

FIELD = Found('internal:role=textbox[name="Message"i]', "#box")


class Guided:
    """A guide without a browser: a page that takes everything, and the acts that the test adds."""

    def __init__(self) -> None:
        self.panel: list[str] = []
        self.page = SimpleNamespace(url="https://x.example/", evaluate=self._evaluate)
        self.frame = SimpleNamespace(parent_frame=None, page=self.page)
        self.watcher = SimpleNamespace(payloads=[])
        recording = SimpleNamespace(
            page=self.page, watcher=self.watcher, observed=Observed("", ""), stores=lambda: None, report=self.panel.append,
            text=lambda: "",
        )  # fmt: skip
        self.log = SimpleNamespace(acts=[], signals=[], password=False)
        self.guide = Guide(cast(Any, recording), cast(Any, self.log), None, 1)

    def _evaluate(self, _: str, args: list[Any]) -> None:
        self.panel.append(args[1]["step"])

    def act(self, t: float, kind: str, text: str, *, cleared: bool = False, key: str = "Enter") -> Act:
        found = Found("", "#any", "Any") if kind == "click" else None
        pressed = key if kind == "key" else ""
        box = Box(FIELD, text)
        act = Act(t, kind, cast(Any, self.frame), found=found, key=pressed, box=box, cleared=cleared)
        self.log.acts.append(act)
        return act

    def sent(self) -> bool:
        return self.guide._sent(0, 0)


def test_key_after_which_the_field_is_empty_sent_the_message() -> None:
    guided = Guided()
    act = guided.act(5, "key", "Hello dear 4f2a91", cleared=True)
    assert guided.sent()
    assert guided.guide.shown.sent_by == [act]
    assert guided.guide.shown.turns[0].nonce == "4f2a91"


def test_click_elsewhere_with_a_draft_in_the_field_sends_nothing() -> None:
    guided = Guided()
    guided.act(5, "click", "Hello dear 4f2a91")
    assert not guided.sent()


def test_last_action_before_the_field_was_empty_is_the_one_that_sent() -> None:
    guided = Guided()
    guided.act(5, "key", "Hello dear 4f2a91")
    send = guided.act(6, "click", "Hello dear 4f2a91", cleared=True)
    assert guided.sent()
    assert guided.guide.shown.sent_by == [send]


def test_request_with_the_text_shows_a_message_that_the_field_keeps() -> None:
    guided = Guided()
    guided.act(5, "key", "Hello dear 4f2a91")
    body = '{"text": "Hello dear 4f2a91"}'
    guided.watcher.payloads.append(Payload(0, 5.1, "http", "POST", "https://x.example/chat", {}, body))
    assert guided.sent()


def test_message_that_is_too_short_to_be_found_is_requested_again() -> None:
    guided = Guided()
    guided.act(5, "key", "hi", cleared=True)
    assert not guided.sent()
    assert "Send a longer message." in guided.panel
    guided.act(7, "key", "hello there", cleared=True)
    assert guided.sent()


def test_other_keys_in_the_field_send_nothing() -> None:
    guided = Guided()
    guided.act(5, "key", "Hello dear 4f2a91", key="Escape", cleared=True)
    assert not guided.sent()


def test_message_in_another_window_is_refused_with_its_address() -> None:
    guided = Guided()
    act = guided.act(5, "key", "Hello dear 4f2a91", cleared=True)
    act.frame = cast(Any, SimpleNamespace(page=SimpleNamespace(url="https://chat.example/w?token=secret")))
    with pytest.raises(HarnessError, match="another window") as caught:
        guided.guide._refuse_another_window()
    assert caught.value.where == "https://chat.example/w"
