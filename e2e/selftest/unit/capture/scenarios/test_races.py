"""How slow the network is made for the second rapid send: without a browser."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from e2e.capture.scenarios import opening, races, sending, turns
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
def test_old_words_are_waited_for_where_replies_cannot_be_distinguished(
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


class Lane:
    """What a race does, in its order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[Any] = []
        self.now = 100.0
        self.left: Any = SimpleNamespace(
            chunks=1, ended=False, status=200, origin="page", outcome="", extras={}, reply_key=None
        )
        self.again = False
        monkeypatch.setattr(races, "time", SimpleNamespace(monotonic=lambda: self.now))
        for module, names in (
            (opening, ("new_chat", "quiet")),
            (turns, ("message",)),
            (races, ("look_for_late_text",)),
        ):
            for name in names:
                monkeypatch.setattr(module, name, self._step(name))
        monkeypatch.setattr(sending, "send", self._step("send"))
        monkeypatch.setattr(turns, "sent_again", self._sent_again)
        monkeypatch.setattr(turns, "no_end", lambda context, old: AssertionError)
        self.recorder: Any = SimpleNamespace(
            loads=1, exchange=self.left, chat=SimpleNamespace(cut=None, began=100.0)
        )
        for name in ("message_ended", "leave_chat", "left_behind", "end_chat"):
            setattr(
                self.recorder,
                name,
                lambda *args, name=name: self.done.append((name, *args) if args else name),
            )
        self.context: Any = SimpleNamespace(
            recorder=self.recorder, profile=SimpleNamespace(timeouts=SimpleNamespace(reply=30.0))
        )

    def _step(self, name: str) -> Any:
        def step(context: Any, **more: Any) -> Steps:
            self.done.append((name, more) if more else name)
            yield from ()

        return step

    def _sent_again(self, context: Any, old: Any) -> Any:
        yield from ()
        again, self.again = self.again, False
        if again:
            self.recorder.exchange = SimpleNamespace(**vars(self.left) | {"chunks": 2})
        return again

    def play(self, steps: Any) -> Any:
        while True:
            try:
                wait = next(steps)
            except StopIteration as end:
                return end.value
            while not wait.until():
                self.now += 0.01
                assert self.now < 200


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch) -> Lane:
    return Lane(monkeypatch)


@pytest.mark.parametrize(("ended", "outcome"), [(False, "cut"), (True, "ok")])
def test_new_chat_is_clicked_while_a_long_reply_streams(lane: Lane, ended: bool, outcome: str) -> None:
    lane.left.ended = ended
    assert lane.play(races._leave_mid_stream(lane.context)) is lane.left
    assert lane.done == [
        ("send", {"long": True}), ("message_ended", "the user did not wait", outcome), "leave_chat", "new_chat",
    ]  # fmt: skip
    assert lane.recorder.chat.cut is not ended


def test_what_is_left_behind_is_the_last_attempt(lane: Lane) -> None:
    lane.again = True
    assert lane.play(races._leave_mid_stream(lane.context)).chunks == 2


@pytest.mark.parametrize(
    ("now", "took"),
    [({"chunks": 1}, 0), ({"chunks": 0, "ended": True}, 0), ({"chunks": 0, "status": 400}, 0), ({"chunks": 0}, 0.41),
     ({"chunks": 0, "status": None}, 0.41)],
)  # fmt: skip
def test_the_first_piece_is_not_waited_for_long(lane: Lane, now: dict[str, Any], took: float) -> None:
    vars(lane.left).update(now)
    assert lane.play(races._first_piece(lane.context)) is lane.left
    assert lane.now - 100 == pytest.approx(took, abs=0.015)


def test_a_stream_that_was_left_is_waited_for_and_looked_for_on_the_screen(lane: Lane) -> None:
    steps = races.mid_stream(lane.context)
    for wait in steps:
        if wait.timeout == 31.0:
            assert not wait.until()
            lane.left.ended = True
        assert wait.until()
    assert lane.done == [
        "new_chat", ("send", {"long": True}), ("message_ended", "the user did not wait", "cut"), "leave_chat", "new_chat",
        "message", "quiet", ("left_behind", lane.left), "look_for_late_text", "message", "end_chat",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("origin", "loads", "outcome", "took"),
    [("page", 2, "cancelled", 0), ("page", 1, "", 30), ("worker", 2, "", 30)],
)
def test_a_page_that_was_loaded_anew_has_ended_its_stream(
    lane: Lane, origin: str, loads: int, outcome: str, took: float
) -> None:
    lane.left.origin, lane.recorder.loads = origin, loads
    lane.play(races._until_over(lane.context, lane.left, 1))
    assert (lane.left.outcome, lane.done) == (outcome, ["quiet"])
    assert lane.now - 100 == pytest.approx(took, abs=0.02)


def test_an_outcome_that_is_known_stays(lane: Lane) -> None:
    lane.recorder.loads, lane.left.outcome = 2, "failed"
    lane.play(races._until_over(lane.context, lane.left, 1))
    assert lane.left.outcome == "failed"


def test_a_double_click_is_two_clicks_and_two_messages_follow(lane: Lane) -> None:
    lane.play(races.double_click(lane.context))
    assert lane.done == [("new_chat", {"clicks": 2}), "quiet", "message", "message", "end_chat"]


def test_a_rapid_send_does_not_wait_until_the_page_has_settled(lane: Lane) -> None:
    slow: list[float] = []
    lane.context.network = slow.append
    lane.recorder.exchange = None
    lane.play(races.rapid_send(lane.context))
    once = [("new_chat", {"settle": False}), "message", "quiet", "message", "end_chat"]
    assert (lane.done, slow) == (once * 2, [races.SLOW, 0])


def test_the_network_is_quick_again_after_a_failure(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Steps:
        yield from ()
        raise AssertionError("no reply")

    slow: list[float] = []
    lane.context.network = slow.append
    monkeypatch.setattr(turns, "message", fails)
    with pytest.raises(AssertionError, match="no reply"):
        lane.play(races._rapid(lane.context, slow=0.4))
    with pytest.raises(AssertionError, match="no reply"):
        lane.play(races._rapid(lane.context, slow=0))
    assert slow == [0.4, 0]
