"""Checks what a run needs, one thing at a time, each with a hint on how to fix it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal

import httpx
from playwright.sync_api import Browser, Error, Playwright
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.capture.scheduling.stuck_calls import returning
from e2e.capture.target.start_command import serving, with_path
from e2e.errors import HarnessError
from e2e.profile.environment import check_files, check_variables
from e2e.profile.profile import SUITE, Command, Profile, load
from e2e.records.evidence import read_run
from e2e.setup.allure import allure_command
from e2e.setup.browser import find_browser, launch_options
from e2e.setup.driver_files import driver
from e2e.setup.node import node_path
from fixtures.reference_chat.launcher import ReferenceChat

Level = Literal["ok", "warn", "bad"]
_SKEW = 5.0  # seconds between two clocks that are worth a warning
_FREE_SPACE = 500  # megabytes
_RETURN = 10.0
"""Seconds that a call to the page may take beyond ``timeouts.ready``."""
_COLOURS = {"ok": "green", "warn": "yellow", "bad": "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check."""

    what: str
    level: Level
    result: str
    hint: str = ""


def diagnose_setup(target: str | None, base_url: str | None) -> int:
    """Check this machine, and ``target`` if given; print the results.

    Returns 1 when something has to be fixed. Raises `HarnessError` for a profile that cannot be read.
    """
    console = Console(highlight=False)
    profile = load(target) if target else None
    findings: list[Finding] = []

    def note(finding: Finding) -> None:
        findings.append(finding)
        console.print(
            f"[{_COLOURS[finding.level]}]{finding.level:>4}[/]  {escape(finding.what)}: {escape(finding.result)}",
            soft_wrap=True,
        )

    for finding in check_machine():
        note(finding)
    if profile is not None:
        for finding in check_target(profile, base_url):
            note(finding)
    _print_hints(console, findings)
    return 1 if any(f.level == "bad" for f in findings) else 0


def _print_hints(console: Console, findings: list[Finding]) -> None:
    todo = [f for f in findings if f.level != "ok"]
    if not todo:
        console.print("\nno problems")
        return
    table = Table(title="What to do", title_justify="left", show_header=False)
    for finding in todo:
        table.add_row(f"[{_COLOURS[finding.level]}]{escape(finding.what)}[/]", escape(finding.hint))
    console.print(table)


# -- this machine -------------------------------------------------------------------------------------------------------


def check_machine() -> Iterator[Finding]:
    """Check the browser, Node, Allure, the clock and the disk."""
    yield _check("browser", _browser, "`make setup` finds or installs one; CHROME_PATH names one")
    yield _check("node", _node, "`make setup` brings Node into the virtual environment")
    yield _check("allure", _allure, "`make setup` installs it")
    yield _check_clock()
    free = shutil.disk_usage(SUITE).free // 1_000_000
    level: Level = "ok" if free > _FREE_SPACE else "warn"
    yield Finding(
        "disk",
        level,
        f"{free:,} MB free",
        "free disk space: the evidence of a nightly run takes some hundred megabytes",
    )
    out = SUITE / "reports" / "out"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            yield Finding("output folder", "ok", "reports/out is writable")
    except OSError as error:
        yield Finding(
            "output folder",
            "bad",
            f"reports/out is not writable: {error.strerror}",
            "correct its access rights, or use --out",
        )


def _check(what: str, result: Callable[[], str], hint: str) -> Finding:
    try:
        return Finding(what, "ok", result())
    except (HarnessError, Error, OSError) as error:
        return Finding(what, "bad", str(error).splitlines()[0], hint)


def _browser() -> str:
    with driver() as playwright:
        options: dict[str, Any] = launch_options(find_browser())
        browser = playwright.chromium.launch(**options)
        try:
            return f"Chromium {browser.version}, {find_browser().how}"
        finally:
            browser.close()


def _node() -> str:
    path = node_path()
    version = subprocess.run(
        [str(path), "--version"], capture_output=True, text=True, check=False, timeout=20
    ).stdout.strip()
    major = version.removeprefix("v").split(".")[0]
    if not major.isdecimal() or int(major) < 22:
        raise HarnessError(f"Node reports version {version or 'nothing'}; Allure needs 22 or newer")
    return version


def _allure() -> str:
    path = Path(allure_command()[-1])
    if not path.exists():
        raise HarnessError("Allure is not installed")
    return "installed"


def _check_clock() -> Finding:
    wall, monotonic = time.time(), time.monotonic()
    time.sleep(0.2)  # both clocks must advance equally meanwhile
    drift = abs((time.time() - wall) - (time.monotonic() - monotonic))
    level: Level = "ok" if drift < 0.02 else "warn"
    return Finding(
        "clock",
        level,
        f"{time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}",
        "the clock jumps: is another program setting it?",
    )


# -- a target -----------------------------------------------------------------------------------------------------------


