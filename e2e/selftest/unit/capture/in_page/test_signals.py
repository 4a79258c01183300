"""What the page's scripts report, and how it differs from what a page forges."""

from __future__ import annotations

import json

from e2e.capture.in_page.signals import PageSignals
from e2e.profile.values.bounded import Pattern


def batch(first: int, *signals: str, page: str = "a") -> str:
    return json.dumps({"page": page, "first": first, "signals": [{"k": one} for one in signals]})


def test_only_what_comes_with_the_secret_is_a_signal() -> None:
    signals = PageSignals()
    real = batch(0, "start")
    for forged in (real, "", "x", "[]", "0" * 32 + real, signals.secret[:-1] + real, "\ud800" + real):
        assert signals.read(forged) == []
    assert signals.forged == 7
    assert signals.read(signals.secret + real) == [{"k": "start"}]


def test_a_signal_counts_once_however_often_it_comes() -> None:
    """A page may write back what was kept while it was left; the browser's cache of pages brings it a second time."""
    signals = PageSignals()
    read = [
        signals.read(signals.secret + text)
        for text in (
            batch(0, "start", "click"),
            batch(0, "start", "click"),
            batch(0, "start", "click", "keys"),
            batch(0, "start", page="b"),
            batch(1, "click"),
            batch(3, "leave"),
        )
    ]
    assert [[one["k"] for one in some] for some in read] == [
        ["start", "click"],
        [],
        ["keys"],
        ["start"],
        [],
        ["leave"],
    ]


def test_what_only_looks_like_the_profiles_pattern_is_left_out() -> None:
    """The page knows a part of the pattern: `chat` is in `chatty` too."""
    signals = PageSignals(Pattern("^chat:", ""), [Pattern("/api/chat$", "")])
    stored = {"values": {"xchat:9": "no", "chat:1": "one", "chat:2": "two"}, "written": ["xchat:9", "chat:2"]}
    records = [
        {"k": "send", "url": "https://x/api/chat", "stored": stored},
        {"k": "send", "url": "https://x/api/chatty", "stored": stored},
        {"k": "storage", "store": "localStorage", "op": "set", "key": "xchat:9", "value": "v", "stack": ""},
        {
            "k": "storage",
            "store": "localStorage",
            "op": "set",
            "key": "xchat:9",
            "value": "v",
            "by": "other-tab",
        },
        {"k": "start", "stored": stored | {"written": ["xchat:9"]}},
        {"k": "start", "stored": None},
    ]
    read = signals.read(signals.secret + json.dumps({"page": "a", "first": 0, "signals": records}))
    assert [one["k"] for one in read] == ["send", "storage", "start", "start"]
    assert list(read[0]["stored"].items()) == [("chat:2", "two"), ("chat:1", "one")]
    assert "stack" not in read[1]
    assert [one["stored"] for one in read[2:]] == [None, None]
