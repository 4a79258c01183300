"""A turn's end: the reply, the page's own retry, or the refusal that nobody repairs."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.network.exchange import Exchange
from e2e.capture.network.retries import Retries
from e2e.capture.scenarios import refusals, sending, turns
from e2e.errors import Blocked, CaptureIncomplete, MessageLost
from e2e.pages.waits import Steps
from e2e.profile.profile import load
from e2e.selftest.unit.capture.recording.test_recorder import NEW, OLD, Desk, desk, make_desk

__all__ = ["desk", "make_desk"]  # fixtures
TEXT = "Hello there (0a1b2c3d)"


class Turn:
    """One message that was sent, and a page that does what a test wants while its reply is awaited."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.desk = desk
        for module in (turns, sending, refusals):
            monkeypatch.setattr(module, "time", desk.clock)
        profile = load("reference").model_copy(update={"blocked": ()})
        profile = profile.model_copy(
            update={"screen": profile.screen.model_copy(update={"provider": None}), "backend": None}
        )
        profile = profile.model_copy(
            update={
                "reply": profile.reply.model_copy(
                    update={"gone": None, "shown": None, "text_stable_for": None}
                )
            }
        )
        self.rejected: list[Blocked] = []
        self.stopped: list[bool] = []
        self.context: Any = SimpleNamespace(
            profile=profile,
            recorder=desk.recorder,
            backend=None,
            rejected=self.rejected.append,
            refusal=lambda: None,
            page=SimpleNamespace(stop_loading=lambda: self.stopped.append(True)),
        )
        desk.new_chat()
        desk.recorder.begin_message(TEXT)

    def sends(self, session: str, request: str) -> Exchange:
        return self.desk.payload(session, body=f'{{"text": "{TEXT}"}}', request=request)

    def plays(self, *acts: tuple[float, Callable[[], object]]) -> float:
        """Wait for the reply while the page does its ``acts``, each some seconds after the one before. Returns the seconds."""
        began, todo = self.desk.clock.now, list(acts)
        steps: Steps = self._reply()
        for wait in steps:
            while not wait.until():
                if todo and todo[0][0] <= 0:
                    todo.pop(0)[1]()
                    continue
                self.desk.clock.now += 0.05
                if todo:
                    todo[0] = (todo[0][0] - 0.05, todo[0][1])
                assert self.desk.clock.now - began < wait.timeout + 30
        return self.desk.clock.now - began

    def _reply(self) -> Steps:
        while (exchange := self.desk.recorder.exchange) is not None:
            over = yield from turns._reply(self.context, exchange)
            if over:
                return


def ends(exchange: Exchange, status: int | None = 200, outcome: str = "ok") -> Callable[[], None]:
    def act() -> None:
        exchange.status, exchange.outcome, exchange.ended_at = status, outcome, 1.0

    return act


