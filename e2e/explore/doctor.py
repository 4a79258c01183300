"""``python -m e2e doctor``: what a run needs, looked at one by one, with what to do about each that is missing."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal

import httpx
from playwright.sync_api import Browser, Error, Playwright, sync_playwright
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.target.start_command import serving
from e2e.errors import HarnessError
from e2e.plugin.target import at
from e2e.profile.profile import SUITE, Command, Profile, check_files, check_variables, load
from e2e.records.evidence import read_run
from e2e.setup.allure import allure_command
from e2e.setup.browser import find_browser, launch_options
from e2e.setup.node import node_path
from fixtures.reference_chat.launcher import ReferenceChat

Level = Literal["ok", "warn", "bad"]
_SKEW = 5.0  # seconds between two clocks that are worth a word
_ROOM = 500  # megabytes
_COLOURS = {"ok": "green", "warn": "yellow", "bad": "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    level: Level
    said: str
    advice: str = ""


def main(arguments: list[str]) -> int:
    """Returns 0 when nothing is bad, 1 otherwise. Raises `HarnessError` for a profile that cannot be read."""
    parser = argparse.ArgumentParser("python -m e2e doctor", description=__doc__)
    parser.add_argument(
        "--target", metavar="NAME_OR_PATH", help="look at this target too: two chats are had with it"
    )
    parser.add_argument("--base-url", metavar="URL", help="instead of the profile's")
    said = parser.parse_args(arguments)
    console = Console(highlight=False)
    profile = load(said.target) if said.target else None
    findings: list[Finding] = []

    def note(finding: Finding) -> None:
        findings.append(finding)
        console.print(
            f"[{_COLOURS[finding.level]}]{finding.level:>4}[/]  {escape(finding.what)}: {escape(finding.said)}",
            soft_wrap=True,
        )

    for finding in machine():
        note(finding)
    if profile is not None:
        for finding in target(profile, said.base_url):
            note(finding)
    _advise(console, findings)
    return 1 if any(f.level == "bad" for f in findings) else 0


def _advise(console: Console, findings: list[Finding]) -> None:
    todo = [f for f in findings if f.level != "ok"]
    if not todo:
        console.print("\nall is well")
        return
    table = Table(title="What to do", title_justify="left", show_header=False)
    for finding in todo:
        table.add_row(f"[{_COLOURS[finding.level]}]{escape(finding.what)}[/]", escape(finding.advice))
    console.print(table)


# -- this machine -------------------------------------------------------------------------------------------------------


def machine() -> Iterator[Finding]:
    """The browser, Node, Allure, the clock and the disk."""
    yield _looked("browser", _browser, "`make setup` finds or installs one; CHROME_PATH names one")
    yield _looked("node", _node, "`make setup` brings Node into the virtual environment")
    yield _looked("allure", _allure, "`make setup` installs it")
    yield _clock_runs()
    free = shutil.disk_usage(SUITE).free // 1_000_000
    room: Level = "ok" if free > _ROOM else "warn"
    yield Finding(
        "disk", room, f"{free:,} MB free", "make room: a night's evidence takes some hundred megabytes"
    )
    out = SUITE / "reports" / "out"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            yield Finding("output folder", "ok", "reports/out can be written")
    except OSError as error:
        yield Finding(
            "output folder",
            "bad",
            f"reports/out cannot be written: {error.strerror}",
            "correct its rights, or use --out",
        )


def _looked(what: str, look: Callable[[], str], advice: str) -> Finding:
    try:
        return Finding(what, "ok", look())
    except (HarnessError, Error, OSError) as error:
        return Finding(what, "bad", str(error).splitlines()[0], advice)


def _browser() -> str:
    with sync_playwright() as playwright:
        options: dict[str, Any] = launch_options(find_browser())
        browser = playwright.chromium.launch(**options)
        try:
            return f"Chromium {browser.version}, {find_browser().how}"
        finally:
            browser.close()


def _node() -> str:
    path = node_path()
    said = subprocess.run(
        [str(path), "--version"], capture_output=True, text=True, check=False, timeout=20
    ).stdout.strip()
    major = said.removeprefix("v").split(".")[0]
    if not major.isdecimal() or int(major) < 22:
        raise HarnessError(f"Node is {said or 'silent'}, and Allure needs 22 or newer")
    return said


def _allure() -> str:
    path = Path(allure_command()[-1])
    if not path.exists():
        raise HarnessError("Allure is not installed")
    return "installed"


def _clock_runs() -> Finding:
    wall, own = time.time(), time.monotonic()
    time.sleep(0.2)  # the two clocks are compared over this time
    drift = abs((time.time() - wall) - (time.monotonic() - own))
    level: Level = "ok" if drift < 0.02 else "warn"
    return Finding(
        "clock",
        level,
        f"{time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}",
        "the clock jumps: is time being set?",
    )


# -- a target -----------------------------------------------------------------------------------------------------------


def target(profile: Profile, base_url: str | None) -> Iterator[Finding]:
    """Reachability, clock, secure context, locators and wire rules of a target, by having two chats with it."""
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
        yield from _reached(url, profile)
        playwright = stack.enter_context(sync_playwright())
        options: dict[str, Any] = launch_options(find_browser())
        browser = stack.enter_context(playwright.chromium.launch(**options))
        yield from _driven(profile, url, playwright, browser)


@contextmanager
def _served(profile: Profile, base_url: str | None) -> Iterator[str]:
    """The chat's address, while whatever the profile starts is running. Raises `HarnessError` when it does not start."""
    start, where = profile.where.start, profile.where
    if base_url is not None or start is None:
        yield at(base_url or where.url, where.path)
    elif isinstance(start, Command):
        with serving(start, SUITE) as url:
            yield at(url, where.path)
    else:
        with ReferenceChat.start(control=False) as chat:
            yield chat.url


