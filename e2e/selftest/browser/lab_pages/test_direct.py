"""The experiment `direct` on WebSocket pages: fresh IDs reach the backend without the browser, on connections opened by hand."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, Playwright

from e2e.capture.experiments.direct import REQUESTS
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.run.side_by_side import run_side_by_side
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.records.evidence import read_run
from e2e.selftest.browser.lab_pages.lab_profiles import lab_profile
from e2e.selftest.lab.app import Lab

PAGES = ("ws-binary", "socketio", "graphql-ws", "signalr")


def test_fresh_ids_are_sent_on_sockets(playwright: Playwright, own_browser: Browser, tmp_path: Path) -> None:
    waiter = EventWaiter(own_browser)
    with ExitStack() as stack:
        labs = {name: stack.enter_context(Lab.start(seed=3)) for name in PAGES}
        runners = {
            name: Runner(
                Plan(lab_profile(name), lab.url(name), 1, 1, tmp_path, continue_last=False, trace=False),
                playwright, own_browser, {}, waiter=waiter, curious=lambda _: ["direct"],
            )
            for name, lab in labs.items()
        }  # fmt: skip
        run_side_by_side(list(runners.values()), waiter)
        for name, runner in runners.items():
            found = [e.data for e in read_run(runner.folder).events if e.kind == "experiment"]
            replies = [data for data in found if "status" in data]
            received = labs[name].received
            assert len(replies) == REQUESTS, (name, found)
            assert [data["provider"] for data in replies] == [one.provider for one in received[-REQUESTS:]], (
                name
            )
            assert len({one.session for one in received}) == 1 + REQUESTS, name
