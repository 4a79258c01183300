"""The suite, as a process of its own that can be killed: driver, browser, one run, its judgement."""

from __future__ import annotations

import faulthandler
import os
import signal
import tempfile
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Playwright, sync_playwright

from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import assemble
from e2e.capture.lane.clock import Clock
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.errors import HarnessError
from e2e.profile.profile import Limits, Profile, Timeouts, load
from e2e.profile.variants import reference_variant
from e2e.records.evidence import read_run
from e2e.selftest.browser.lab_pages.lab_profiles import lab_profile
from e2e.selftest.tools.chaos.draw import REFERENCE, Draw
from e2e.selftest.tools.chaos.leftovers import TOKEN
from e2e.setup.browser import find_browser, launch_options
from e2e.setup.driver_files import DriverFiles

LIMITS = Limits(retry_after=1)
_SLOWEST = 3.0


def timeouts_for(load: float) -> Timeouts:
    """Short ones, so that a fault ends a run soon; up to three times as long where others use the machine.

    ``load`` is the number of processes that want to run for each core. With ten, a healthy reply took more than 6 s.
    """
    slower = min(max(load / 3, 1.0), _SLOWEST)
    return Timeouts(ready=6 * slower, action=4 * slower, reply=6 * slower)


Verdicts = tuple[str, ...]
"""The outcome of a run, and of each check its verdict with headline and causes: what must be the same each time."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the process is to do. It reports its progress as tuples: a kind, and what belongs to it."""

    draw: Draw
    url: str
    out: Path
    temporary: Path
    log: Path
    token: str
    timeouts: Timeouts


def profile_of(drawn: Draw, timeouts: Timeouts) -> Profile:
    """The target's profile with short timeouts, so that a fault ends a run soon."""
    changes = {"timeouts": timeouts, "limits": LIMITS}
    if drawn.target != REFERENCE:
        return lab_profile(drawn.target).model_copy(update=changes)
    profile = load("reference").model_copy(update=changes)
    variant = drawn.variant
    return reference_variant(
        profile, store=variant.store, id_format=variant.id_format, rotation=variant.rotation
    )


def verdicts_of(judged: Judgement) -> Verdicts:
    """What `Verdicts` describes."""
    lines = (
        f"{v.name}: {v.outcome}: {v.headline} ({', '.join(c.name for c in v.causes)})"
        for v in judged.verdicts
    )
    return (judged.outcome, *lines)


def main(order: Order, clock: Any, reports: Connection) -> None:
    """The body of the process."""
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.register(signal.SIGUSR1, file=log, all_threads=True)
    os.environ |= {"TMPDIR": str(order.temporary), TOKEN: order.token}
    tempfile.tempdir = None
    _let_jump(clock)
    try:
        files = DriverFiles()
        with files.here():
            playwright = sync_playwright().start()
        browser = playwright.chromium.launch(**launch_options(find_browser()))
        reports.send(("ready",))
        folder = _record(order, playwright, browser, reports)
        _close(playwright, browser, reports)
        files.close()
        if folder is not None:
            reports.send(("judged", verdicts_of(judge(assemble([read_run(folder)])))))
    except BaseException:  # noqa: BLE001 - whatever it is, the parent must learn of it
        reports.send(("traceback", traceback.format_exc()))
    reports.close()


def _let_jump(clock: Any) -> None:
    """Add ``clock`` to this process's time, from the moment at which the run looks at it.

    The browser keeps the machine's time. One that jumped earlier would be wrong in this process only, which no real one is.
    """
    steady, look = time.time, Clock.__init__
    looked: list[Clock] = []

    def begin(self: Clock) -> None:
        look(self)
        looked.append(self)

    Clock.__init__ = begin  # type: ignore[method-assign]
    time.time = lambda: steady() + (clock.value if looked else 0.0)


def _record(order: Order, playwright: Playwright, browser: Browser, reports: Connection) -> Path | None:
    drawn = order.draw
    plan = Plan(
        profile_of(drawn, order.timeouts),
        order.url,
        drawn.chats,
        1,
        order.out,
        trace=False,
        scenarios=(drawn.scenario,) if drawn.scenario else (),
        plays=1,
    )
    try:
        runner = Runner(
            plan,
            playwright,
            browser,
            {},
            watchers=(lambda chat: reports.send(("chat", chat.scenario, chat.chat, chat.status)),),
            probes=drawn.probes,
        )
        reports.send(("folder", str(runner.folder)))
        return runner.run()
    except HarnessError as error:
        reports.send(("error", type(error).__name__, error.what))
        return None


def _close(playwright: Playwright, browser: Browser, reports: Connection) -> None:
    """As the fixtures of pytest-playwright do it."""
    try:
        browser.close()
    except Exception as error:  # noqa: BLE001 - it is a finding
        reports.send(("close", f"{type(error).__name__}: {error}"))
    playwright.stop()
