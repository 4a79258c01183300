"""The steps of a chat one by one: what is asked of the page, in which order, what is waited for, and how a reply ended."""

from __future__ import annotations

from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.network.exchange import Exchange
from e2e.capture.network.wire_rules import Rule
from e2e.capture.scenarios import opening, turns
from e2e.capture.scenarios.habits import Habits
from e2e.errors import Blocked, CaptureIncomplete, HarnessError
from e2e.pages import waits
from e2e.pages.waits import Steps, Wait
from e2e.profile.profile import WireRule, load
from e2e.selftest.unit.capture.recording.test_recorder import Desk, desk, make_desk

__all__ = ["desk", "make_desk"]  # fixtures


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        for module in (opening, turns, waits):
            monkeypatch.setattr(
                module, "time", SimpleNamespace(monotonic=lambda: self.now, time=lambda: self.now)
            )

    def play(self, steps: Steps | Generator[Wait, None, Any]) -> list[float]:
        """Pass the waits; returns how long each took."""
        took: list[float] = []
        wait = next(steps, None)
        while wait is not None:
            began = self.now
            while not wait.until() and self.now - began <= wait.timeout:
                self.now += 0.01
            took.append(round(self.now - began, 2))
            try:
                wait = next(steps) if wait.until() else steps.throw(wait.late())
            except StopIteration:
                break
        return took


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Page:
    """Keeps what is asked of it; a test sets what happens then."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.on: dict[str, Any] = {}
        self.looks: list[dict[str, Any]] = [{}]

    def _look(self) -> Any:
        now = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        known: dict[str, Any] = {"stored": {}, "counts": {}, "texts": {}, "shown": None, "conversation": None}
        return SimpleNamespace(**known | now)

    def look(self, *what: Any, **more: Any) -> Any:
        self.calls.append(("look", *what, *more.items()))
        return self._look()

    def looking(self, *what: Any, **more: Any) -> Generator[Wait, None, Any]:
        self.calls.append(("looking", *what, *more.items()))
        yield from ()
        return self._look()

    def conversation(self) -> str | None:
        self.calls.append("conversation")
        text: str | None = self.on.get("conversation")
        return text

    def box(self, **_: Any) -> str:
        return "the box"

    def new_chat(self, look: Any, armed: Any, clicks: int) -> Steps:
        armed()
        self.calls.append(("new_chat", clicks))
        self.on.get("new_chat", lambda: None)()
        yield from ()

    def __getattr__(self, name: str) -> Any:
        def step(**more: Any) -> Steps:
            self.calls.append((name, *more.items()) if more else name)
            self.on.get(name, lambda: None)()
            yield from ()

        return step


class Scene:
    def __init__(self, clock: Clock, monkeypatch: pytest.MonkeyPatch, **policy: Any) -> None:
        self.page, self.notes, self.windows = Page(), [], 0  # type: ignore[var-annotated]
        store = SimpleNamespace(
            readable=True, rotated=False, rotated_at=0.0, current=None, look=self._noted("store.look")
        )
        self.recorder = SimpleNamespace(
            store=store, clicks=0, loads=1, restores=0, tab=0, last_signal=0.0, chat=SimpleNamespace(began=clock.now),
            note=self._noted("note"), expect_new_chat=self._noted("expect"), new_chat_by_address=self._noted("by address"),
            screen=self._noted("screen"), greeting=self._noted("greeting"), earlier_chat_in=lambda text: None,
        )  # fmt: skip
        self.wire = SimpleNamespace(
            in_flight={}, loading={}, last_sent=0.0, frame_sent=0.0, frame_received=0.0, sockets={"1": "ws://x"},
            left_page=self._noted("left page"), look_again=self._noted("look again"),
        )  # fmt: skip
        timeouts = SimpleNamespace(idle=0.15, action=5.0, reply=30.0, ready=10.0)
        new_chat = [SimpleNamespace(goto=policy.pop("goto", None))]
        self.context: Any = SimpleNamespace(
            page=self.page, recorder=self.recorder, wire=self.wire, habits=Habits(), watches=True, waits_for_rotation=True,
            acted_at=0.0, rotations=0, loads=1, windows=lambda: self.windows,
            profile=SimpleNamespace(
                timeouts=timeouts, policy=SimpleNamespace(**{"tabs": "share", "reload": "keeps"} | policy),
                steps=SimpleNamespace(new_chat=new_chat, starting=0),
            ),
        )  # fmt: skip
        self.sent: list[Any] = []

        def message(context: Any, look: Any = None, **_: Any) -> Steps:
            self.sent.append(look)
            yield from ()

        monkeypatch.setattr(opening, "message", message)

    def _noted(self, name: str) -> Any:
        return lambda *args, **more: self.notes.append((name, *args, *more.items()))

    def rotate(self, at: float = 100.0) -> None:
        self.recorder.store.rotated, self.recorder.store.rotated_at = True, at
        self.recorder.store.current = "s-2"


@pytest.fixture
def scene(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(clock, monkeypatch)


class TestNewChat:
    def hit(self, scene: Scene, *, loads: int = 0) -> None:
        def clicked() -> None:
            scene.recorder.clicks += 1
            scene.recorder.loads += loads
            scene.rotate()

        scene.page.on["new_chat"] = clicked

    def test_it_is_armed_clicked_and_settles(self, scene: Scene, clock: Clock) -> None:
        self.hit(scene)
        clock.play(opening.new_chat(scene.context))
        assert scene.page.calls == [("looking", "new_chat", ("stored", True)), ("new_chat", 1), "reopened"]
        assert scene.notes == [("store.look", {}), ("expect",)]
        assert (scene.context.acted_at, scene.context.rotations, scene.context.loads) == (100.0, 0, 1)

    def test_a_page_that_it_loads_is_opened_again(self, scene: Scene, clock: Clock) -> None:
        self.hit(scene, loads=1)
        clock.play(opening.new_chat(scene.context))
        assert scene.page.calls[-2:] == ["loaded_again", "reopened"]

    def test_without_settling_only_the_click_is_waited_for(self, scene: Scene, clock: Clock) -> None:
        self.hit(scene, loads=1)
        assert clock.play(opening.new_chat(scene.context, settle=False, clicks=2)) == [0.0]
        assert scene.page.calls[1:] == [("new_chat", 2), "reopened"]
        assert scene.context.rotations == 2

    def test_one_that_is_an_address_is_armed_as_such(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene = Scene(clock, monkeypatch, goto="/new")
        self.hit(scene)
        clock.play(opening.new_chat(scene.context))
        assert ("by address",) in scene.notes
        assert ("expect",) not in scene.notes

    def test_a_click_that_did_not_reach_it_is_named(self, scene: Scene, clock: Clock) -> None:
        with pytest.raises(CaptureIncomplete) as error:
            clock.play(opening.new_chat(scene.context))
        assert error.value.what == "the click on New Chat did not reach it"
        assert (error.value.where, error.value.hint) == (
            "steps.new_chat", "is the button covered or replaced at the click?",
        )  # fmt: skip
        assert clock.now == pytest.approx(105.0, abs=0.05)

    @pytest.mark.parametrize("second", [True, False])
    def test_a_click_that_a_window_of_the_page_took_is_repeated_once(
        self, scene: Scene, clock: Clock, second: bool
    ) -> None:
        def clicked() -> None:
            scene.recorder.clicks += second and scene.windows > 0
            scene.windows += 5
            scene.rotate()

        scene.page.on["new_chat"] = clicked
        if second:
            clock.play(opening.new_chat(scene.context))
        else:
            with pytest.raises(
                CaptureIncomplete, match="did not reach it: the page opened 10 windows"
            ) as error:
                clock.play(opening.new_chat(scene.context))
            assert error.value.where == ""  # it is no fault of the button
        again = ["to_front", ("looking", "new_chat"), ("new_chat", 1)]
        assert scene.page.calls[1:5] == [("new_chat", 1), *again]


class TestFirstMessage:
    def test_what_an_empty_chat_shows_is_noted(self, scene: Scene, clock: Clock) -> None:
        scene.page.looks = [{"counts": {"messages": 0}}]
        clock.play(opening.first_message(scene.context))
        assert scene.page.calls == [("looking", "the box", ("reads", ("messages",)))]
        assert (scene.notes, len(scene.sent)) == ([("screen", 0, "")], 1)

    @pytest.mark.parametrize(("read", "expected"), [("Hello", []), (None, ["conversation"])])
    def test_its_text_is_read_once(
        self, scene: Scene, clock: Clock, read: str | None, expected: list[str]
    ) -> None:
        scene.page.looks = [{"counts": {"messages": 2}, "conversation": read}]
        scene.page.on["conversation"] = "Hello"
        clock.play(opening.first_message(scene.context))
        assert scene.notes == [("screen", 2, "Hello")]
        assert scene.page.calls[1:] == expected

    def test_a_page_whose_messages_are_not_read_shows_nothing(self, scene: Scene, clock: Clock) -> None:
        clock.play(opening.first_message(scene.context))
        assert (scene.notes, len(scene.sent)) == ([], 1)

    @pytest.mark.parametrize(("goes", "screen", "took"), [(True, (0, ""), 0.0), (False, (2, "old"), 0.31)])
    def test_text_of_an_earlier_chat_may_go_within_two_quiet_times(
        self, scene: Scene, clock: Clock, goes: bool, screen: tuple[int, str], took: float
    ) -> None:
        scene.recorder.earlier_chat_in = lambda text: 3 if text == "old" else None
        scene.page.looks = [{"counts": {"messages": 2}, "conversation": "old"}]
        if goes:
            scene.page.looks.append({"counts": {"messages": 0}})
        assert clock.play(opening.first_message(scene.context)) == [pytest.approx(took, abs=0.011)]
        assert scene.notes == [("screen", *screen)]


class TestLoads:
    def test_a_page_is_open_when_it_has_its_session(self, scene: Scene, clock: Clock) -> None:
        scene.page.on["open"] = lambda: scene.rotate(at=100.5)
        assert clock.play(opening.open_page(scene.context)) == [0.0]
        assert scene.page.calls == [("open", ("again", False))]
        assert scene.context.habits.load.longest == 0.5

    @pytest.mark.parametrize(("tab", "tabs", "took"), [(0, "own", 0.0), (1, "share", 0.0), (1, "own", 3.01)])
    def test_a_tab_with_a_session_of_its_own_makes_another_one(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch, tab: int, tabs: str, took: float
    ) -> None:
        scene = Scene(clock, monkeypatch, tabs=tabs)
        scene.recorder.tab, scene.recorder.store.current = tab, "s-1"
        assert clock.play(opening.open_page(scene.context)) == [pytest.approx(took, abs=0.03)]
        assert scene.page.calls == [("open", ("again", tab > 0))]

    @pytest.mark.parametrize("what", ["waits_for_rotation", "readable"])
    def test_a_store_that_is_not_read_is_not_waited_for(self, scene: Scene, clock: Clock, what: str) -> None:
        setattr(scene.context if what == "waits_for_rotation" else scene.recorder.store, what, False)
        scene.context.acted_at = scene.context.rotations = 7
        assert clock.play(opening.open_page(scene.context)) == []
        assert (scene.context.acted_at, scene.context.rotations) == (0, 0)

    def test_a_reload_is_over_when_the_page_reported_its_start(self, scene: Scene, clock: Clock) -> None:
        scene.rotate()

        def loaded() -> None:
            assert not scene.recorder.store.rotated
            scene.recorder.loads += 1
            scene.recorder.store.current = "s-1"

        scene.page.on["reload"] = loaded
        clock.play(opening.reload(scene.context))
        assert scene.notes == [("note", "reload"), ("left page", 100.0)]

    def test_a_reload_that_is_not_reported_is_named(self, scene: Scene, clock: Clock) -> None:
        with pytest.raises(CaptureIncomplete, match="the reloaded page never reported its start"):
            clock.play(opening.reload(scene.context))
        assert clock.now == pytest.approx(110.0, abs=0.05)

    @pytest.mark.parametrize("forward", [False, True])
    def test_a_page_out_of_the_cache_is_looked_at_again(
        self, scene: Scene, clock: Clock, forward: bool
    ) -> None:
        def back() -> None:
            scene.recorder.restores += 1

        scene.page.on["go_back"] = back
        scene.context.acted_at = scene.context.rotations = 7
        clock.play(opening.away_and_back(scene.context, forward=forward))
        assert scene.page.calls[:2] == ["go_forward" if forward else "leave", "go_back"]
        assert scene.notes == [
            ("note", "away"), ("left page", 100.0), ("note", "back", ("restored", True)), ("look again",),
        ]  # fmt: skip
        assert (scene.wire.sockets, scene.context.acted_at, scene.context.rotations) == ({}, 0, 0)

    def test_a_page_that_back_loads_anew_keeps_its_new_sockets(self, scene: Scene, clock: Clock) -> None:
        def back() -> None:
            scene.recorder.loads += 1
            scene.recorder.store.current = "s-1"

        scene.page.on["go_back"] = back
        clock.play(opening.away_and_back(scene.context))
        assert scene.notes[-1] == ("note", "back", ("restored", False))
        assert scene.wire.sockets == {"1": "ws://x"}

    @pytest.mark.parametrize("how", ["away and back", "reload"])
    def test_a_page_that_makes_a_new_session_with_each_load_is_waited_for(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        """The rotation of New Chat, before, does not count."""
        scene = Scene(clock, monkeypatch, reload="rotates")
        scene.rotate()

        def loaded() -> None:
            scene.recorder.loads += 1

        scene.page.on["go_back" if how == "away and back" else "reload"] = loaded
        steps = opening.away_and_back if how == "away and back" else opening.reload
        clock.play(steps(scene.context))
        assert clock.now > 100.3

    def test_a_page_that_never_comes_back_is_named(self, scene: Scene, clock: Clock) -> None:
        with pytest.raises(CaptureIncomplete, match="the page that was restored never reported itself"):
            clock.play(opening.away_and_back(scene.context))


RULE = Rule(WireRule.model_validate({"url": "/chat", "session": "s"}))


def exchange(**fields: Any) -> Exchange:
    return Exchange(
        request="1", rule=RULE, transport="http", method="POST", url="http://x/chat", sent_at=1.0, session="s-1",
        history=None, body="", stack=[], **fields,
    )  # fmt: skip


class TestReplies:
    @pytest.mark.parametrize(
        ("outcome", "chunks", "cut"),
        [("", 0, False), ("ok", 0, False), ("failed", 0, True), ("failed", 3, True), ("cancelled", 0, True), ("cancelled", 1, False)],
    )  # fmt: skip
    def test_an_answer_that_was_cut(self, outcome: str, chunks: int, cut: bool) -> None:
        assert turns._was_cut(exchange(outcome=outcome, chunks=chunks)) is cut

    @pytest.mark.parametrize(
        ("fields", "may"),
        [
            ({}, False),
            ({"outcome": "ok", "status": 200}, False),
            ({"status": 399}, False),
            ({"status": 400}, True),
            ({"status": 503, "refused": "backend-down"}, True),
            ({"status": 429, "refused": "rate-limited"}, True),
            ({"status": 403, "refused": "captcha"}, False),
            ({"reports_failure": True}, True),
            ({"refused": "rate-limited"}, True),
            ({"outcome": "failed"}, True),
            ({"outcome": "failed", "refused": "login-wall"}, False),
        ],
    )
    def test_a_page_may_try_again(self, fields: dict[str, Any], may: bool) -> None:
        assert turns._may_be_retried(exchange(**fields)) is may

    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            ({}, ""),
            ({"exchange_finished": True}, "exchange finished"),
            ({"gone": "a dot", "shown": "a check mark"}, "a dot gone, a check mark shown"),
            (
                {"exchange_finished": True, "text_stable_for": 0.5},
                "exchange finished, text settled for 0.5 s",
            ),
        ],
    )
    def test_the_rule_for_its_end_in_words(self, rule: dict[str, Any], words: str) -> None:
        known: dict[str, Any] = {
            "exchange_finished": False,
            "gone": None,
            "shown": None,
            "text_stable_for": None,
        }
        profile: Any = SimpleNamespace(reply=SimpleNamespace(**known | rule))
        assert turns._how(profile) == words

    @pytest.mark.parametrize(
        ("fields", "seen"),
        [({}, "no answer at all"), ({"status": 200, "chunks": 3}, "status 200, 3 chunks")],
    )
    def test_a_reply_that_does_not_end(self, desk: Desk, fields: dict[str, Any], seen: str) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello (0a1b2c3d)")
        context: Any = SimpleNamespace(recorder=desk.recorder, profile=load("reference"))
        error = turns.no_end(context, exchange(**fields))()
        reply = context.profile.timeouts.reply
        assert isinstance(error, turns.NoReply)
        assert error.what == f"no complete reply within {reply:g} s ({seen})"
        assert error.hint.startswith("is the backend slow or stuck? (timeouts.reply; ")

    def scene(self, clock: Clock, **profile: Any) -> Any:
        timeouts = SimpleNamespace(idle=0.15, action=5.0, reply=30.0)
        known: dict[str, Any] = {"timeouts": timeouts, "screen": SimpleNamespace(provider=None)}
        labels: list[Any] = []
        return SimpleNamespace(
            page=Page(), profile=SimpleNamespace(**known | profile), recorder=SimpleNamespace(label=labels.append), labels=labels
        )  # fmt: skip

    @pytest.mark.parametrize("wanted", [True, False])
    def test_a_sign_on_the_screen_is_waited_for(self, clock: Clock, wanted: bool) -> None:
        context = self.scene(clock)
        context.page.looks = [{"shown": not wanted}, {"shown": not wanted}, {"shown": wanted}]
        locate: Any = "a dot"
        looks: list[Any] = []

        def until_shown() -> Steps:
            look = yield from turns._until_shown(
                context, locate, wanted, clock.now + 5, lambda: Blocked("late")
            )
            looks.append(look.shown)

        clock.play(until_shown())
        assert looks == [wanted]
        assert context.page.calls == [("looking", ("reads", ()), ("shows", "a dot"))] * 3
        context.page.looks = [{"shown": not wanted}]
        with pytest.raises(Blocked, match="late"):
            clock.play(turns._until_shown(context, locate, wanted, clock.now + 1, lambda: Blocked("late")))

    def test_text_is_settled_when_it_has_not_changed(self, clock: Clock) -> None:
        context = self.scene(clock)
        context.page.looks = [{"texts": {"messages": t}} for t in ("a", "ab", "abc", "abc")]
        (took,) = clock.play(turns._text_settled(context, 0.5, clock.now + 9, lambda: Blocked("late")))
        assert took == pytest.approx(0.52, abs=0.015)

    @pytest.mark.parametrize(
        ("looks", "label"),
        [(["Big hat"], "Big hat"), (["", "", "Big hat"], "Big hat"), ([""], None)],
    )
    def test_a_label_may_come_late_or_not_at_all(
        self, clock: Clock, looks: list[str], label: str | None
    ) -> None:
        context = self.scene(clock, screen=SimpleNamespace(provider="a label"))
        context.page.looks = [{"texts": {"provider": text}} for text in looks]
        clock.play(turns._label(context, None))
        assert context.labels == [label]

    def test_without_a_place_for_it_no_label_is_read(self, clock: Clock) -> None:
        context = self.scene(clock)
        clock.play(turns._label(context, None))
        assert (context.labels, context.page.calls) == ([], [])


class TestNoReply:
    @pytest.mark.parametrize("hangs", [True, False])
    def test_a_page_that_answers_nothing_is_the_reason(
        self, monkeypatch: pytest.MonkeyPatch, clock: Clock, *, hangs: bool
    ) -> None:
        """A page that looped for ever was reported as a backend that is slow or stuck."""

        def one(*_: Any) -> Steps:
            yield from ()
            raise turns.NoReply("no complete reply within 6 s")

        def answering() -> Steps:
            yield from ()
            if hangs:
                raise CaptureIncomplete("a look at the page did not end within 4 s")

        monkeypatch.setattr(turns, "_one_message", one)
        context: Any = SimpleNamespace(page=SimpleNamespace(answering=answering))
        with pytest.raises(HarnessError) as raised:
            clock.play(turns.message(context))
        assert isinstance(raised.value, turns.NoReply) is not hangs


class TestPauses:
    """A refusal may say when to come back."""

    @pytest.mark.parametrize(("after", "again"), [(2.0, True), (5.0, True), (5.1, False), (None, False)])
    def test_it_is_waited_for_once_within_the_profiles_limit(
        self, monkeypatch: pytest.MonkeyPatch, clock: Clock, after: float | None, again: bool
    ) -> None:
        tries: list[Any] = []

        def one(context: Any, look: Any, after: str, text: str) -> Steps:
            tries.append((look, after, text))
            if len(tries) == 1:
                raise Blocked("too many")
            yield from ()

        monkeypatch.setattr(turns, "_one_message", one)
        paused: list[float] = []
        notes: list[Any] = []
        context: Any = SimpleNamespace(
            recorder=SimpleNamespace(
                exchange=SimpleNamespace(retry_after=after), note=lambda *a, **m: notes.append((*a, m))
            ),
            profile=SimpleNamespace(limits=SimpleNamespace(retry_after=5.0)),
            pace=SimpleNamespace(pause=paused.append),
        )
        look: Any = "a look"
        if again:
            clock.play(turns.message(context, look, after="reload", text="x"))
            assert tries == [("a look", "reload", "x"), (None, "reload", "x")]
            assert (paused, notes) == ([after], [("retry", {"seconds": after, "why": "too many"})])
        else:
            with pytest.raises(Blocked, match="too many"):
                clock.play(turns.message(context, look))
            assert (len(tries), paused) == (1, [])


class TestSettling:
    """What is waited for after New Chat, and what is learned from it."""

    def settling(self, scene: Scene, **fields: Any) -> Any:
        scene.context.rotations, scene.context.acted_at = 1, 100.0
        also_quiet = fields.pop("also_quiet", False)
        for name, value in fields.items():
            thing = scene.wire if hasattr(scene.wire, name) else scene.context
            setattr(thing, name, value)
        added: list[Any] = []
        for kind in ("rotation", "answer"):
            learned = SimpleNamespace(
                longest=0.0, longest_wait=lambda least, most: 2.0,
                add=lambda took, kind=kind: added.append((kind, round(took, 3))),
                add_missing=lambda waited, most, kind=kind: added.append((kind, "missing", round(waited, 3), most)),
            )  # fmt: skip
            setattr(scene.context.habits, kind, learned)
        found: Any = opening._Settling(scene.context, also_quiet)
        self.added = added
        return found

    @pytest.mark.parametrize(
        ("rotated_at", "fields", "learned", "left"),
        [
            (100.7, {}, [("rotation", 0.7)], 0),
            (99.0, {}, [("rotation", 0.0)], 0),
            (None, {}, [("rotation", "missing", 3.0, 5.0)], 0),
            (100.7, {"rotations": 2}, [("rotation", 0.7)], 2),
            (100.7, {"rotations": 2, "also_quiet": True}, [], 0),
            (100.7, {"also_quiet": True}, [("rotation", 0.7)], 0),
            (None, {"waits_for_rotation": False}, [], 1),
            (None, {"rotations": 0}, [], 0),
        ],
    )
    def test_how_long_a_rotation_took(
        self,
        scene: Scene,
        clock: Clock,
        rotated_at: float | None,
        fields: dict[str, Any],
        learned: list[Any],
        left: int,
    ) -> None:
        rotations = fields.get("rotations", 1)
        one = self.settling(scene, **fields)
        assert scene.context.rotations == rotations
        if rotated_at is not None:
            scene.rotate(rotated_at)
        clock.now = 103.0
        one.learn()
        assert (self.added, scene.context.rotations) == (learned, left)

    def test_outside_of_a_chat_no_rotation_is_learned(self, scene: Scene, clock: Clock) -> None:
        one = self.settling(scene)
        scene.recorder.chat = None
        one.learn()
        assert self.added == []

    @pytest.mark.parametrize(
        ("sent", "received", "learned"),
        [
            (100.5, 101.0, [("answer", 0.5)]),
            (100.5, 100.5, [("answer", 0.0)]),
            (100.5, 100.4, [("answer", "missing", 2.5, 5.0)]),
            (99.0, 101.0, []),
            (0.0, 0.0, []),
        ],
    )
    def test_how_long_an_answer_to_a_frame_took(
        self, scene: Scene, clock: Clock, sent: float, received: float, learned: list[Any]
    ) -> None:
        one = self.settling(scene, frame_sent=sent, frame_received=received, waits_for_rotation=False)
        clock.now = 103.0
        one.learn()
        assert self.added == learned

    @pytest.mark.parametrize(
        ("fields", "until"),
        [
            ({}, 0.15),
            ({"last_sent": 101.0}, 1.15),
            ({"in_flight": {"1": 100.0}}, 30.0),
            ({"in_flight": {"1": 99.8}}, 0.15),  # it was under way long before New Chat
            ({"loading": {"1": 100.5}}, 30.0),
            ({"loading": {"1": 99.5}}, 0.15),
            ({"frame_sent": 100.0}, 2.0),
            ({"frame_sent": 100.0, "frame_received": 100.1}, 0.15),
        ],
    )
    def test_without_a_rotation_a_page_has_settled_when_it_is_quiet(
        self, scene: Scene, clock: Clock, fields: dict[str, Any], until: float
    ) -> None:
        one = self.settling(scene, waits_for_rotation=False, **fields)
        while not one.over():
            clock.now += 0.01
            assert clock.now < 140
        assert clock.now - 100 == pytest.approx(until, abs=0.02)

    def test_a_page_that_never_rests_is_no_reason_to_stop(self, scene: Scene, clock: Clock) -> None:
        one = self.settling(scene, waits_for_rotation=False)
        while not one.over():
            clock.now += 0.01
            scene.wire.last_sent = clock.now
        assert clock.now - 100 == pytest.approx(5.0, abs=0.02)

    @pytest.mark.parametrize(("also_quiet", "until"), [(False, 1.0), (True, 1.65)])
    def test_a_rotation_ends_the_wait_unless_it_is_to_be_quiet_too(
        self, scene: Scene, clock: Clock, also_quiet: bool, until: float
    ) -> None:
        one = self.settling(scene, also_quiet=also_quiet)
        while not one.over():
            clock.now += 0.01
            if clock.now >= 101.0 and not scene.recorder.store.rotated:
                scene.rotate(clock.now)
            scene.wire.last_sent = min(clock.now, 101.5)
        assert clock.now - 100 == pytest.approx(until, abs=0.03)
