"""What a run does once: what it records of itself, problems, Ctrl-C, the backend's probes, files of the page. Without a browser."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import httpx
import pytest

from e2e.capture.code import source_maps
from e2e.capture.run import runner as runner_module
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.run.shards import Shard
from e2e.capture.target.backend_client import Answer
from e2e.errors import Blocked, CaptureIncomplete, HarnessError, InvalidProfile, MessageLost
from e2e.profile.profile import load
from e2e.records.evidence import read_run
from e2e.records.records import CodePlace

URL = "http://user:secret@127.0.0.1:9/?token=secret"


class Browser:
    """Playwright's browser, as far as a run without pages needs it."""

    version = "156.0"

    def __init__(self, name: str = "chromium") -> None:
        self.browser_type = SimpleNamespace(name=name)
        self.listeners: dict[str, Callable[[Any], None]] = {}

    def on(self, event: str, listener: Callable[[Any], None]) -> None:
        self.listeners[event] = listener

    def remove_listener(self, event: str, listener: Callable[[Any], None]) -> None:
        assert self.listeners.pop(event) is listener


class Waiter:
    """Keeps what it is asked to do."""

    def __init__(self) -> None:
        self.woken = 0
        self.limits: list[tuple[float, Any]] = []
        self.closed: list[Any] = []
        self.driver_ended: list[Callable[[], None]] = []

    def guarded(self, handler: Any) -> Any:
        return handler

    def when_driver_ends(self, call: Callable[[], None]) -> Callable[[], None]:
        self.driver_ended.append(call)
        return self.driver_ended.clear

    @contextmanager
    def at_most(self, seconds: float, late: Any) -> Iterator[None]:
        self.limits.append((seconds, late))
        yield

    def wake_from_thread(self) -> None:
        self.woken += 1

    def close_soon(self, context: Any) -> None:
        self.closed.append(context)


class Scene:
    """A run, with its browser and its waiter."""

    made: ClassVar[list[Runner]] = []

    def __init__(
        self, out: Path, *, profile: Any = None, name: str = "chromium", args: Any = None, runner: Any = None, **plan: Any,
    ) -> None:  # fmt: skip
        self.browser, self.waiter = Browser(name), Waiter()
        known: dict[str, Any] = {"chats": 4, "lanes": 2, "trace": False} | plan
        profile = profile or load("reference")
        self.plan = Plan(profile, URL, known.pop("chats"), known.pop("lanes"), out, **known)
        playwright: Any = None
        browser: Any = self.browser
        waiter: Any = self.waiter
        args = {"user_agent": "an agent"} if args is None else args
        self.runner = Runner(self.plan, playwright, browser, args, waiter=waiter, **(runner or {}))
        self.made.append(self.runner)

    def play(self) -> None:
        with self.runner.going():
            pass

    @property
    def records(self) -> Any:
        return read_run(self.runner.folder)

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [dict(e.data) for e in self.records.events if e.kind == kind]


@pytest.fixture(autouse=True)
def no_backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Stands in for the backend's own interface; it has the clients that were made."""
    made: list[Any] = []

    def client(backend: Any, url: str, wake: Any) -> Any:
        found = SimpleNamespace(url=url, closed=0)
        found.close = lambda: setattr(found, "closed", found.closed + 1)
        made.append(found)
        return found

    monkeypatch.setattr(runner_module, "BackendClient", client)
    monkeypatch.setattr(runner_module, "probe", lambda backend, report: None)
    yield made
    while Scene.made:
        if (writer := Scene.made.pop()._writer) is not None:
            writer.close()


@pytest.mark.parametrize(("named", "full", "clients"), [(True, True, 1), (True, False, 0), (False, True, 0)])
def test_the_backend_is_called_where_the_profile_has_one_and_the_run_records(
    tmp_path: Path, no_backend: list[Any], named: bool, full: bool, clients: int
) -> None:
    profile = load("reference")
    scene = Scene(
        tmp_path, profile=profile if named else profile.model_copy(update={"backend": None}), full=full
    )
    scene.play()
    assert [client.closed for client in no_backend] == [1] * clients


