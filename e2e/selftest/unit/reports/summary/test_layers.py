"""The status of each layer: how many of its checks are named."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from reports.summary import layers


@pytest.mark.parametrize(
    ("checks", "text"),
    [
        ("a", "a"),
        ("abc", "a, b, c"),
        ("abcd", "a, b, c and 1 more"),
        ("abcde", "a, b, c and 2 more"),
    ],
)
def test_three_checks_are_named_and_the_others_counted(checks: str, text: str) -> None:
    verdicts: Any = [SimpleNamespace(name=name) for name in checks]
    assert layers._names(verdicts) == text