@pytest.fixture
def turn(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Turn:
    return Turn(desk, monkeypatch)


@pytest.mark.parametrize(
    ("status", "outcome"), [(502, "ok"), (None, "failed"), (200, "failed"), (429, "ok")], ids=str
)
def test_a_retry_of_the_page_is_part_of_the_turn(turn: Turn, status: int | None, outcome: str) -> None:
    first = turn.sends(NEW, "m-1")

    def again() -> None:
        second = turn.sends(OLD, "m-2")
        ends(second)()

    turn.plays((0.1, ends(first, status, outcome)), (1.0, again))
    (message,) = turn.desk.end().messages
    assert (message.request, message.sent, message.outcome) == ("m-2", turn.desk.ref(OLD), "ok")
    assert [e.data["retry"] for e in turn.desk.events("payload")] == [False, True]


def test_a_message_that_finally_fails_is_blocked(turn: Turn) -> None:
    first = turn.sends(NEW, "m-1")
    with pytest.raises(Blocked):
        turn.plays((0.1, ends(first, 502)))


def test_a_refusal_that_no_page_repairs_costs_nothing_the_second_time(turn: Turn) -> None:
    turn.desk.recorder.chats.answered = True
    took = []
    for request in ("m-1", "m-2"):
        one = turn.sends(NEW, request)
        took.append(turn.plays((0.0, ends(one, 404))))
        turn.desk.recorder.begin_message(TEXT)
    assert took[0] <= turn.context.profile.timeouts.idle + 0.1
    assert took[1] < 0.1


def test_a_healthy_turn_does_not_wait(turn: Turn) -> None:
    assert turn.plays((0.1, ends(turn.sends(NEW, "m-1")))) < 0.2


def test_a_reply_that_is_too_long_is_not_waited_for(turn: Turn) -> None:
    """A body of 100 MB came through the browser's driver to its end: up to a minute on a busy machine."""
    exchange = turn.sends(NEW, "m-1")
    exchange.status = 200
    began = turn.desk.clock.now

    def announced() -> None:
        exchange.too_long = True

    with pytest.raises(CaptureIncomplete, match="longer than 32 MB, and was not read"):
        turn.plays((0.1, announced))
    assert (turn.desk.clock.now - began < 0.3, turn.stopped) == (True, [True])
    (message,) = turn.desk.end().messages
    assert message.outcome == "failed"


class Waits:
    """What a turn waits for, one wait at a time."""

    def __init__(self, turn: Turn, monkeypatch: pytest.MonkeyPatch, **reply: Any) -> None:
        self.turn, self.done = turn, list[Any]()
        known = {"exchange_finished": True, "gone": None, "shown": None, "text_stable_for": None}
        profile = turn.context.profile
        self.context: Any = SimpleNamespace(
            profile=SimpleNamespace(
                timeouts=profile.timeouts, reply=SimpleNamespace(**known | reply), screen=SimpleNamespace(provider=None), blocked=(),
            ),
            recorder=turn.desk.recorder, backend=None, rejected=turn.rejected.append, refusal=lambda: None,
        )  # fmt: skip
        for name in ("_until_shown", "_text_settled", "_label", "_retry"):
            monkeypatch.setattr(turns, name, self._step(name))

    def _step(self, name: str) -> Any:
        def step(context: Any, *args: Any) -> Any:
            self.done.append((name, *(arg for arg in args if isinstance(arg, str | bool | float))))
            yield from ()
            return f"the look of {args[0]}" if name == "_until_shown" else None

        return step


class TestScreen:
    @pytest.mark.parametrize(
        ("rule", "done", "waits"),
        [
            ({}, [("_label",)], 1),
            ({"exchange_finished": False}, [("_label",)], 0),
            (
                {"gone": "a dot", "shown": "a tick", "exchange_finished": False},
                [
                    ("_until_shown", "a dot", False),
                    ("_until_shown", "a tick", True),
                    ("_label", "the look of a tick"),
                ],
                0,
            ),
            (
                {"gone": "a dot", "text_stable_for": 0.5},
                [("_until_shown", "a dot", False), ("_text_settled", 0.5), ("_label",)],
                1,
            ),
        ],
    )
    def test_the_profiles_signs_are_waited_for_in_their_order(
        self, turn: Turn, monkeypatch: pytest.MonkeyPatch, rule: dict[str, Any], done: list[Any], waits: int
    ) -> None:
        scene = Waits(turn, monkeypatch, **rule)
        one = turn.sends(NEW, "m-1")
        late: Any = None
        found = list(turns._on_the_screen(scene.context, one, 1e12, late))
        assert [
            tuple(arg for arg in step if not isinstance(arg, float) or arg < 1e9) for step in scene.done
        ] == done
        assert len(found) == waits
        for wait in found:
            assert not wait.until()
            one.outcome = "ok"
            assert wait.until()


class TestAnswered:
    class Backend:
        def __init__(self) -> None:
            self.requested: list[Any] = []

        def ask(self, session: Any) -> str:
            self.requested.append(session)
            return "the look-up"

    @pytest.mark.parametrize(
        ("status", "finished", "requested", "waits"),
        [
            (200, True, "the look-up", 2),
            (200, False, "the look-up", 1),
            (400, False, None, 2),
            (None, False, None, 2),
        ],
    )
    def test_the_backend_is_asked_as_soon_as_the_message_was_taken(
        self,
        turn: Turn,
        monkeypatch: pytest.MonkeyPatch,
        status: int | None,
        finished: bool,
        requested: str | None,
        waits: int,
    ) -> None:
        scene = Waits(turn, monkeypatch, exchange_finished=finished)
        scene.context.backend = backend = self.Backend()
        one = turn.sends(NEW, "m-1")
        late: Any = None
        steps = turns._answered(scene.context, one, turn.desk.clock.now + 30, late)
        wait, count = next(steps), 1
        found: Any = "nothing"
        assert not wait.until()
        one.status = status
        one.outcome = "failed" if status is None else ""
        assert wait.until()
        while True:
            try:
                wait = next(steps)
            except StopIteration as end:
                found = end.value
                break
            count += 1
            assert not wait.until()
            one.ended_at = 1.0
            assert wait.until()
        assert (found, count) == (requested, waits)
        assert backend.requested == ([NEW] if requested else [])

    def test_a_message_with_another_payload_is_waited_for_no_longer(
        self, turn: Turn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene = Waits(turn, monkeypatch)
        scene.context.backend = backend = self.Backend()
        one = turn.sends(NEW, "m-1")
        late: Any = None
        steps = turns._answered(scene.context, one, turn.desk.clock.now + 30, late)
        first = next(steps)
        one.status, one.outcome = 502, "ok"
        turn.sends(OLD, "m-2")
        assert first.until()
        for wait in steps:
            assert wait.until()
        assert backend.requested == []


class TestEnded:
    def ended(
        self,
        turn: Turn,
        monkeypatch: pytest.MonkeyPatch,
        answered: bool = False,
        requested: Any = None,
        **fields: Any,
    ) -> list[Any]:
        scene = Waits(turn, monkeypatch)
        one = turn.sends(NEW, "m-1")
        turn.desk.recorder.chats.answered = answered
        for name, value in ({"status": 200, "outcome": "ok"} | fields).items():
            setattr(one, name, value)
        return list(turns._ended(scene.context, one, requested))

    def outcome(self, turn: Turn) -> str:
        (message,) = turn.desk.end().messages
        return message.outcome

    def test_a_refusal_in_the_reply_ends_the_chat(self, turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(Blocked, match="the answer is that of a refusal") as error:
            self.ended(turn, monkeypatch, refused="captcha")
        assert (error.value.condition, self.outcome(turn)) == ("captcha", "failed")

    def test_a_reply_that_reports_a_failure_is_part_of_the_run_once_others_were_taken(
        self, turn: Turn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.ended(turn, monkeypatch, answered=True, reports_failure=True)
        ((what, hint),) = [(e.what, e.hint) for e in turn.rejected]
        assert what == "the chat's backend did not accept the message: its reply reports a failure"
        assert (hint, self.outcome(turn)) == (refusals.WHY_REFUSED, "refused")

    def test_before_any_message_was_taken_it_is_a_reply(
        self, turn: Turn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.ended(turn, monkeypatch, reports_failure=True)
        assert (turn.rejected, self.outcome(turn)) == ([], "ok")

    @pytest.mark.parametrize(("error", "text"), [("net::ERR_FAILED", "net::ERR_FAILED"), ("", "failed")])
    def test_a_cut_reply_is_reported_with_its_error(
        self, turn: Turn, monkeypatch: pytest.MonkeyPatch, error: str, text: str
    ) -> None:
        with pytest.raises(Blocked) as caught:
            self.ended(turn, monkeypatch, outcome="failed", error=error)
        assert caught.value.what == f"the reply was cut: {text}"
        assert (caught.value.hint, self.outcome(turn)) == ("is the backend or the network down?", "failed")

    def test_the_look_up_is_waited_for_and_written_down(
        self, turn: Turn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reported: list[Any] = []
        monkeypatch.setattr(turn.desk.recorder, "backend", lambda *answer: reported.append(answer))
        requested = SimpleNamespace(done=lambda: True, answer=lambda: ("prov_1", 200, 5.0))
        (wait,) = self.ended(turn, monkeypatch, requested=requested)
        assert wait.until()
        assert wait.late().what == "the backend's look-up did not end"
        assert (reported, self.outcome(turn)) == ([("prov_1", 200, 5.0)], "ok")


def test_the_pages_own_retry_is_waited_for_with_room_to_spare(turn: Turn) -> None:
    one = turn.sends(NEW, "m-1")
    ends(one, 503)()
    (wait,) = list(turns._retry(turn.context, one))
    assert wait.timeout == 2.5 + turn.context.profile.timeouts.action
    assert wait.poll == 0.5
    assert wait.late().what == "the page could not be read"


def test_patience_is_learned(turn: Turn) -> None:
    failed = turn.sends(NEW, "m-1")
    failed.status = 503
    habit = Retries()
    assert habit.longest_wait(failed, 0.15, 2.5) == 2.5
    habit.learn(failed, None)
    assert habit.longest_wait(failed, 0.15, 2.5) == 0.15
    habit.learn(failed, 2.0)
    assert habit.longest_wait(failed, 0.15, 2.5) == pytest.approx(4.15)
    habit.learn(failed, 60.0)
    assert habit.longest_wait(failed, 0.15, 2.5) == 10.0


@pytest.mark.parametrize(
    ("tabs", "after", "session", "problems"),
    [
        ("share", "other-tab", OLD, 0),
        ("own", "other-tab", OLD, 1),
        ("share", "", OLD, 1),
        ("share", "other-tab", NEW, 1),
    ],
    ids=["shared", "own", "nothing-happened", "another-session"],
)
def test_a_session_that_the_other_tab_ended_is_no_problem_of_the_run(
    turn: Turn, monkeypatch: pytest.MonkeyPatch, tabs: str, after: Any, session: str, problems: int
) -> None:
    """New Chat there ended the session that both tabs share by the policy; the chat here is refused with it."""
    here = turn.desk.recorder
    policy = turn.context.profile.policy.model_copy(update={"tabs": tabs})
    monkeypatch.setattr(here, "_profile", turn.context.profile.model_copy(update={"policy": policy}))
    turn.plays((0.0, ends(turn.sends(OLD, "m-1"))))
    here.chats.ended = (1, frozenset({OLD}))  # by New Chat in the other tab
    here.begin_message("Good morning (4e5f6071)", after=after)
    one = turn.desk.payload(session, body='{"text": "Good morning (4e5f6071)"}', request="m-2")
    turn.plays((0.0, ends(one, 410)))
    assert len(turn.rejected) == problems
    assert turn.desk.end().messages[1].ended_elsewhere is (problems == 0)


def test_new_chat_ends_what_its_tab_had(turn: Turn) -> None:
    turn.plays((0.0, ends(turn.sends(OLD, "m-1"))))
    other = turn.desk.recorder.beside()
    turn.desk.end()
    turn.desk.new_chat()
    tab, ended = other.chats.ended
    assert tab == 0
    assert OLD in ended


class _InVain:
    """What no rule accepted."""

    def __str__(self) -> str:
        return "1 frame met no rule"

    def has(self, place: str) -> bool:
        return place == "POST http://a/rule"


class Typing:
    """A page into which a message is typed; what it does at each submit is a test's."""

    def __init__(self, turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("secrets.token_hex", lambda _: "4e5f6071")
        self.turn, self.typed = turn, 0
        self.at_submit: list[Callable[[], object]] = []
        self.holds = False
        self.arrives = True
        self.context = turn.context
        self.context.page = SimpleNamespace(
            looking=lambda *_: iter(()), box=lambda **_: "message_box", send=self._send,
            still_holds=lambda *_, **__: self.holds, loaded_again=lambda: iter(()), conversation=lambda: "",
            arrived=lambda *_, **__: self.arrives,
            took=lambda *_, **__: "the message box was emptied" if self.arrives else "", press_again=lambda **_: None, alerts=lambda: False,
        )  # fmt: skip
        rules = (SimpleNamespace(received=False, transport="http"),)
        self.context.wire = SimpleNamespace(
            carried=[], recent=[], unread=[], blind=[], seek=lambda _: None, last_sent=0.0, sockets={},
            exchanges=SimpleNamespace(rules=rules), unmatched=_InVain(),
        )  # fmt: skip
        self.context.habits = SimpleNamespace(in_the_clear=True)
        self.context.pace = SimpleNamespace(book=lambda: 0.0)
        self.context.windows = lambda: 0

    def _send(self, *_: object, **__: object) -> Steps:
        self.typed += 1
        self.at_submit.pop(0)()
        yield from ()

    def loads_anew(self) -> None:
        self.turn.desk.recorder.loads += 1

    def sends(self) -> None:
        self.turn.desk.clock.now += 0.01
        text = self.turn.desk.recorder.last_text
        self.turn.desk.payload(NEW, body=f'{{"text": "{text}"}}', request="m-2")

    def plays(self) -> None:
        clock = self.turn.desk.clock
        for wait in sending.send(self.context):
            until = clock.now + wait.timeout
            while not wait.until():
                clock.now += 0.05
                if clock.now > until:
                    raise wait.late()


@pytest.fixture
def typing(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> Typing:
    turn.plays((0.0, ends(turn.sends(OLD, "m-1"))))
    return Typing(turn, monkeypatch)


def test_what_was_typed_into_a_page_that_goes_away_is_typed_again_once(typing: Typing) -> None:
    typing.at_submit = [typing.loads_anew, typing.sends]
    typing.plays()
    assert typing.typed == 2
    assert typing.turn.desk.end().messages[1].request == "m-2"
    assert len(typing.turn.desk.events("typed_again")) == 1


def test_a_page_that_goes_away_twice_has_lost_no_message(typing: Typing) -> None:
    typing.at_submit = [typing.loads_anew, typing.loads_anew]
    with pytest.raises(CaptureIncomplete) as caught:
        typing.plays()
    assert not isinstance(caught.value, MessageLost)
    assert "loaded anew" in caught.value.what
    assert "1 frame met no rule" in caught.value.where
    assert typing.turn.desk.end().messages[1].accepted == ""


@pytest.mark.parametrize(
    ("place", "what"),
    [("POST http://a/rule", "did not accept it"), ("POST http://a/other", "no wire rule names")],
)
def test_a_message_that_left_where_no_rule_took_it_says_where(typing: Typing, place: str, what: str) -> None:
    typing.context.wire.carried = [place]
    typing.at_submit = [typing.loads_anew, typing.loads_anew]
    with pytest.raises(CaptureIncomplete) as caught:
        typing.plays()
    assert what in caught.value.what
    assert ("1 frame met no rule" in caught.value.where) == (place == "POST http://a/rule")


def test_a_page_that_sends_after_the_load_what_it_kept_is_not_typed_into(typing: Typing) -> None:
    def kept() -> Steps:
        typing.sends()
        yield from ()

    typing.context.page.loaded_again = kept
    typing.at_submit = [typing.loads_anew]
    typing.plays()
    assert typing.typed == 1


def test_the_same_page_may_lose_a_message(typing: Typing) -> None:
    typing.at_submit = [lambda: None]
    with pytest.raises(MessageLost):
        typing.plays()


def test_a_websocket_that_could_not_be_opened_is_named_where_no_message_was_seen_yet(typing: Typing) -> None:
    typing.context.habits.in_the_clear = False
    typing.context.wire.failures = ["WebSocket ws://a/x failed: 500", "WebSocket ws://a/x failed: 503"]
    typing.at_submit = [lambda: None]
    with pytest.raises(
        CaptureIncomplete, match=r"can be searched; WebSocket ws://a/x failed: 503\)"
    ) as caught:
        typing.plays()
    assert not isinstance(caught.value, MessageLost)


def test_a_text_that_never_arrived_in_the_box_is_typed_again(typing: Typing) -> None:
    """A menu that closes may take the focus while the text is typed: the empty box is no lost message."""
    typing.arrives = False
    typing.at_submit = [lambda: None, typing.sends]
    typing.plays()
    assert typing.typed == 2
    assert typing.turn.desk.end().messages[1].request == "m-2"


def test_a_text_that_never_arrives_is_no_message_that_the_page_lost(typing: Typing) -> None:
    typing.arrives = False
    typing.at_submit = [lambda: None, lambda: None]
    with pytest.raises(CaptureIncomplete, match="never arrived in the message box") as caught:
        typing.plays()
    assert not isinstance(caught.value, MessageLost)


def test_windows_that_take_what_is_typed_are_named(typing: Typing) -> None:
    typing.arrives, typing.context.windows = False, lambda: 5
    typing.at_submit = [lambda: None, lambda: None]
    fronts: list[int] = []

    def to_front() -> Steps:
        fronts.append(typing.typed)
        yield from ()

    typing.context.page.to_front = to_front
    with pytest.raises(CaptureIncomplete, match="box: the page opened 5 windows, which take what is typed"):
        typing.plays()
    assert fronts == [1]


def test_a_worker_that_cannot_be_watched_may_have_sent_the_message(typing: Typing) -> None:
    typing.context.wire.blind = ["a shared worker (http://a/w.js)"]
    typing.arrives = True
    typing.at_submit = [lambda: None, lambda: None]
    with pytest.raises(CaptureIncomplete) as caught:
        typing.plays()
    assert not isinstance(caught.value, MessageLost)
    assert "a shared worker (http://a/w.js) runs beside the page" in caught.value.what
