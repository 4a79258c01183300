"""A lane's chats, contexts and scenarios, with a browser window that a test plays: what is sent, and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Error

from e2e.capture.lane import lane as lane_module
from e2e.capture.lane.lane import Lane
from e2e.capture.lane.plays import PlayQueue
from e2e.capture.recording.recorder import LaneRecorder
from e2e.capture.scenarios import turns
from e2e.capture.scenarios.catalogue import Scenario
from e2e.capture.session_ids.redaction import Redactor
from e2e.errors import Blocked, CaptureIncomplete, HarnessError, MessageLost
from e2e.pages.waits import Steps, Wait
from e2e.profile.profile import Profile
from e2e.records.journal import Journal
from e2e.records.records import Chat, Event
from e2e.selftest.unit.capture.recording.test_recorder import changed

REFUSED = "the backend answered 429"


class Memory:
    """Keeps the records of a run."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.chats: list[Chat] = []

    def event(self, event: Event) -> None:
        self.events.append(event)

    def chat(self, chat: Chat) -> None:
        self.chats.append(chat)

    def flush(self) -> None: ...


class Fake:
    """One lane whose window, page and turns are this object's; ``fails`` maps the number of a message to what it raises."""

    def __init__(self, profile: Profile, folder: Path | None) -> None:
        self.profile, self.folder = profile, folder
        self.written = Memory()
        self.recorder = LaneRecorder(0, profile, Journal("run-1", self.written), Redactor(key="k"))
        self.fails: dict[int, Exception] = {}
        self.dialogs = 0
        self.opening_fails: Exception | None = None
        self.refusal: Blocked | None = None
        self.problems: list[tuple[str, str]] = []
        self.why_stopped = ""
        self.enough_after: int | None = None
        self.goes_on = False
        self.trace = False
        self.log: list[str] = []
        self.undrawable = False
        self.opens = True
        self.windows = 0
        self.waits = False

    # -- the window

    def window(self, run_context: Any, recorder: LaneRecorder, lane: int) -> Any:
        self.windows += 1
        number = self.windows

        def screenshot() -> bytes:
            if self.undrawable:
                raise Error("no page")
            return b"picture"

        return SimpleNamespace(
            context=f"context-{number}",
            dialogs=self.dialogs,
            page=SimpleNamespace(screenshot=screenshot) if self.opens else None,
            open=self.lane_context,
            close=lambda: self.log.append(f"close {number}"),
        )

    def lane_context(self) -> Any:
        if not self.opens:
            raise Error("BrowserContext.new_page: Target crashed")

        def verb(name: str) -> Callable[..., Steps]:
            def steps(*args: Any) -> Steps:
                self.log.append(" ".join([name, *(a for a in args if isinstance(a, str))]))
                failure = self.fails_of.pop(name, None)
                if failure is not None:
                    raise failure
                yield from ()

            return steps

        page = SimpleNamespace(open=verb("open"), run=verb("run"), wait_for=verb("wait_for"))
        return SimpleNamespace(
            recorder=self.recorder,
            profile=self.profile,
            page=page,
            watches=True,
            refusal=lambda: self.refusal,
        )

    fails_of: dict[str, Exception]

    # -- what a lane does in it

    def open_page(self, context: Any) -> Steps:
        self.log.append("open_page")
        if self.opening_fails is not None:
            raise self.opening_fails
        yield from ()

    def greeting(self, context: Any) -> Steps:
        self.log.append("greeting")
        yield from ()

    def new_chat(self, context: Any) -> Steps:
        self.recorder.begin_chat("new_chat")
        yield from ()

    def message(self, context: Any) -> Steps:
        number = self.recorder.sent_messages
        self.recorder.begin_message(f"message {number}")
        if number in self.fails:
            raise self.fails[number]
        if self.waits:
            yield Wait(bool, 1, lambda: HarnessError("late"))

    def scenario(self, name: Any, failure: Exception | None = None, messages: int = 1) -> Scenario:
        def play(context: Any) -> Steps:
            self.log.append(f"play {name}")
            self.recorder.begin_chat("new_chat")
            yield from self.message(context)
            if failure is not None:
                raise failure
            self.recorder.end_chat()

        return Scenario(name, messages, play)

    def run(self, chats: int, *plays: Scenario) -> Lane:
        lane = self.lane(chats, *plays)
        for _ in lane.steps():
            raise AssertionError("nothing here waits")
        return lane

    def lane(self, chats: int, *plays: Scenario) -> Lane:
        def enough() -> bool:
            done = sum(c.scenario == "plain" for c in self.written.chats)
            return self.enough_after is not None and done >= self.enough_after

        run_context: Any = SimpleNamespace(
            profile=self.profile,
            url="http://chat/",
            folder=self.folder,
            trace=self.trace,
            goes_on=self.goes_on,
            problem=lambda error, place: self.problems.append((error.what, place)),
            stopped=lambda: self.why_stopped,
            enough=enough,
        )
        return Lane(0, chats, run_context, self.recorder, PlayQueue(plays))

    # -- what came of it

    @property
    def sent(self) -> list[int]:
        """Messages of each chat."""
        return [len(c.messages) for c in self.written.chats]

    @property
    def contexts(self) -> list[int]:
        return [c.context for c in self.written.chats]

    @property
    def statuses(self) -> list[str]:
        return [c.status for c in self.written.chats]

    @property
    def whys(self) -> list[str]:
        """Why the lane went on in another browser context."""
        return [e.data["why"] for e in self.written.events if e.kind == "context"]


