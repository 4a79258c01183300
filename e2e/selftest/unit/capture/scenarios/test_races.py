"""How slow the network is made for the second rapid send: without a browser."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from e2e.capture.scenarios import opening, races, turns
from e2e.capture.scenarios.lane_context import LaneContext
from e2e.pages.waits import Steps


def nothing(*_: Any, **__: Any) -> Steps:
    yield from ()


@pytest.mark.parametrize(("took", "latency"), [(0.02, 0.4), (0.5, 1.5), (9.0, 3.0)])
def test_the_slow_network_outlasts_a_machine_that_types_slowly(
    monkeypatch: pytest.MonkeyPatch, took: float, latency: float
) -> None:
    for module, name in ((opening, "new_chat"), (opening, "quiet"), (turns, "message")):
        monkeypatch.setattr(module, name, nothing)
    latencies: list[float] = []
    recorder = SimpleNamespace(
        chat=SimpleNamespace(began=100.0),
        exchange=SimpleNamespace(sent_at=100.0 + took),
        end_chat=lambda: None,
    )
    context = SimpleNamespace(recorder=recorder, network=latencies.append)
    for _ in races.rapid_send(cast(LaneContext, context)):
        raise AssertionError("nothing is waited for here")
    assert latencies == pytest.approx([latency, 0])


@pytest.mark.parametrize(
    ("extras", "key", "waits"),
    [({"line": "chat"}, None, True), ({}, None, False), ({"line": "chat"}, "k-1", False), ({}, "k-1", False)],
)
def test_old_words_are_waited_for_where_replies_cannot_be_told_apart(
    extras: dict[str, str], key: str | None, waits: bool
) -> None:
    old: Any = SimpleNamespace(extras=extras, reply_key=key, chunks=3, ended=False)
    context: Any = SimpleNamespace(profile=SimpleNamespace(timeouts=SimpleNamespace(reply=30.0)))
    found = list(races._words_of_its_own(context, old))
    assert len(found) == int(waits)
    for wait in found:
        assert not wait.until()
        old.chunks = 3 + races._LATE_PARTS - 1
        assert not wait.until()
        old.chunks = 3 + races._LATE_PARTS
        assert wait.until()
        old.chunks, old.ended = 3, True
        assert wait.until()