def _reached(url: str, profile: Profile) -> Iterator[Finding]:
    try:
        answer = httpx.get(
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
            "is the chat up, and is where.url (or --base-url) right?",
        )
        return
    level: Level = "ok" if answer.status_code < 400 else "bad"
    yield Finding(
        "reachable",
        level,
        f"{url} answered {answer.status_code}",
        "does it want a login (`make login`), or headers?",
    )
    if "date" in answer.headers:
        skew = time.time() - parsedate_to_datetime(answer.headers["date"]).timestamp()
        level = "ok" if abs(skew) < _SKEW else "warn"
        yield Finding(
            "target's clock",
            level,
            f"{skew:+.0f} s from ours",
            "times in session IDs are compared with ours: set both clocks by NTP",
        )


def _driven(profile: Profile, url: str, playwright: Playwright, browser: Browser) -> Iterator[Finding]:
    context = browser.new_context(ignore_https_errors=profile.where.ignore_https_errors or None)
    page = context.new_page()
    try:
        page.goto(url, wait_until="commit", timeout=profile.timeouts.ready * 1000)
        secure = bool(page.evaluate("isSecureContext"))
        yield Finding(
            "secure context", "ok" if secure else "warn", "yes" if secure else "no: crypto.randomUUID and service workers are missing",
            "use https, or localhost",
        )  # fmt: skip
    except Error as error:
        yield Finding("page", "bad", error.message.splitlines()[0], "is the address right?")
        return
    finally:
        context.close()
    plan = Plan(profile, url, 2, 1, SUITE / "reports" / "out" / "doctor", continue_last=False, trace=False)
    folder = Runner(plan, playwright, browser, {}, probes=False).run()
    yield from _judged(assemble([read_run(folder)]), profile)


def _judged(run: Run, profile: Profile) -> Iterator[Finding]:
    problems = [p for meta in run.metas for p in meta.problems]
    for problem in problems:
        yield Finding("two chats", "bad", f"{problem.what} ({problem.where})", problem.way_out)
    if not problems:
        yield Finding("two chats", "ok", "page, message box, send, New Chat and the reply's end were found")
    matched = set(run.payloads["rule"])
    for rule in profile.wire:
        if rule.direction == "sent":
            fits = rule.name in matched
            advice = "leave it when another rule took the messages; else compare url, method and when with the network tab"
            yield Finding(
                f"wire rule {rule.name!r}",
                "ok" if fits else "warn",
                "matched" if fits else "matched nothing",
                advice,
            )
    observed = run.messages[run.messages["outcome"] == "ok"]
    if len(observed):
        yield _layer(
            "session ID sent", observed["sent"].notna().all(), "wire.session: it was not in the payloads"
        )
        if profile.session.store != "none":
            yield _layer(
                "session ID stored",
                observed["stored"].notna().any(),
                "session: nothing was stored under that key",
            )
        if any(rule.provider for rule in profile.wire):
            yield _layer(
                "provider in the reply",
                observed["reply_provider"].notna().all(),
                "wire.provider: it was not in the replies",
            )
        if profile.screen.provider is not None:
            yield _layer(
                "provider on the screen",
                observed["label_provider"].notna().all(),
                "screen.provider: no such element was shown",
            )
        if profile.backend is not None and profile.backend.lookup is not None:
            yield _layer(
                "backend's look-up",
                observed["backend_provider"].notna().all(),
                "backend.lookup: it named no provider",
            )


def _layer(what: str, seen: object, advice: str) -> Finding:
    return Finding(what, "ok" if seen else "warn", "seen" if seen else "not seen", advice)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
