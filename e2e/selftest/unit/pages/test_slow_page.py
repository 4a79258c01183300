"""An element of a page that answers nothing is not blamed: the page is."""

from __future__ import annotations

from typing import Any, cast

import pytest
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from e2e.errors import CaptureIncomplete
from e2e.pages.explained import Explained
from e2e.profile.profile import load

LOCATE = load("reference").steps.message_box
NO_RESPONSE = "the box: the page did not respond to it in time"


class FakePage:
    """A page that finds its root element, or does not."""

    def __init__(self, answers: bool) -> None:
        self.answers = answers

    def locator(self, _: str) -> FakePage:
        return self

    def wait_for(self, **_: Any) -> None:
        if not self.answers:
            raise PlaywrightTimeout("Timeout 1000ms exceeded.")


def what(log: str, *, answers: bool) -> str:
    with (
        pytest.raises(CaptureIncomplete) as raised,
        Explained("the box", "steps.message_box", LOCATE, cast(Page, FakePage(answers))),
    ):
        raise PlaywrightTimeout(f"Timeout 4000ms exceeded.\nCall log:\n{log}")
    return raised.value.what


def test_a_page_that_answers_nothing_is_named() -> None:
    assert what('  - waiting for get_by_role("button")', answers=False) == NO_RESPONSE


@pytest.mark.parametrize(
    "step", ["performing click action", "attempting click action", "scrolling into view if needed"]
)
def test_a_click_that_was_under_way_is_the_pages_own(step: str) -> None:
    assert what(f"  - waiting for button\n  - {step}", answers=True) == NO_RESPONSE


def test_a_covered_element_is_named() -> None:
    log = "  - performing click action\n  - <div> intercepts pointer events"
    assert what(log, answers=True) == "the box: <div> intercepts pointer events"
    assert what("  - waiting for button", answers=True) == "the box: waiting for button"
