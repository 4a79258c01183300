"""The ends of runs: a browser that is gone, and several runs side by side. Without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.run.side_by_side import run_side_by_side
from e2e.pages.waits import Steps
from e2e.profile.profile import load
from e2e.records.evidence import read_run


class Gone:
    """Playwright's browser, as far as a run without pages needs it."""

    version = "1"
    browser_type = SimpleNamespace(name="chromium")

    def __init__(self) -> None:
        self.listeners: dict[str, Callable[[Any], None]] = {}

    def on(self, event: str, listener: Callable[[Any], None]) -> None:
        self.listeners[event] = listener

    def remove_listener(self, event: str, listener: Callable[[Any], None]) -> None:
        assert self.listeners.pop(event) is listener


def test_a_browser_that_is_gone_ends_the_run_and_is_in_its_evidence(tmp_path: Path) -> None:
    browser: Any = Gone()
    waiter: Any = SimpleNamespace(
        guarded=lambda handler: handler,
        when_driver_ends=lambda call: lambda: None,
        at_most=lambda seconds, late: nullcontext(),
        wake_from_thread=lambda: None,
    )
    plan = Plan(load("reference"), "http://127.0.0.1:9/", 4, 2, tmp_path, trace=False)
    no_playwright: Any = None
    runner = Runner(plan, no_playwright, browser, {"user_agent": "test"}, waiter=waiter)
    with runner.going() as lanes:
        assert sorted(lanes) == [0, 1]
        stopped = [runner.stopped]
        browser.listeners["disconnected"](browser)
        stopped.append(runner.stopped)
    assert stopped == [False, True]
    assert browser.listeners == {}
    meta = read_run(runner.folder).meta
    what = "the browser was gone in the middle of the run"
    assert (meta.interrupted, meta.finished) == (what, None)
    assert [(p.kind, p.what) for p in meta.problems] == [("CaptureIncomplete", what)]


def test_runs_side_by_side_go_to_their_ends_as_many_at_once_as_requested() -> None:
    done: list[str] = []

    def runner(name: str, lanes: int) -> Any:
        def steps(lane: int) -> Steps:
            done.append(f"{name}{lane}")
            yield from ()

        @contextmanager
        def going() -> Iterator[dict[int, Steps]]:
            done.append(f"begin {name}")
            yield {lane: steps(lane) for lane in range(lanes)}
            done.append(f"end {name}")

        return SimpleNamespace(going=going, stopped=False)

    waiter: Any = None
    run_side_by_side([runner("a", 2), runner("b", 1)], waiter, at_once=1)
    assert done == ["begin a", "a0", "a1", "end a", "begin b", "b0", "end b"]
    done.clear()
    run_side_by_side([runner("a", 1), runner("b", 1)], waiter)
    assert done == ["begin a", "begin b", "a0", "end a", "b0", "end b"]