class TestMeta:
    def test_a_run_names_what_it_was(self, tmp_path: Path) -> None:
        scene = Scene(
            tmp_path,
            alarms_per_year=0.5,
            environment={"commit": "a1"},
            invocation={"BASE_URL": URL, "CHATS": "4"},
        )
        scene.play()
        meta = scene.records.meta
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}Z-[0-9a-f]{8}", meta.run_id)
        assert scene.runner.folder == tmp_path / "evidence" / meta.run_id
        assert (meta.target, meta.title, meta.url) == (
            "reference",
            scene.plan.profile.title,
            "http://127.0.0.1:9/",
        )
        assert (meta.planned_chats, meta.saved_chats, meta.lanes, meta.whole_chats) == (4, 0, 2, 0)
        assert (meta.shard, meta.shared_run, meta.masked, meta.interrupted) == ("", "", True, "")
        assert (meta.alarms_per_year, meta.problems, meta.invocation) == (
            0.5, (), {"BASE_URL": "http://127.0.0.1:9/", "CHATS": "4"},
        )  # fmt: skip
        assert meta.environment == {
            "browser": "chromium 156.0", "wire": "cdp", "user_agent": "an agent", "commit": "a1",
        }  # fmt: skip
        assert meta.finished is not None
        assert 0 <= meta.finished - meta.started < 60

    def test_a_shard_names_which_part_it_is(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, chats=5, lanes=3, shard=Shard(2, 2), shared_run="7", show_ids=True)
        with scene.runner.going() as lanes:
            assert list(lanes) == [1]
        meta = scene.records.meta
        assert (meta.shard, meta.shared_run, meta.whole_chats) == ("2/2", "7", 5)
        assert (meta.planned_chats, meta.lanes, meta.masked, meta.url) == (2, 1, False, URL)

    def test_a_budget_that_is_smaller_than_the_plan_is_named(self, tmp_path: Path) -> None:
        profile = load("reference")
        limits = profile.limits.model_copy(update={"messages": 4})
        profile = profile.model_copy(update={"limits": limits})
        scene = Scene(tmp_path, profile=profile, continue_last=False, chats=9)
        scene.play()
        meta = scene.records.meta
        assert meta.environment["budget"] == "4 of 9 chats (limits.messages)"
        assert meta.planned_chats == 4

    def test_chats_that_were_not_needed_are_saved(self, tmp_path: Path) -> None:
        for enough, stopped, planned, saved in (
            (True, False, 3, 1),
            (False, False, 4, 0),
            (True, True, 4, 0),
        ):
            scene = Scene(tmp_path, runner={"enough": lambda enough=enough: enough})
            with scene.runner.going():
                scene.runner._lanes[0]._chats = 1
                if stopped:
                    scene.runner._crashed("x")
            meta = scene.records.meta
            assert (meta.planned_chats, meta.saved_chats) == (planned, saved)

    def test_frames_that_could_not_be_read_are_counted(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path)
        assert scene.runner._undecoded() == {}

        def lane(*counts: tuple[int, int, int]) -> Any:
            known = tuple(SimpleNamespace(frames=f, undecoded=u, replaced=r) for f, u, r in counts)
            traffic = SimpleNamespace(not_all_decoded=known)
            return SimpleNamespace(recorder=SimpleNamespace(chats=SimpleNamespace(traffic=traffic)))

        scene.runner._lanes = [lane((10, 1, 2), (5, 2, 0)), lane(), lane((7, 0, 1))]
        assert scene.runner._undecoded() == {"undecoded_frames": "3 of 22, 3 read with replaced bytes"}

    def test_the_agent_is_that_of_the_device_then_the_profiles_then_the_browsers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(runner_module, "_user_agent", lambda browser: "the browser")
        profile = load("reference")
        own = profile.model_copy(
            update={"where": profile.where.model_copy(update={"user_agent": "a profile"})}
        )
        found = [Scene(tmp_path, profile=p, args=args).runner._user_agent for p, args in (
            (own, {"user_agent": "a device"}), (own, {}), (profile, {}),
        )]  # fmt: skip
        assert found == ["a device", "a profile", "the browser"]

    def test_only_a_script_in_the_page_needs_the_pages_policy(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        requested: list[tuple[str, bool]] = []

        def wraps_workers(url: str, *, verify: bool) -> bool:
            requested.append((url, verify))
            return True

        monkeypatch.setattr(runner_module, "wraps_workers", wraps_workers)
        for name, wire, wraps in (
            ("chromium", "auto", False),
            ("chromium", "in-page", True),
            ("firefox", "auto", True),
        ):
            runner = Scene(tmp_path, name=name, wire=wire).runner
            assert runner._wraps_workers is wraps
        assert requested == [(URL, True)] * 2


class TestUserAgent:
    def test_chromium_shows_it_by_its_protocol(self) -> None:
        detached: list[bool] = []
        session = SimpleNamespace(
            send=lambda method: {"userAgent": method}, detach=lambda: detached.append(True)
        )
        browser: Any = SimpleNamespace(
            browser_type=SimpleNamespace(name="chromium"), new_browser_cdp_session=lambda: session
        )
        assert runner_module._user_agent(browser) == "Browser.getVersion"
        assert detached == [True]

    def test_any_other_engine_shows_it_in_a_page(self) -> None:
        @contextmanager
        def context() -> Iterator[Any]:
            yield SimpleNamespace(new_page=lambda: SimpleNamespace(evaluate=lambda code: f"<{code}>"))

        browser: Any = SimpleNamespace(browser_type=SimpleNamespace(name="firefox"), new_context=context)
        assert runner_module._user_agent(browser) == "<navigator.userAgent>"

    def test_a_browser_that_is_gone_is_named(self) -> None:
        def gone() -> Any:
            raise Exception("Connection closed")

        browser: Any = SimpleNamespace(
            browser_type=SimpleNamespace(name="chromium"), new_browser_cdp_session=gone
        )
        with pytest.raises(CaptureIncomplete) as error:
            runner_module._user_agent(browser)
        assert error.value.what == "the browser did not respond at the begin of the run: Connection closed"
        assert error.value.hint == "run again"


class TestProblems:
    def test_each_is_recorded_once_with_its_kind_and_without_secrets(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path)
        runner = scene.runner
        runner._redactor.hide("hunter2")
        with runner.going():
            for _ in range(2):
                runner._problem(InvalidProfile("hunter2 is wrong", where="wire hunter2", hint="no hunter2"))
            for _ in range(2):
                runner._problem(Blocked("no", where="chat 1", condition="captcha"), "lane 0")
            runner._problem(MessageLost("gone"))
        clean = ("InvalidProfile", "[secret] is wrong", "wire [secret]", "no [secret]")
        meta = scene.records.meta
        assert [(p.kind, p.what, p.where, p.way_out) for p in meta.problems] == [
            clean, *[("Blocked", "captcha: no", "lane 0; chat 1", "")] * 2, ("MessageLost", "gone", "", ""),
        ]  # fmt: skip
        assert [e["kind"] for e in scene.events("problem")] == [
            "InvalidProfile",
            "Blocked",
            "Blocked",
            "MessageLost",
        ]
        assert (meta.interrupted, meta.finished is not None) == ("", True)

    def test_an_error_of_another_module_has_the_kind_that_it_extends(self, tmp_path: Path) -> None:
        class Own(Blocked):
            """Of this module."""

        scene = Scene(tmp_path)
        with scene.runner.going():
            scene.runner._problem(Own("x"))
        assert [p.kind for p in scene.records.meta.problems] == ["Blocked"]

    def test_the_first_end_counts(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path)
        with scene.runner.going():
            scene.waiter.driver_ended[0]()
            scene.browser.listeners["disconnected"](scene.browser)
        meta = scene.records.meta
        what = "the browser's driver was gone in the middle of the run"
        assert (meta.interrupted, meta.finished) == (what, None)
        assert [(p.what, p.way_out) for p in meta.problems] == [
            (what, "too little memory? run again with fewer lanes")
        ]
        assert not scene.waiter.driver_ended
        assert not scene.browser.listeners

    def test_a_page_that_is_stuck_ends_the_run(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path)
        times = scene.plan.profile.timeouts
        with scene.runner.going(), scene.runner.guard():
            seconds, late = scene.waiter.limits[-1]
            context: Any = object()
            scene.runner._open_contexts.append(context)
            late()
        assert seconds == times.ready + times.action + times.reply
        assert scene.waiter.closed == [context]
        (problem,) = scene.records.meta.problems
        assert problem.what == f"a page did not respond for {seconds:g} s"
        assert problem.way_out.startswith("a script of the page may loop for ever")

    def test_what_went_wrong_first_is_raised_and_written(self, tmp_path: Path, no_backend: list[Any]) -> None:
        scene = Scene(tmp_path)
        with pytest.raises(ZeroDivisionError), scene.runner.going():
            raise ZeroDivisionError("by 0")
        assert (scene.browser.listeners, [b.closed for b in no_backend]) == ({}, [1])
        assert scene.records.meta.finished is not None
        (problem,) = scene.records.meta.problems
        assert (problem.kind, problem.what) == ("HarnessError", "the run ended with ZeroDivisionError: by 0")

    def test_a_disk_that_was_full_for_a_while_is_in_the_evidence(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Judged again, the run passed: its chats were all there, and only a scenario was not."""
        scene = Scene(tmp_path)

        def full(*_: Any) -> None:
            raise CaptureIncomplete("the evidence could not be written: No space left on device")

        def played() -> None:
            with scene.runner.going():
                monkeypatch.setattr(scene.runner._journal, "event", full)
                full()

        with pytest.raises(CaptureIncomplete):
            played()
        (problem,) = scene.records.meta.problems
        assert (problem.kind, problem.what.split(":")[0]) == (
            "CaptureIncomplete",
            "the evidence could not be written",
        )

    @pytest.mark.parametrize(("inside", "expected"), [(ValueError, ValueError), (None, HarnessError)])
    def test_an_end_that_cannot_be_written_hides_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: Any, expected: type[Exception]
    ) -> None:
        scene = Scene(tmp_path)

        def full(_: Any) -> None:
            raise HarnessError("no room")

        monkeypatch.setattr(scene.runner, "_finish", partial(full, None))

        def played() -> None:
            with scene.runner.going():
                if inside:
                    raise inside

        with pytest.raises(expected):
            played()

    def test_errors_of_pages_that_are_gone_with_the_browser_are_passed_over(self, tmp_path: Path) -> None:
        runner = Scene(tmp_path).runner

        def failing(error: Exception) -> None:
            with runner._unless_gone():
                raise error

        with pytest.raises(RuntimeError):
            failing(RuntimeError())
        runner._crashed("the browser is gone")
        failing(RuntimeError())
        with pytest.raises(HarnessError):
            failing(HarnessError("another"))


class TestInterrupt:
    def test_ctrl_c_ends_the_run_in_order(self, tmp_path: Path) -> None:
        before: Any = signal.getsignal(signal.SIGINT)
        scene = Scene(tmp_path)
        seen: list[Any] = []

        def interrupted() -> None:
            with scene.runner.going():
                handler: Any = signal.getsignal(signal.SIGINT)
                handler(signal.SIGINT, None)
                seen.append((scene.runner.stopped, scene.waiter.woken, signal.getsignal(signal.SIGINT)))

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert seen == [(True, 1, before)]  # the second one is Python's own
        assert signal.getsignal(signal.SIGINT) == before
        meta = scene.records.meta
        assert (meta.interrupted, meta.finished, meta.problems, meta.planned_chats) == ("Ctrl-C", None, (), 4)

    def test_another_thread_cannot_take_signals(self) -> None:
        before = signal.getsignal(signal.SIGINT)
        seen: list[Any] = []

        def inside() -> None:
            with runner_module._ctrl_c(lambda: None):
                seen.append(signal.getsignal(signal.SIGINT))

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        assert seen == [before]


class TestBackend:
    def probed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *answers: Answer, **runner: Any
    ) -> Scene:
        def probe(backend: Any, report: Any) -> None:
            for answer in answers:
                report(
                    "assign", "fresh", "uuid", "a-session-of-the-suite" if answer.provider else None, answer
                )

        monkeypatch.setattr(runner_module, "probe", probe)
        profile = load("reference")
        providers = profile.providers.model_copy(update={"map": {"prov_1": "Big hat"}})
        scene = Scene(tmp_path, profile=profile.model_copy(update={"providers": providers}), runner=runner)
        scene.play()
        return scene

    def test_each_answer_is_an_event_with_known_names(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_backend: list[Any]
    ) -> None:
        counts = {"prov_1": 2, "other": 1}
        scene = self.probed(
            tmp_path, monkeypatch, Answer(200, 5.0, "prov_1"), Answer(404, 6.0, "other"), Answer(399, 7.0, active=3, distribution=counts),
        )  # fmt: skip
        first, second, third = scene.events("backend")
        assert first | {"session": ""} == {
            "question": "assign", "probe": "fresh", "pattern": "uuid", "session": "", "provider": "Big hat", "status": 200,
            "found": True, "active": None, "distribution": None,
        }  # fmt: skip
        assert "a-session" not in first["session"]
        assert (second["provider"], second["found"]) == ("other", False)
        assert (third["session"], third["provider"], third["found"]) == (None, None, True)
        assert (third["active"], third["distribution"]) == (3, {"Big hat": 2, "other": 1})
        assert [e.t for e in scene.records.events if e.kind == "backend"] == [5.0, 6.0, 7.0]
        assert [(b.url, b.closed) for b in no_backend] == [(URL, 1)]

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (Answer(0, 1.0, error="no route"), "no route"),
            (Answer(429, 1.0), "status 429"),
            (Answer(500, 1.0), "status 500"),
            (Answer(503, 1.0, error="busy"), "busy"),
        ],
    )
    def test_an_interface_that_refuses_is_a_problem(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer, why: str
    ) -> None:
        scene = self.probed(tmp_path, monkeypatch, answer, Answer(200, 2.0))
        (problem,) = scene.records.meta.problems
        assert problem.what == f"the backend's own interface did not respond (assign): {why}"
        assert (problem.kind, problem.where, problem.way_out) == ("Blocked", "backend", "is the backend up?")
        assert scene.events("backend") == []

    def test_refusals_of_a_request_are_answers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        scene = self.probed(tmp_path, monkeypatch, Answer(499, 1.0))
        assert [e["found"] for e in scene.events("backend")] == [False]

    def test_it_is_not_probed_where_nobody_wants_it_or_the_run_has_ended(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert self.probed(tmp_path, monkeypatch, Answer(200, 1.0), probes=False).events("backend") == []
        scene = Scene(tmp_path)
        with scene.runner.going():
            scene.runner._crashed("x")
        assert scene.events("backend") == []


class TestExperiments:
    @pytest.fixture
    def planned(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """Stands in for the experiments; it has what was wanted, with request and budget."""
        calls: list[Any] = []

        def experiments(
            context: Any, journal: Any, redactor: Any, request: Any, budget: Any, wake: Any
        ) -> Any:
            def plan(wanted: Any) -> Any:
                calls.append((list(wanted), request, budget))
                return {1000: iter(())}, {"direct": "no ID"}

            return SimpleNamespace(plan=plan)

        def run_lanes(lanes: Any, waiter: Any, stop: Any, guard: Any) -> None:
            calls.append((list(lanes), stop()))

        monkeypatch.setattr(runner_module, "ExperimentRunner", experiments)
        monkeypatch.setattr(runner_module, "run_lanes", run_lanes)
        return calls

    @pytest.mark.parametrize(("limit", "budget"), [(None, None), (9, 4), (3, 0)])
    def test_they_have_what_is_left_of_the_budget_and_the_last_request(
        self, tmp_path: Path, planned: list[Any], limit: int | None, budget: int | None
    ) -> None:
        profile = load("reference")
        limits = profile.limits.model_copy(update={"messages": limit})
        scene = Scene(
            tmp_path, profile=profile.model_copy(update={"limits": limits}), runner={"curious": lambda run: ["direct"]}
        )  # fmt: skip
        runner = scene.runner

        def lane(request: Any, sent: int) -> Any:
            return SimpleNamespace(request=request, sent_messages=sent)

        lanes: Any = [lane("first", 2), lane("last", 2), lane(None, 1)]
        with runner.going():
            own, runner._lanes = runner._lanes, lanes
            runner._explore(lambda run: ["direct"], None)
            runner._lanes = own
        assert planned[0] == (["direct"], "last", budget)
        assert planned[1] == ([1000], False)
        assert scene.records.meta.left_out["direct"] == "no ID"

    def test_nothing_is_tried_where_nothing_is_wanted(self, tmp_path: Path, planned: list[Any]) -> None:
        seen: list[str] = []

        def curious(run: Any) -> list[str]:
            seen.append(run.meta.run_id)
            return []

        scene = Scene(tmp_path, runner={"curious": curious})
        scene.play()
        assert (seen, planned) == ([scene.runner.run_id], [])
        stopped = Scene(tmp_path, runner={"curious": curious})
        with stopped.runner.going():
            stopped.runner._crashed("x")
        assert len(seen) == 1


class TestFilesOfThePage:
    def text(self, response: httpx.Response) -> str | None:
        with httpx.Client(transport=httpx.MockTransport(lambda request: response)) as client:
            return runner_module._text_of(client, "http://a/x.js.map")

    def test_they_are_read_in_their_encoding(self) -> None:
        assert self.text(httpx.Response(200, content="é".encode())) == "é"
        latin = {"content-type": "text/plain; charset=latin-1"}
        assert self.text(httpx.Response(200, content=b"\xe9", headers=latin)) == "é"
        assert self.text(httpx.Response(200, content=b"a\xff")) == "a\ufffd"
        assert self.text(httpx.Response(204, content=b"x")) is None
        assert self.text(httpx.Response(404, content=b"x")) is None

    def test_they_are_left_where_they_are_too_large_or_too_slow(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(runner_module, "_MAP_BYTES", 3)
        assert self.text(httpx.Response(200, content=b"abc")) == "abc"
        assert self.text(httpx.Response(200, content=b"abcd")) is None
        monkeypatch.setattr(runner_module, "_MAP_SECONDS", -1.0)
        assert self.text(httpx.Response(200, content=b"abc")) is None
        assert (64 << 20) == 67_108_864

    def test_source_lines_hold_no_secret(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        place = CodePlace("a.ts", 1, 1, "f", True, False, ((1, "key = hunter2"),))
        requested: list[Any] = []

        def resolve(frames: Any, fetch: Any, **more: Any) -> Any:
            requested.append((fetch("http://127.0.0.1:9/x.map"), more["page"]))
            return {"x:1:1": place}

        monkeypatch.setattr(source_maps, "resolve", resolve)
        scene = Scene(tmp_path)
        scene.runner._redactor.hide("hunter2")
        scene.play()
        assert scene.records.meta.code == {"x:1:1": replace(place, context=((1, "key = [secret]"),))}
        assert requested == [(None, URL)]
