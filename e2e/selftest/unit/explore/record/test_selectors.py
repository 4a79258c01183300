"""Playwright's own selectors as locators of a profile."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.explore.record.selectors import frames_and_rest, is_lasting, locator, split
from e2e.profile.profile import Locate


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ('internal:role=button[name="New chat"i]', {"role": "button", "name": "New chat"}),
        ('internal:role=button[name="New chat"s]', {"role": "button", "name": "New chat", "exact": True}),
        ("internal:role=textbox", {"role": "textbox"}),
        (r'internal:role=link[name="A \"b\" \\ c"i]', {"role": "link", "name": 'A "b" \\ c'}),
        ('internal:testid=[data-testid="send"s]', {"test_id": "send"}),
        ('internal:attr=[placeholder="Ask me"i]', {"placeholder": "Ask me"}),
        ('internal:attr=[title="New chat"s]', {"title": "New chat", "exact": True}),
        ('internal:attr=[alt="Logo"i]', {"css": '[alt="Logo"]'}),
        ('internal:label="Message"i', {"label": "Message"}),
        ('internal:text="Start over"s', {"text": "Start over", "exact": True}),
        ("#send", {"css": "#send"}),
        ("css=button.new", {"css": "button.new"}),
        ('div >> internal:has-text="Chats >> all"i', {"css": 'div:has-text("Chats >> all")'}),
        ('internal:role=button[name="More"i] >> nth=1', {"role": "button", "name": "More", "nth": 1}),
        (
            'internal:role=navigation >> internal:role=button[name="New"i]',
            {"role": "button", "name": "New", "within": {"role": "navigation"}},
        ),
    ],
)  # fmt: skip
def test_selector_becomes_a_locator(selector: str, expected: dict[str, Any]) -> None:
    found = locator(selector)
    assert found == expected
    Locate.model_validate(found)


@pytest.mark.parametrize(
    "selector",
    [
        "internal:role=checkbox[checked=true]",
        "internal:role=button[name=/new/i]",
        'button >> internal:and="x"',
        "xpath=//button",
        "text=New",
        "aria-ref=e12",
        "iframe >> internal:control=enter-frame >> button",
        "",
    ],
)
def test_selector_that_a_profile_cannot_express_has_no_locator(selector: str) -> None:
    assert locator(selector) is None


def test_frames_are_distinguished_from_the_element() -> None:
    frames, rest = frames_and_rest(
        'iframe#chat >> internal:control=enter-frame >> internal:role=button[name="a >> b"i]'
    )
    assert frames == ("iframe#chat",)
    assert rest == ['internal:role=button[name="a >> b"i]']


def test_split_leaves_quotes_alone() -> None:
    assert split(r'[a="x >> \" y"] >> b') == [r'[a="x >> \" y"]', "b"]


@pytest.mark.parametrize(
    ("spec", "lasting"),
    [
        ({"role": "button", "name": "New chat"}, True),
        ({"role": "link", "name": "Hello dear 4f2a91"}, False),
        ({"role": "textbox", "name": "hello dear 4f2a91 …"}, False),
        ({"test_id": "chat-9b2e4f1c-77aa-4b1e-9c3d-0a1b2c3d4e5f"}, False),
        ({"role": "button", "name": "x", "within": {"text": "Hello dear 4f2a91"}}, False),
    ],
)
def test_locator_with_a_message_or_an_id_does_not_last(spec: dict[str, Any], lasting: bool) -> None:
    assert is_lasting(spec, ["Hello dear 4f2a91"]) is lasting
