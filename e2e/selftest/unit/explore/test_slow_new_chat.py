"""A New Chat that takes its time is not given up: what is tried next would be taken for it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from e2e.explore.discover.page import inspector
from e2e.explore.discover.page.inspector import Inspector


class Page:
    """Shows the old conversation, then a spinner beside it, then the new chat."""

    def __init__(self, clears_after: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.clears_at = 100.0, 100.0 + clears_after
        self.waited: list[float] = []
        monkeypatch.setattr(inspector, "time", self)

    def monotonic(self) -> float:
        return self.now

    def text(self) -> str:
        if self.now >= self.clears_at:
            return "How can I help?"
        return "Hello (1a2b)" if self.now == 100.0 else "Hello (1a2b) …"

    def text_after(self, before: str, seconds: float) -> str:
        self.waited.append(seconds)
        at = 100.2 if self.now == 100.0 else self.clears_at
        self.now = min(at, self.now + seconds)
        return self.text()

    def disappears(self, words: str, seconds: float) -> bool:
        return Inspector.disappears(cast(Any, self), words, seconds)


def test_a_conversation_that_goes_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(2.5, monkeypatch)
    assert page.disappears("1a2b", 4.0)
    assert page.waited == pytest.approx([4.0, 3.8])


def test_one_that_stays_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(60.0, monkeypatch)
    assert not page.disappears("1a2b", 4.0)
    assert page.now == pytest.approx(104.0)


def test_nothing_is_waited_for_where_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(0.0, monkeypatch)
    assert page.disappears("1a2b", 4.0)
    assert page.waited == []
