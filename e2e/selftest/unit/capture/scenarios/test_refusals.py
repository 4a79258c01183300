"""A message that was not taken: the environment's doing, which ends the chat, or part of the run, which goes on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.scenarios import lane_context, refusals
from e2e.capture.scenarios.lane_context import ADVICE, LaneContext, look_for_late_text, refused, unreadable
from e2e.capture.scenarios.refusals import WHY_REFUSED, not_taken, sign_of_refusal
from e2e.errors import Blocked, CaptureIncomplete
from e2e.pages.waits import Steps
from e2e.selftest.unit.capture.scenarios.test_steps import exchange

LOG = "look at the backend's log"


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(refusals, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.rejected: list[Blocked] = []
        self.shown: list[Blocked | None] = [None]
        self.of_another_tab = False
        signs = (SimpleNamespace(screen="a captcha", url=None),)
        self.context: Any = SimpleNamespace(
            profile=SimpleNamespace(blocked=signs, timeouts=SimpleNamespace(action=5.0)), rejected=self.rejected.append,
            refusal=lambda: self.shown.pop(0) if len(self.shown) > 1 else self.shown[0],
            recorder=SimpleNamespace(chats=SimpleNamespace(answered=True), refused_for_another_tab=lambda: self.of_another_tab),
        )  # fmt: skip

    def play(self, steps: Steps) -> int:
        """Pass the waits; returns how many there were."""
        waits = 0
        for wait in steps:
            waits += 1
            assert wait.asks_page
            while not wait.until():
                self.now += 0.05
        return waits


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


class TestNotTaken:
    @pytest.mark.parametrize(
        ("status", "condition", "hint"),
        [
            (429, "rate-limited", ADVICE["rate-limited"]),
            (401, "login-wall", ADVICE["login-wall"]),
            (403, "login-wall", ADVICE["login-wall"]),
            (407, "login-wall", ADVICE["login-wall"]),
            (399, "", LOG),
            (500, "", LOG),
            (503, "", LOG),
        ],
    )
    def test_the_environments_doing_ends_the_chat(
        self, scene: Scene, status: int, condition: str, hint: str
    ) -> None:
        with pytest.raises(Blocked) as error:
            scene.play(not_taken(scene.context, exchange(), status))
        kind = f"{condition}: " if condition else ""
        assert error.value.what == f"{kind}the chat's backend answered {status}"
        assert error.value.condition == condition
        assert error.value.hint == hint
        assert scene.rejected == []

    @pytest.mark.parametrize("status", [400, 404, 410, 499])
    def test_a_refused_id_is_part_of_the_run_where_others_were_taken(self, scene: Scene, status: int) -> None:
        scene.play(not_taken(scene.context, exchange(), status))
        ((what, hint, condition),) = [(e.what, e.hint, e.condition) for e in scene.rejected]
        assert (what, hint, condition) == (f"the chat's backend answered {status}", WHY_REFUSED, "")
        scene.context.recorder.chats.answered = False
        with pytest.raises(Blocked, match=f"answered {status}"):
            scene.play(not_taken(scene.context, exchange(), status))

    @pytest.mark.parametrize(("status", "passes"), [(404, True), (403, True), (429, False), (500, False)])
    def test_the_session_that_another_tab_ended_is_no_fault(
        self, scene: Scene, status: int, passes: bool
    ) -> None:
        scene.of_another_tab = True
        if passes:
            scene.play(not_taken(scene.context, exchange(), status))
            assert scene.rejected == []
        else:
            with pytest.raises(Blocked):
                scene.play(not_taken(scene.context, exchange(), status))

    def test_a_refusal_that_the_profile_names_counts_before_the_status(self, scene: Scene) -> None:
        scene.of_another_tab = True
        with pytest.raises(Blocked) as error:
            scene.play(not_taken(scene.context, exchange(refused="captcha"), 404))
        assert (error.value.condition, error.value.hint) == ("captcha", LOG)

    def test_a_sign_on_the_page_counts_where_the_status_has_no_meaning(self, scene: Scene) -> None:
        scene.shown = [None, None, refused("captcha", "the page shows a captcha")]
        with pytest.raises(Blocked, match="the page shows a captcha"):
            scene.play(not_taken(scene.context, exchange(), 404))
        scene.shown = [refused("captcha", "the page shows a captcha")]
        with pytest.raises(Blocked, match="answered 429"):
            scene.play(not_taken(scene.context, exchange(), 429))


class TestSign:
    def test_one_that_is_there_is_not_waited_for(self, scene: Scene) -> None:
        scene.shown = [refused("captcha", "it is there")]
        with pytest.raises(Blocked, match="it is there"):
            scene.play(sign_of_refusal(scene.context))
        assert scene.now == 100.0

    def test_none_within_half_a_second_is_none(self, scene: Scene) -> None:
        assert scene.play(sign_of_refusal(scene.context)) == 1
        assert scene.now == pytest.approx(100.55, abs=0.06)

    @pytest.mark.parametrize(
        ("signs", "waits"),
        [([], 0), ([(None, None)], 0), ([(None, None), ("x", None)], 1), ([(None, "/login")], 1)],
    )
    def test_a_profile_without_signs_on_the_page_costs_no_wait(
        self, scene: Scene, signs: list[Any], waits: int
    ) -> None:
        scene.context.profile.blocked = [SimpleNamespace(screen=s, url=u) for s, u in signs]
        assert scene.play(sign_of_refusal(scene.context)) == waits


class TestContext:
    def context(self, *signs: Any, address: str = "http://a/chat", shown: str = "") -> LaneContext:
        page: Any = SimpleNamespace(shows=lambda screen: screen == shown, address=address)
        profile: Any = SimpleNamespace(blocked=signs)
        some: Any = SimpleNamespace()
        return LaneContext(profile, page, some, some, None, some)

    def test_the_first_sign_that_is_there_names_the_refusal(self) -> None:
        wall = SimpleNamespace(kind="login-wall", screen=None, url="/login")
        captcha = SimpleNamespace(kind="captcha", screen="a captcha", url=None)
        status = SimpleNamespace(kind="rate-limited", screen=None, url=None)
        assert self.context(status, wall, captcha).refusal() is None
        found = self.context(status, wall, captcha, shown="a captcha").refusal()
        assert found is not None
        assert (found.what, found.condition) == ("captcha: the page shows a captcha", "captcha")
        found = self.context(captcha, wall, address="http://a/login?next=1").refusal()
        assert found is not None
        assert (found.what, found.condition) == (
            "login-wall: the page's address is that of a refusal",
            "login-wall",
        )

    @pytest.mark.parametrize(
        ("condition", "advice", "hint"),
        [
            ("captcha", "", ADVICE["captcha"]),
            ("captcha", "ask its owner", "ask its owner"),
            ("of another version", "", "look at the screenshot beside the evidence"),
        ],
    )
    def test_a_refusal_has_advice(self, condition: str, advice: str, hint: str) -> None:
        found = refused(condition, "no", advice)
        assert (found.what, found.hint, found.condition) == (f"{condition}: no", hint, condition)

    def test_a_slow_network_is_noted_in_milliseconds(self) -> None:
        context = self.context()
        done: list[Any] = []
        recorder: Any = SimpleNamespace(note=lambda kind, **data: done.append((kind, data)))
        wire: Any = SimpleNamespace(delay=done.append)
        context.recorder, context.wire = recorder, wire
        context.network(0.4)
        assert done == [("network", {"latency_ms": 400}), 0.4]

    @pytest.mark.parametrize(("shown", "looked"), [("Hello", ["Hello"]), ("", [""]), (None, [])])
    def test_late_text_is_looked_for_where_the_page_can_be_read(
        self, shown: str | None, looked: list[str]
    ) -> None:
        def conversing() -> Any:
            yield from ()
            return shown

        seen: list[str] = []
        context: Any = SimpleNamespace(
            page=SimpleNamespace(conversing=conversing), recorder=SimpleNamespace(shows=seen.append)
        )
        assert list(look_for_late_text(context)) == []
        assert seen == looked

    def test_what_cannot_be_read_or_opened_is_named(self) -> None:
        assert unreadable("the label")().what == "the label could not be read"
        with pytest.raises(CaptureIncomplete, match="this page cannot open another tab"):
            lane_context._no_tabs()