def check_target(profile: Profile, base_url: str | None) -> Iterator[Finding]:
    """Check address, clock, secure context, locators and wire rules of a target; runs two chats."""
    try:
        check_variables(profile, os.environ)
        check_files(profile, SUITE)
        yield Finding("profile", "ok", f"{profile.name}: complete")
    except HarnessError as error:
        yield Finding("profile", "bad", error.what, error.hint)
        return
    with ExitStack() as stack:
        try:
            url = stack.enter_context(_served(profile, base_url))
        except HarnessError as error:
            yield Finding("start", "bad", error.what, error.hint)
            return
        yield from _check_address(url, profile)
        playwright = stack.enter_context(driver())
        options: dict[str, Any] = launch_options(find_browser())
        browser = stack.enter_context(playwright.chromium.launch(**options))
        yield from _check_page(profile, url, playwright, browser)


@contextmanager
def _served(profile: Profile, base_url: str | None) -> Iterator[str]:
    """Start what the profile starts, and yield the address of the chat. Raises `HarnessError` when it does not start."""
    start, where = profile.where.start, profile.where
    if base_url is not None or start is None:
        yield with_path(base_url or where.url, where.path)
    elif isinstance(start, Command):
        with serving(start, SUITE) as url:
            yield with_path(url, where.path)
    else:
        with ReferenceChat.start(control=False) as chat:
            yield chat.url


def _check_address(url: str, profile: Profile) -> Iterator[Finding]:
    try:
        response = httpx.get(
            url,
            timeout=profile.timeouts.ready,
            follow_redirects=True,
            trust_env=False,
            verify=not profile.where.ignore_https_errors,
        )
    except httpx.HTTPError as error:
        yield Finding(
            "reachable",
            "bad",
            f"{url}: {type(error).__name__}: {error}",
            "is the chat running, and is where.url (or --base-url) correct?",
        )
        return
    level: Level = "ok" if response.status_code < 400 else "bad"
    yield Finding(
        "reachable",
        level,
        f"{url} returned {response.status_code}",
        "does it need a login (`make login`), or headers?",
    )
    if "date" in response.headers:
        skew = time.time() - parsedate_to_datetime(response.headers["date"]).timestamp()
        level = "ok" if abs(skew) < _SKEW else "warn"
        yield Finding(
            "target's clock",
            level,
            f"{skew:+.0f} s from this machine's",
            "times in session IDs are compared with this machine's: set both clocks by NTP",
        )


def _check_page(profile: Profile, url: str, playwright: Playwright, browser: Browser) -> Iterator[Finding]:
    context = browser.new_context(ignore_https_errors=profile.where.ignore_https_errors or None)
    page = context.new_page()
    try:
        with returning(context, EventWaiter(browser), profile.timeouts.ready + _RETURN):
            page.goto(url, wait_until="commit", timeout=profile.timeouts.ready * 1000)
            secure = bool(page.evaluate("isSecureContext"))
        yield Finding(
            "secure context", "ok" if secure else "warn", "yes" if secure else "no: crypto.randomUUID and service workers are missing",
            "use https, or localhost",
        )  # fmt: skip
    except Error as error:
        yield Finding("page", "bad", error.message.splitlines()[0], "is the address correct?")
        return
    except HarnessError as error:
        yield Finding("page", "bad", error.what, error.hint)
        return
    finally:
        context.close()
    plan = Plan(profile, url, 2, 1, SUITE / "reports" / "out" / "doctor", continue_last=False, trace=False)
    folder = Runner(plan, playwright, browser, {}, probes=False).run()
    yield from _check_chats(assemble([read_run(folder)]), profile)


def _check_chats(run: Run, profile: Profile) -> Iterator[Finding]:
    problems = [p for meta in run.metas for p in meta.problems]
    for problem in problems:
        yield Finding("two chats", "bad", f"{problem.what} ({problem.where})", problem.way_out)
    if not problems:
        yield Finding("two chats", "ok", "found page, message box, Send, New Chat and the end of the reply")
    matched = set(run.payloads["rule"])
    for rule in profile.wire:
        if rule.direction == "sent":
            fits = rule.name in matched
            hint = "no problem if another rule matched the messages; else compare url, method and when with the browser's network tab"
            yield Finding(
                f"wire rule {rule.name!r}",
                "ok" if fits else "warn",
                "matched" if fits else "matched nothing",
                hint,
            )
    observed = run.messages[run.messages["outcome"] == "ok"]
    if len(observed):
        if profile.sends_id:
            yield _layer(
                "session ID sent", observed["sent"].notna().all(), "wire.session: not found in the payloads"
            )
        else:
            yield Finding(
                "session ID",
                "ok",
                "the profile has no [session]: chats are judged by their content"
                + ("" if profile.memory else "; [memory] would test their sessions"),
            )
        if profile.id_store.store != "none":
            yield _layer(
                "session ID stored",
                observed["stored"].notna().any(),
                "session: nothing is stored under that key",
            )
        if any(rule.provider for rule in profile.wire):
            yield _layer(
                "provider in the reply",
                observed["reply_provider"].notna().all(),
                "wire.provider: not found in the replies",
            )
        if profile.screen.provider is not None:
            yield _layer(
                "provider on the screen",
                observed["label_provider"].notna().all(),
                "screen.provider: no such element on the page",
            )
        if profile.backend is not None and profile.backend.lookup is not None:
            yield _layer(
                "backend lookup",
                observed["backend_provider"].notna().all(),
                "backend.lookup: it returned no provider",
            )


def _layer(what: str, found: object, hint: str) -> Finding:
    return Finding(what, "ok" if found else "warn", "found" if found else "not found", hint)