@pytest.fixture
def make_fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Fake]:
    def make(**parts: dict[str, Any]) -> Fake:
        fake = Fake(changed(**parts), tmp_path)
        fake.fails_of = {}
        opening = SimpleNamespace(
            open_page=fake.open_page,
            new_chat=fake.new_chat,
            first_message=fake.message,
            greeting=fake.greeting,
        )
        monkeypatch.setattr(lane_module, "Window", fake.window)
        monkeypatch.setattr(lane_module, "opening", opening)
        monkeypatch.setattr(
            lane_module, "turns", SimpleNamespace(message=fake.message, NoReply=turns.NoReply)
        )
        return fake

    return make


@pytest.fixture
def fake(make_fake: Callable[..., Fake]) -> Fake:
    return make_fake()


def limit(condition: str = "rate-limited") -> Blocked:
    return Blocked(REFUSED, condition=condition)


class TestChats:
    def test_the_first_chat_begins_with_the_page_and_the_others_with_new_chat(self, fake: Fake) -> None:
        lane = fake.run(3)
        assert [c.via for c in fake.written.chats] == ["load", "new_chat", "new_chat"]
        assert (fake.sent, fake.statuses) == ([1, 1, 1], ["observed"] * 3)
        assert (lane.plain_chats, lane.sent_messages, fake.problems) == (3, 3, [])
        assert fake.log == ["open_page", "greeting"]

    @pytest.mark.parametrize(("chats", "sent"), [(1, [2]), (2, [1, 2]), (4, [1, 2, 1, 1])])
    def test_the_second_chat_goes_on_or_the_only_one(self, fake: Fake, chats: int, sent: list[int]) -> None:
        fake.goes_on = True
        fake.run(chats)
        assert fake.sent == sent

    def test_an_id_that_comes_with_the_first_reply_takes_two_messages_to_be_sent(
        self, make_fake: Callable[..., Fake]
    ) -> None:
        fake = make_fake(policy={"rotation": "on_first_reply"})
        fake.goes_on = True
        fake.run(3)
        assert fake.sent == [2, 3, 2]

    def test_a_run_that_has_enough_ends_after_the_chat_under_way(self, fake: Fake) -> None:
        fake.enough_after = 2
        lane = fake.run(9, fake.scenario("reload"))
        assert [c.scenario for c in fake.written.chats] == ["plain", "plain", "reload"]
        assert lane.plain_chats == 2

    def test_a_run_that_has_enough_at_once_still_has_one_chat_of_each_lane(self, fake: Fake) -> None:
        fake.enough_after = 0
        assert fake.run(3).plain_chats == len(fake.written.chats) == 1


