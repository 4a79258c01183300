"""The text that every match of a pattern contains: the page looks for it, the suite for the pattern."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.profile.values.literals import literal_of


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        (r"/api/chat(\?|$)", "/api/chat"),
        (r"^chat:", "chat:"),
        (r"/api/v\d+/chat", "/api/v"),
        (r"/c/[^/?#]+/send", "/send"),
        (r"a|b", ""),
        (r"(?i)/api/chat", ""),
        (r"(/api|/v2)/chat", "/chat"),
        (r"https?://x\.example/", "://x.example/"),
        (r"ab+c", "ab"),
        (r"ab{2}cde", "cde"),
        (r"x{a}y", "x{a}y"),
        (r"[]a]bc", "bc"),
        (r"\bword\b", "word"),
        (r".*", ""),
    ],
)
def test_a_literal_is_in_every_match(pattern: str, literal: str) -> None:
    assert literal_of(pattern) == literal


@given(st.from_regex(r"/api/v\d+/(chat|send)/[a-z]{2,4}x?\.json(\?q=.*)?", fullmatch=True))
@settings(max_examples=50, derandomize=True, database=None)
def test_it_is_in_texts_that_match(text: str) -> None:
    assert literal_of(r"/api/v\d+/(chat|send)/[a-z]{2,4}x?\.json(\?q=.*)?") in text
