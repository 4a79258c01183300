"""What a lane reports when its browser fails."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error

from e2e.capture.lane.lane import _gone_wrong


@pytest.mark.parametrize("message", ["Target crashed", "Target crashed\nCall log:\n  - waiting for locator"])
def test_a_browser_error_is_reported_by_its_first_line(message: str) -> None:
    found = _gone_wrong(Error(message))
    assert str(found).splitlines()[0] == "the browser could not go on: Target crashed"
    assert "Call log" not in str(found)
    assert found.hint


def test_a_look_at_the_page_that_ran_into_playwrights_limit_is_a_page_that_did_not_respond() -> None:
    found = _gone_wrong(Error("Locator.is_visible: Timeout 30000ms exceeded.\nCall log:\n"))
    assert str(found).splitlines()[0] == "a page did not respond for 30 s"