class TestLimits:
    def test_a_context_ends_before_a_message_too_many(self, make_fake: Callable[..., Fake]) -> None:
        fake = make_fake(limits={"messages_per_context": 2})
        fake.run(5)
        assert fake.contexts == [0, 0, 1, 1, 2]
        assert fake.whys == ["limits.messages_per_context = 2"] * 2
        assert fake.log.count("close 1") == fake.log.count("close 2") == 1
        assert [c.via for c in fake.written.chats] == ["load", "new_chat", "load", "new_chat", "load"]

    def test_a_chat_that_goes_on_needs_room_for_both_messages(self, make_fake: Callable[..., Fake]) -> None:
        fake = make_fake(limits={"messages_per_context": 2})
        fake.goes_on = True
        fake.run(3)
        assert (fake.contexts, fake.sent) == ([0, 1, 2], [1, 2, 1])

    def test_a_scenario_needs_room_for_all_its_messages(self, make_fake: Callable[..., Fake]) -> None:
        """A context of its own needs a chat that opens it, and that chat is the scenario's too."""
        fake = make_fake(limits={"messages_per_context": 4})
        fake.run(2, fake.scenario("reload", messages=2), fake.scenario("mid-stream", messages=2))
        assert [(c.scenario, c.context) for c in fake.written.chats] == [
            ("plain", 0),
            ("plain", 0),
            ("reload", 0),
            ("mid-stream", 1),
            ("mid-stream", 1),
        ]


class TestRefusals:
    def test_two_in_a_row_end_the_lane(self, fake: Fake) -> None:
        fake.fails = {1: limit(), 2: limit()}
        fake.run(5, fake.scenario("reload"))
        assert fake.statuses == ["observed", "blocked", "blocked"]
        assert fake.problems == [(f"rate-limited: {REFUSED}", f"lane 0, chat {n}") for n in (1, 2)]
        assert [c.reason for c in fake.written.chats][1:] == [f"rate-limited: {REFUSED}"] * 2

    def test_a_chat_that_works_between_them_starts_the_count_anew(self, fake: Fake) -> None:
        fake.fails = {1: limit(), 3: limit()}
        fake.run(5)
        assert fake.statuses == ["observed", "blocked", "observed", "blocked", "observed"]
        assert fake.windows == 1

    def test_a_reply_that_never_ends_ends_the_lane_at_once(self, fake: Fake) -> None:
        fake.fails = {1: turns.NoReply("the reply did not end")}
        fake.run(5, fake.scenario("reload"))
        assert fake.statuses == ["observed", "blocked"]

    def test_the_limit_of_a_browser_is_answered_with_another_one(self, fake: Fake) -> None:
        fake.fails = {n: limit("daily-limit") for n in (1, 3)}
        fake.run(5)
        assert fake.statuses == ["observed", "blocked", "observed", "blocked", "observed"]
        assert fake.contexts == [0, 0, 1, 1, 2]
        assert fake.whys == ["the browser context's limit was reached"] * 2

    def test_a_limit_that_the_first_chat_of_a_browser_meets_is_not_the_browsers(self, fake: Fake) -> None:
        fake.fails = {0: limit("daily-limit"), 1: limit()}
        fake.run(5)
        assert (fake.statuses, fake.windows) == (["blocked"] * 2, 1)

    def test_what_the_page_shows_explains_what_could_not_be_seen(self, fake: Fake) -> None:
        fake.fails, fake.refusal = {1: CaptureIncomplete("no payload")}, limit("login-wall")
        fake.run(2)
        assert fake.problems == [(f"login-wall: {REFUSED}", "lane 0, chat 1")]
        assert fake.statuses == ["observed", "blocked"]

    def test_a_refusal_is_not_explained_by_another_one(self, fake: Fake) -> None:
        fake.fails, fake.refusal = {1: limit()}, limit("login-wall")
        fake.run(2)
        assert fake.problems == [(f"rate-limited: {REFUSED}", "lane 0, chat 1")]

    def test_dialogs_for_ever_are_the_reason_of_what_could_not_be_done(self, fake: Fake) -> None:
        fake.fails, fake.dialogs = {1: CaptureIncomplete("no payload")}, 500
        fake.run(2)
        assert "it opened 500 dialogs" in fake.problems[0][0]
        assert [c.status for c in fake.written.chats] == ["observed", "lost"]

    def test_a_page_that_cannot_be_opened_is_a_reason(self, fake: Fake) -> None:
        fake.opens = False
        fake.run(2)
        assert fake.problems == [
            ("the browser could not go on: BrowserContext.new_page: Target crashed", "lane 0")
        ]

    def test_what_the_page_does_not_explain_ends_the_lane_as_it_is(self, fake: Fake) -> None:
        fake.fails = {1: CaptureIncomplete("no payload")}
        fake.run(5)
        assert fake.problems == [("no payload", "lane 0, chat 1")]
        assert fake.statuses == ["observed", "lost"]

    def test_a_lost_message_is_no_problem_of_the_run_and_two_end_the_lane(self, fake: Fake) -> None:
        fake.fails = {1: MessageLost("nothing left"), 2: MessageLost("nothing left")}
        fake.run(5)
        assert (fake.statuses, fake.problems) == (["observed", "lost", "lost"], [])
        assert fake.written.chats[1].reason == "nothing left"
        assert sorted(p.name for p in fake.folder.iterdir()) == ["lane-0-chat-1.png", "lane-0-chat-2.png"]  # type: ignore[union-attr]


