"""On a touch screen what is clicked elsewhere is tapped."""

from __future__ import annotations

from typing import Any
from unittest import mock

from e2e.pages.actions import PageActions


def actions(*, touch: bool) -> tuple[PageActions, Any]:
    page = mock.MagicMock()
    made = PageActions(page, mock.MagicMock(), "http://chat", None, {})
    made.touch = touch
    return made, page


def test_a_mouse_clicks_a_point() -> None:
    made, page = actions(touch=False)
    made._click_at((3, 4), 2)
    page.mouse.click.assert_called_once_with(3, 4, click_count=2)
    page.touchscreen.tap.assert_not_called()


def test_a_finger_taps_a_point_once_or_twice() -> None:
    made, page = actions(touch=True)
    made._click_at((3, 4), 2)
    assert page.touchscreen.tap.mock_calls == [mock.call(3, 4), mock.call(3, 4)]
    page.mouse.click.assert_not_called()


def test_a_finger_taps_an_element() -> None:
    made, _ = actions(touch=True)
    locator = mock.MagicMock()
    assert list(made._click(locator, 500)) == []
    locator.tap.assert_called_once_with(timeout=500, trial=False)
    locator.click.assert_not_called()


def test_a_double_tap_does_not_wait_for_an_element_that_the_first_one_removed() -> None:
    made, page = actions(touch=True)
    locator = mock.MagicMock()
    locator.bounding_box.return_value = {"x": 10, "y": 20, "width": 40, "height": 20}
    assert list(made._click(locator, 500, 2)) == []
    locator.tap.assert_called_once_with(timeout=500, trial=True)
    assert page.touchscreen.tap.mock_calls == [mock.call(30, 30)] * 2
