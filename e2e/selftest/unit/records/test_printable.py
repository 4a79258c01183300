"""Texts of a target act on nothing that shows them."""

from __future__ import annotations

import pytest

from e2e.records.printable import as_name, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Big hat", "Big hat"),
        ("Grüße 你好 👩‍👩‍👧 a\u00a0b\u3000c", "Grüße 你好 👩‍👩‍👧 a\u00a0b\u3000c"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("a\x00b\x9bc\x85d", "a\\x00b\\x9bc\\x85d"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("a\u2028b\ud800", "a\\u2028b\\ud800"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_what_would_act_is_written_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
    printable(text).encode()


def test_a_name_is_one_short_line_and_stays_its_own() -> None:
    names = [as_name(text) for text in ("a\nb", "a" * 1_000_000 + "b", "a" * 1_000_000 + "c", "x" * 200)]
    assert names[0] == "a\\nb"
    assert names[3] == "x" * 200
    assert len(set(names)) == 4
    assert max(map(len, names)) <= 200
