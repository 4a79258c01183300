"""Locators of the command line: tables as in a profile, CSS, actions, and their errors."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.errors import InvalidProfile
from e2e.explore.discover.given import given, not_found


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ('{ role = "button", name = "New chat" }', {"click": {"role": "button", "name": "New chat"}}),
        ('role = "button", name = "New chat"', {"click": {"role": "button", "name": "New chat"}}),
        ("button.new", {"click": {"css": "button.new"}}),
        ("#new", {"click": {"css": "#new"}}),
        ('press = "Control+Shift+O"', {"press": "Control+Shift+O"}),
        ('{ goto = "/new" }', {"goto": "/new"}),
        ('{ hover = { css = ".menu" } }', {"hover": {"css": ".menu"}}),
    ],
)
def test_a_step_is_a_locator_or_an_action(text: str, step: dict[str, Any]) -> None:
    assert given(new_chat=[text]).new_chat == (step,)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "must not be empty"),
        ('{ rol = "button" }', "rol"),
        ('{ role = "buton" }', "not an ARIA role"),
        ('{ role = "button"', "not a TOML table"),
        ('{ press = "Strg+K" }', "is not a key"),
        ("div {", "CSS"),
    ],
)
def test_an_error_names_option_value_rule_and_hint(text: str, names: str) -> None:
    with pytest.raises(InvalidProfile) as error:
        given(new_chat=[text])
    message = str(error.value)
    assert message.startswith("--new-chat")
    assert names in message
    assert "hint: " in message


def test_a_box_is_a_locator_and_no_action() -> None:
    assert given(message_box='placeholder = "Ask"').message_box == {"placeholder": "Ask"}
    with pytest.raises(InvalidProfile):
        given(message_box='press = "Enter"')


@pytest.mark.parametrize(("count", "found"), [(0, "no visible element"), (3, "3 elements")])
def test_a_locator_without_its_element_is_an_error(count: int, found: str) -> None:
    assert found in str(not_found("--send", {"css": "#send"}, count))
