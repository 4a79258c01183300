"""A text of the target cannot make an expression of the profile run on and on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
import regex
from jmespath.exceptions import JMESPathError

from e2e.errors import InvalidProfile
from e2e.profile.profile import parse
from e2e.profile.values import bounded
from e2e.profile.values.bounded import Expression, Pattern, compiled


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bounded, "SECONDS", 0.05)
    began = time.process_time()
    yield
    assert time.process_time() - began < 3


def test_an_endless_search_names_key_and_pattern() -> None:
    with pytest.raises(InvalidProfile) as raised:
        Pattern("(a+)+$", "wire 'chat': url").search("a" * 5000 + "?")
    assert "(a+)+$" in str(raised.value)
    assert raised.value.where == "wire 'chat': url"


@pytest.mark.parametrize(
    "pattern", ["(a|aa)+$", "(.*)*x", "(a|a?)+b", r"(\w+\s?)*!", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_no_search_is_endless(pattern: str) -> None:
    """The library finds some of these hopeless at once; what it does not, it gives up."""
    with contextlib.suppress(InvalidProfile):
        assert Pattern(pattern, "").search("a" * 5000 + "?") is None


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("/c/([^/?#]+)", "https://x/c/12?a", "12"),
        ("(?i)provider: (\\w+)", "PROVIDER: Rho", "Rho"),
        ("a+", "baac", "aa"),
        ("a(b)?", "a", None),
        ("x", "y", None),
    ],
)
def test_a_usual_pattern_finds_its_group_or_all(pattern: str, text: str, found: str | None) -> None:
    assert Pattern(pattern, "").find(text) == found


def test_an_expression_that_repeats_its_input_is_refused() -> None:
    for text in (
        " | ".join(["[@, @][]"] * 40),
        "(" * 3000 + "a" + ")" * 3000,
        "[@,@,@,@,@,@,@,@,@,@] | " * 5 + "@",
    ):
        with pytest.raises(ValueError, match="too large"):
            compiled(text)
    assert compiled("messages[?role == 'user'].{a: id, b: text} | [0]")
    with pytest.raises(JMESPathError):
        compiled("a[")


def test_a_profile_with_such_an_expression_is_refused() -> None:
    raw = {
        "name": "x", "title": "x", "where": {"url": "http://127.0.0.1/", "ready": {"css": "textarea"}},
        "session": {"key": "k"}, "steps": {"message_box": {"css": "textarea"}, "new_chat": [{"click": {"css": "button"}}]},
        "wire": [{"url": "/api/chat", "session": " | ".join(["[a, a]"] * 40)}], "providers": {"count": 2},
    }  # fmt: skip
    with pytest.raises(InvalidProfile) as raised:
        parse(raw, "x")
    assert "too large" in str(raised.value)


def test_an_expression_stops_after_its_time() -> None:
    deep: list[object] = ["x"]
    for _ in range(6):
        deep = [deep] * 12
    with pytest.raises(InvalidProfile) as raised:
        Expression("[*][*][*][*][*][*][?@ == 'y']", "wire 'chat': when").search(deep)
    assert raised.value.where == "wire 'chat': when"


def test_values_that_no_function_takes_find_nothing() -> None:
    nested: list[object] = []
    for _ in range(50_000):
        nested = [nested]
    assert Expression("length(@)", "").search(7) is None
    assert Expression("to_string(@)", "").search(nested) is None
    assert Expression("join(a, b)", "").search({"a": "x" * 100_000, "b": ["y"] * 100_000}) is None
    assert Expression("join(a, b)", "").search({"a": "-", "b": ["y", "z"]}) == "y-z"


def test_the_library_keeps_the_meaning_that_the_profile_was_checked_with() -> None:
    """Profiles are checked with `re` first; what it finds in usual texts, the other library finds too."""
    import re

    texts = [
        "https://a.example/api/chat?x=1",
        "session_3f9a-1",
        "K\u212a ſ ß ẞ",
        "a\nb",
        "\u00e9e",
        "",
        "[x]",
    ]
    for pattern in (
        "/api/chat(\\?|$)",
        "^chat:",
        "[a-f0-9]{4}",
        "(?i)k",
        "(?s)a.b",
        "^b",
        "(?m)^b",
        r"\w+",
        r"[\[\]]",
        "x\\Z",
        "(?i)ss",
    ):
        for text in texts:
            ours, theirs = Pattern(pattern, "").search(text), re.search(pattern, text)
            assert (ours and ours.span()) == (theirs and theirs.span()), (pattern, text)
    with pytest.raises(regex.error):
        Pattern("(", "")
