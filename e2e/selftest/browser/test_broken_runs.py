"""What happens when the world breaks under a run: nothing that was seen is lost, nothing is judged that was not seen, nothing hangs."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Playwright

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.profile.profile import Profile
from e2e.records.evidence import read_run
from e2e.records.records import Chat
from fixtures.reference_chat.launcher import ReferenceChat

MEANWHILE = 5  # chats that have ended when it happens


def record_until(
    playwright: Playwright,
    browser: Browser,
    profile: Profile,
    out: Path,
    happen: Any,
    url: str,
    *,
    chats: int = 40,
) -> tuple[Path, float]:
    """Record, and let something happen after a few chats. Returns the folder and the seconds from then to the end."""
    seen: list[float] = []

    def watch(_: Chat) -> None:
        seen.append(time.monotonic())
        if len(seen) == MEANWHILE:
            happen()

    runner = Runner(
        Plan(profile, url, chats, 2, out, trace=False), playwright, browser, {}, watchers=(watch,)
    )
    try:
        runner.run()
    except KeyboardInterrupt:
        seen.append(0)
    return runner.folder, time.monotonic() - seen[MEANWHILE - 1]


def judged(folder: Path) -> Run:
    return assemble([read_run(folder)])


def observed(run: Run) -> int:
    return len(run.observed)


def browser_processes() -> set[psutil.Process]:
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # a browser's own helpers come and go
            if "chrom" in process.name().lower():
                found.add(process)
    return found


def test_a_backend_that_dies_leaves_what_was_seen(
    playwright: Playwright, own_browser: Browser, reference: Profile, tmp_path: Path
) -> None:
    chat = ReferenceChat.start()
    folder, seconds = record_until(
        playwright, own_browser, reference, tmp_path, lambda: os.kill(chat.pid, signal.SIGKILL), chat.url
    )
    chat.stop()
    run = judged(folder)
    assert judge(run).outcome == "broken"
    assert observed(run) >= MEANWHILE
    assert {p.kind for p in run.metas[0].problems} <= {"Blocked", "CaptureIncomplete"}
    assert seconds < reference.timeouts.reply + reference.timeouts.action + 5


def test_a_browser_that_dies_leaves_what_was_seen(
    playwright: Playwright, browser_type_launch_args: dict[str, Any], reference: Profile, tmp_path: Path
) -> None:
    before = browser_processes()
    mortal_browser = playwright.chromium.launch(**browser_type_launch_args)

    def kill() -> None:
        victims = browser_processes() - before
        assert victims
        # The browser itself first: a renderer that dies before it is a page that crashed.
        for process in sorted(victims, key=lambda one: one.pid):
            with contextlib.suppress(psutil.NoSuchProcess):  # it went with its parent
                process.kill()

    with ReferenceChat.start() as chat:
        folder, seconds = record_until(playwright, mortal_browser, reference, tmp_path, kill, chat.url)
    run = judged(folder)
    assert judge(run).outcome == "broken"
    assert observed(run) >= MEANWHILE
    assert run.metas[0].problems[0].what == "the browser was gone in the middle of the run"
    assert seconds < 10


def test_ctrl_c_ends_in_order(
    playwright: Playwright, own_browser: Browser, reference: Profile, tmp_path: Path
) -> None:
    with ReferenceChat.start() as chat:
        folder, seconds = record_until(
            playwright,
            own_browser,
            reference,
            tmp_path,
            lambda: os.kill(os.getpid(), signal.SIGINT),
            chat.url,
        )
    run = judged(folder)
    assert run.metas[0].interrupted == "Ctrl-C"
    assert observed(run) >= MEANWHILE
    assert run.partial
    assert seconds < 5
