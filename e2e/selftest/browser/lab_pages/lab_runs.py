"""Pages of the lab, recorded as lanes of one thread: most of a small run is waiting."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.run.side_by_side import run_side_by_side
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.profile.profile import Timeouts
from e2e.records.evidence import read_run
from e2e.selftest.browser.lab_pages.lab_profiles import SESSION, lab_profile
from e2e.selftest.lab.app import Lab
from e2e.selftest.lab.pages import WITH_ID

CHATS = 3
AT_ONCE = 8
NO_STORE = {name for name, table in SESSION.items() if table.get("store") == "none"}
OTHERWISE = {"cookie", "cookie-httponly"}
"""Pages whose stale variant does not simply keep sending an ID that is stored no longer; `e2e/selftest/lab` says what."""


class LabRun(NamedTuple):
    """One page, recorded."""

    run: Run
    received: list[str | None]
    """The session IDs that reached the page's backend, in order: what the run is compared with."""


def record_pages(
    playwright: Playwright,
    browser: Browser,
    out: Path,
    *,
    names: Sequence[str] = WITH_ID,
    wire: str = "auto",
    chats: int = CHATS,
    at_once: int = AT_ONCE,
    timeouts: Timeouts | None = None,
    **query: str,
) -> dict[str, LabRun]:
    """The pages with this query, each with a backend of its own; ``timeouts`` instead of those of their profiles."""
    waiter = EventWaiter(browser)
    other = {"timeouts": timeouts} if timeouts else {}
    profiles = {name: lab_profile(name).model_copy(update=other) for name in names}
    with ExitStack() as stack:
        labs = {name: stack.enter_context(Lab.start(seed=3)) for name in names}
        runners = {
            name: Runner(
                Plan(
                    profiles[name],
                    labs[name].url(name, **query),
                    chats,
                    1,
                    out,
                    continue_last=False,
                    trace=False,
                    wire=wire,
                ),
                playwright,
                browser,
                {},
                waiter=waiter,
            )
            for name in names
        }
        run_side_by_side(list(runners.values()), waiter, at_once=at_once)
        return {
            name: LabRun(
                assemble([read_run(runners[name].folder)]), [one.session for one in labs[name].received]
            )
            for name in names
        }


def failed(run: Run) -> set[str]:
    return {v.name for v in judge(run).verdicts if v.outcome == "fail"}


def selected(request: pytest.FixtureRequest) -> list[str]:
    """The pages that the selected tests of this file are about: ``-k`` records no other."""
    tests = [item.name for item in request.session.items if item.path == request.path]
    wanted = {test.rpartition("[")[2].removesuffix("]").removeprefix("chromium-") for test in tests}
    return [name for name in WITH_ID if name in wanted]