class TestEnds:
    def test_a_page_that_does_not_open_is_a_problem(self, fake: Fake) -> None:
        fake.opening_fails = HarnessError("no page")
        fake.run(2)
        assert fake.problems == [("no page", "lane 0, chat 0")]
        assert [(c.status, c.reason) for c in fake.written.chats] == [("lost", "no page")]

    def test_a_refusal_at_the_door_is_a_blocked_chat(self, fake: Fake) -> None:
        fake.opening_fails = limit("login-wall")
        fake.run(2)
        assert fake.statuses == ["blocked"]

    def test_a_browser_that_fails_is_a_problem_with_a_picture(self, fake: Fake) -> None:
        fake.fails = {1: Error("Target closed\nlog")}
        fake.run(2)
        assert fake.problems == [("the browser could not go on: Target closed", "lane 0, chat 1")]
        assert fake.statuses == ["observed", "lost"]
        assert fake.folder is not None
        assert (fake.folder / "lane-0-chat-1.png").read_bytes() == b"picture"

    def test_a_browser_that_ends_with_the_run_is_none(self, fake: Fake) -> None:
        fake.fails, fake.why_stopped = {1: Error("Target closed")}, "the backend is down"
        fake.run(2)
        assert (fake.problems, list(fake.folder.iterdir())) == ([], [])  # type: ignore[union-attr]
        assert [(c.status, c.reason) for c in fake.written.chats][1:] == [("lost", "the backend is down")]

    def test_a_page_that_cannot_be_drawn_does_not_hide_the_reason(self, fake: Fake) -> None:
        fake.fails, fake.undrawable = {1: HarnessError("no payload")}, True
        fake.run(2)
        assert [what for what, _ in fake.problems] == ["no payload"]

    def test_where_nothing_is_recorded_there_is_no_picture(self, fake: Fake) -> None:
        fake.fails, fake.folder = {1: HarnessError("no payload")}, None
        fake.run(2)
        assert [what for what, _ in fake.problems] == ["no payload"]

    def test_a_chat_that_is_under_way_when_the_run_ends_is_lost(self, fake: Fake) -> None:
        fake.waits = True
        steps = fake.lane(2).steps()
        next(steps)
        steps.close()
        assert [(c.status, c.reason) for c in fake.written.chats] == [("lost", "the run ended")]

    def test_what_could_not_be_read_is_reported_when_the_lane_ends(
        self, fake: Fake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        unread = HarnessError("3 bodies could not be read")
        fake.recorder.unread = SimpleNamespace(problems=lambda: [unread])  # type: ignore[assignment]
        monkeypatch.setattr(fake.recorder, "record_undecoded", lambda: fake.log.append("undecoded"))
        fake.run(1)
        assert fake.problems == [("3 bodies could not be read", "")]
        assert fake.log[-1] == "undecoded"

    def test_a_lane_gives_what_the_run_asks_of_it_at_its_end(
        self, fake: Fake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            fake.recorder, "record_generated_ids", lambda known: fake.log.append(f"minted {known}")
        )
        lane = fake.run(1)
        fake.recorder.chats.request = request = object()  # type: ignore[assignment]
        lane.record_generated_ids({"a": "b"})
        assert lane.request is request
        assert fake.log[-1] == "minted {'a': 'b'}"


class TestScenarios:
    def test_they_follow_the_plain_chats_and_are_marked(self, fake: Fake) -> None:
        fake.run(2, fake.scenario("reload"), fake.scenario("mid-stream"))
        assert [c.scenario for c in fake.written.chats] == ["plain", "plain", "reload", "mid-stream"]
        assert fake.recorder.scenario == "plain"
        assert [e.data["scenario"] for e in fake.written.events if e.kind == "play"] == [
            "reload",
            "mid-stream",
        ]

    def test_a_lane_without_plain_chats_opens_a_window_for_its_scenarios(self, fake: Fake) -> None:
        fake.run(0, fake.scenario("reload"))
        assert [c.scenario for c in fake.written.chats] == ["reload", "reload"]

    @pytest.mark.parametrize(
        "failure", [CaptureIncomplete("no button"), Error("no button\nlog")], ids=["suite", "browser"]
    )
    def test_one_that_cannot_be_played_to_its_end_costs_only_itself(
        self, fake: Fake, failure: Exception
    ) -> None:
        fake.run(1, fake.scenario("reload", failure), fake.scenario("mid-stream"))
        assert fake.log[-2:] == ["greeting", "play mid-stream"]
        assert fake.whys == ["reload could not be played to its end"]
        assert fake.problems == []
        [unseen] = [e.data for e in fake.written.events if e.kind == "unseen"]
        assert unseen["scenario"] == "reload"
        assert "no button" in unseen["what"]
        assert [c.status for c in fake.written.chats] == ["observed", "lost", "observed", "observed"]
        assert [p.name for p in fake.folder.iterdir()] == ["lane-0-reload.png"]  # type: ignore[union-attr]

    def test_one_that_loses_a_message_is_judged_and_the_next_is_played(self, fake: Fake) -> None:
        fake.run(1, fake.scenario("reload", MessageLost("nothing left")), fake.scenario("mid-stream"))
        assert "play mid-stream" in fake.log
        assert not [e for e in fake.written.events if e.kind == "unseen"]
        assert (fake.windows, fake.problems) == (2, [])

    def test_a_browser_that_ends_with_the_run_is_no_scenario_that_failed(self, fake: Fake) -> None:
        fake.why_stopped = "the backend is down"
        fake.run(1, fake.scenario("reload", Error("closed")), fake.scenario("mid-stream"))
        assert "play mid-stream" not in fake.log
        assert fake.problems == []
        assert fake.written.chats[-1].reason == "the backend is down"

    def test_refusals_in_a_row_end_the_scenarios_too(self, fake: Fake) -> None:
        names = ("reload", "mid-stream", "two-tabs", "empty-chat")
        fake.fails = {2: limit(), 3: limit(), 4: limit()}
        fake.run(1, *(fake.scenario(name, limit()) for name in names))
        assert [e for e in fake.log if e.startswith("play")] == ["play reload"]
        assert len(fake.problems) == 2

    def test_a_scenario_that_works_starts_the_count_anew(self, fake: Fake) -> None:
        fake.fails = {1: limit()}
        fake.run(2, fake.scenario("reload"), fake.scenario("mid-stream", limit()), fake.scenario("two-tabs"))
        assert [e for e in fake.log if e.startswith("play")] == [
            "play reload",
            "play mid-stream",
            "play two-tabs",
        ]

    def test_the_limit_of_a_browser_does_not_end_the_scenarios(self, fake: Fake) -> None:
        fake.run(
            1,
            fake.scenario("reload", limit("daily-limit")),
            fake.scenario("mid-stream", limit("daily-limit")),
            fake.scenario("two-tabs"),
        )
        assert "play two-tabs" in fake.log
        assert fake.contexts == [0, 0, 1, 1, 2, 2]

    def test_a_reply_that_never_ends_ends_the_scenarios(self, fake: Fake) -> None:
        fake.run(
            1, fake.scenario("reload", turns.NoReply("the reply did not end")), fake.scenario("mid-stream")
        )
        assert "play mid-stream" not in fake.log
        assert [c.status for c in fake.written.chats] == ["observed", "blocked"]


class TestLogin:
    def test_the_user_logs_in_before_the_chat_opens(self, make_fake: Callable[..., Fake]) -> None:
        fake = make_fake()
        fake.profile = with_login(fake.profile, done=SimpleNamespace())
        fake.run(1)
        assert fake.log[:4] == [
            "open http://chat/login",
            "run login.steps",
            "wait_for login.done",
            "open_page",
        ]
        assert [e.kind for e in fake.written.events if e.kind in ("login", "open")] == ["login", "open"]

    def test_without_a_sign_of_its_end_a_login_may_lead_elsewhere(
        self, make_fake: Callable[..., Fake]
    ) -> None:
        fake = make_fake()
        fake.profile = with_login(fake.profile, done=None, url=None)
        fake.fails_of = {"wait_for": HarnessError("not there")}
        fake.run(1)
        assert fake.log[:4] == ["open http://chat/", "run login.steps", "wait_for where.ready", "open_page"]
        assert fake.statuses == ["observed"]

    @pytest.mark.parametrize("verb", ["run", "wait_for"])
    def test_a_login_that_fails_ends_the_lane(self, make_fake: Callable[..., Fake], verb: str) -> None:
        fake = make_fake()
        fake.profile = with_login(fake.profile, done=SimpleNamespace())
        fake.fails_of, fake.refusal = {verb: HarnessError("not there")}, limit("captcha")
        fake.run(1)
        assert [what for what, _ in fake.problems] == [f"captcha: {REFUSED}"]
        assert "open_page" not in fake.log


def with_login(profile: Profile, **login: Any) -> Any:
    fields = {"url": "http://chat/login", "steps": ("click",), "done": None} | login
    return profile.model_copy(update={"login": SimpleNamespace(**fields)})


class TestTraces:
    def test_the_first_context_is_traced_for_its_first_chats(
        self, make_fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fake = make_fake(limits={"messages_per_context": 4})
        fake.trace = True

        class Trace:
            def __init__(self, context: str, folder: Path, lane: int) -> None:
                fake.log.append(f"trace {context}")

            def stop(self) -> None:
                fake.log.append(f"stop after {len(fake.written.chats)}")

        monkeypatch.setattr(lane_module, "Trace", Trace)
        fake.run(5)
        assert [e for e in fake.log if e.startswith(("trace", "stop"))] == [
            "trace context-1",
            "stop after 3",
            "stop after 4",
        ]

    def test_a_lane_that_is_closed_closes_its_window(self, fake: Fake) -> None:
        lane = fake.run(1)
        assert lane.window is not None
        lane.close()
        assert fake.log[-1] == "close 1"
        assert lane.recorder is fake.recorder


LOST = "the browser's network service crashed, and the cookies with it"


class TestABrowserThatLostItsCookies:
    """A page goes on without its session then: what was seen of that chat is no fault of the page."""

    def lose_at(self, fake: Fake, message: int) -> None:
        lost_in: list[int] = []

        def look() -> str:
            if fake.recorder.sent_messages > message and not lost_in:
                lost_in.append(fake.windows)
            return LOST if lost_in == [fake.windows] else ""

        fake.recorder.chats.lost_sight = look

    def test_the_plain_chat_is_lost_and_the_lane_ends_with_the_reason(self, fake: Fake) -> None:
        self.lose_at(fake, 1)
        fake.run(4)
        assert fake.statuses == ["observed", "lost"]
        assert fake.written.chats[1].reason == LOST
        assert fake.problems == [(LOST, "lane 0, chat 1")]

    @pytest.mark.parametrize(
        "failure", [None, limit("login-wall"), MessageLost("nothing left"), Error("detached")]
    )
    def test_a_scenario_cannot_be_judged_and_the_next_one_has_a_fresh_context(
        self, fake: Fake, failure: Exception | None
    ) -> None:
        self.lose_at(fake, 1)
        fake.run(1, fake.scenario("rapid-send", failure), fake.scenario("reload"))
        unseen = [(e.data["scenario"], e.data["what"]) for e in fake.written.events if e.kind == "unseen"]
        assert unseen == [("rapid-send", LOST)]
        assert [(c.scenario, c.status) for c in fake.written.chats[:2]] == [
            ("plain", "observed"),
            ("rapid-send", "lost"),
        ]
        assert {c.status for c in fake.written.chats[2:]} == {"observed"}
        assert fake.contexts[2:] == [1] * len(fake.contexts[2:])

    def test_a_refusal_after_it_is_not_the_reason(self, fake: Fake) -> None:
        fake.fails[1] = limit("login-wall")
        self.lose_at(fake, 1)
        fake.run(2)
        assert fake.statuses == ["observed", "lost"]
        assert fake.problems == [(LOST, "lane 0, chat 1")]
