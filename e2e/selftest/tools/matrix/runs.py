"""Runs the faults of the reference chat in parallel processes."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

from e2e.analysis.checks.registry import SCENARIO_OF
from e2e.analysis.model.run import assemble
from e2e.capture.network.sources import IN_PAGE, source_for
from e2e.capture.run.crash import CRASH, crash_after
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.scenarios.catalogue import PLAYS
from e2e.profile.profile import Limits, Profile, Timeouts, load
from e2e.profile.variants import reference_variant
from e2e.records.evidence import read_run
from e2e.selftest.tools.matrix.table import HEALTHY, Row, Variant, expected, row_of
from e2e.setup.browser import find_browser, launch_options
from e2e.setup.engines import engine_options, find_engine
from fixtures.reference_chat.backend.faults import BY_NAME
from fixtures.reference_chat.launcher import ReferenceChat

_HEALTHY_CHATS = 4
"""Chats before a fault of the environment begins: it must hit a run in its middle."""


_SCENARIOS = tuple(dict.fromkeys(SCENARIO_OF.values()))
_NEED = {"context-bleed": ("memory",), "context-lost": ("memory",)}
"""Faults of the backend that only a scenario shows."""


@dataclass(frozen=True, slots=True)
class Task:
    """One run of the matrix."""

    fault: str
    variant: Variant
    chats: int
    lanes: int
    out: Path
    scenarios: tuple[str, ...] = _SCENARIOS
    plays: int = PLAYS
    browser: str = "chromium"
    wire: str = "auto"


def task_for(fault: str, variant: Variant, chats: int, lanes: int, out: Path, *, quick: bool) -> Task:
    """The run for a fault; a ``quick`` one has only the chats and scenarios that this fault needs."""
    if not quick:
        return Task(fault, variant, chats, lanes, out)
    if fault == HEALTHY or BY_NAME[fault].side == "frontend":
        return Task(fault, variant, min(chats, 8), min(lanes, 2), out, plays=1)
    return Task(fault, variant, chats, lanes, out, scenarios=_NEED.get(fault, ()), plays=1)


def run_task(task: Task, playwright: Playwright, browser: Browser) -> Row:
    """Record and judge one run."""
    faults = [] if task.fault in (HEALTHY, CRASH) else [task.fault]
    after = _HEALTHY_CHATS if expected(task.fault) == "blocked" else 0
    started = time.monotonic()
    with ReferenceChat.start(
        faults=faults, fault_after=after, control=False, **task.variant.options()
    ) as chat:
        plan = Plan(
            _profile(task.variant),
            chat.url,
            task.chats,
            task.lanes,
            task.out / task.fault,
            trace=False,
            scenarios=task.scenarios,
            plays=task.plays,
            wire=task.wire,
        )
        watchers = (crash_after(browser, _HEALTHY_CHATS),) if task.fault == CRASH else ()
        folder = Runner(plan, playwright, browser, {}, watchers).run()
    in_page = source_for(task.wire, task.browser) == IN_PAGE
    run = assemble([read_run(folder)])
    return row_of(task.fault, run, time.monotonic() - started, in_page=in_page)


def _profile(variant: Variant) -> Profile:
    """The profile of the reference chat with short timeouts, so that a fault of the environment ends a run soon."""
    profile = load("reference").model_copy(
        update={
            "timeouts": Timeouts(ready=10, action=5, reply=8),
            "limits": Limits(
                retry_after=0.001
            ),  # users wait for the limit to pass; here the refusal is what is tested
        }
    )
    return reference_variant(
        profile, store=variant.store, id_format=variant.id_format, rotation=variant.rotation
    )


def run_all(tasks: Sequence[Task], workers: int | None = None) -> Iterator[Row]:
    """Run all tasks, and yield their rows in the order of ``tasks``."""
    workers = min(len(tasks), workers or os.cpu_count() or 1)
    # spawn: a forked process would share the event loop of Playwright
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(_in_worker, tasks)


class _Worker:
    """The browser of a worker process, shared by its runs; replaced after a crash."""

    playwright: Playwright | None = None
    browser: Browser | None = None

    @classmethod
    def ready(cls, name: str) -> tuple[Playwright, Browser]:
        if cls.playwright is None:
            starting: Any = sync_playwright()
            cls.playwright = starting.start()
            atexit.register(cls.stop)
        if cls.browser is None or not cls.browser.is_connected():
            options = (
                launch_options(find_browser()) if name == "chromium" else engine_options(find_engine(name))
            )
            cls.browser = getattr(cls.playwright, name).launch(**options)
        return cls.playwright, cls.browser

    @classmethod
    def stop(cls) -> None:
        with contextlib.suppress(Error):
            if cls.browser is not None:
                cls.browser.close()
            if cls.playwright is not None:
                cls.playwright.stop()


def _in_worker(task: Task) -> Row:
    return run_task(task, *_Worker.ready(task.browser))
