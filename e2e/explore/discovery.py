"""Looks at a chat, proposes a profile, and checks the proposal with a run of two chats."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.capture.scheduling.stuck_calls import returning
from e2e.errors import HarnessError
from e2e.explore.discover.given import Given
from e2e.explore.discover.infer import infer, is_ambiguous
from e2e.explore.discover.infer.findings import Findings, Guess
from e2e.explore.discover.infer.propose import name_of, propose, usable
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.page.conversation import run_conversation
from e2e.explore.discover.watcher import new_page
from e2e.explore.proof import Outcome, Weak, confirm_provider, print_outcome, weak_guesses, with_maybe
from e2e.profile.profile import SUITE, Profile, is_web_address, toml_value
from e2e.records.evidence import read_run
from e2e.setup.browser import find_browser, launch_options
from e2e.setup.driver_files import driver

_OUT = SUITE / "reports" / "out"
_CHATS = 2
_RETURN = 15.0
"""Seconds that a call to the page may take beyond its own time limit."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of ``python -m e2e discover``."""

    url: str
    out: Path | None = None
    name: str | None = None
    headed: bool = False
    force: bool = False
    storage_state: Path | None = None
    locale: str = "en-US"
    timeout: float = 20
    """Seconds until the page must be usable."""
    given: Given = field(default_factory=Given)
    """Locators that the user gives."""


def discover_chat(options: Options) -> int:
    """Propose a profile, then check it with a run of two chats.

    Returns 0 when that run worked, 1 when a question is open or the run did not work. Raises `HarnessError`.
    """
    try:
        is_web_address(options.url)
    except ValueError as error:
        raise HarnessError(
            f"{options.url}: {error}", hint="python -m e2e discover https://chat.example.org/"
        ) from None
    name = options.name or name_of(options.url)
    file = options.out or _OUT / f"{name}.toml"
    if file.exists() and not options.force:
        raise HarnessError(f"{file} already exists", hint="--out another file, or --force to replace it")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(
            f"--out {file}: {error.strerror}", hint="--out a file that can be written"
        ) from None
    console = Console(highlight=False)
    with driver() as playwright:
        found_browser = find_browser(headed=options.headed)
        browser_options: dict[str, Any] = {**launch_options(found_browser), "headless": not options.headed}
        browser = playwright.chromium.launch(**browser_options)
        try:
            observed, found = _observe(browser, options, console)
            text = propose(observed, found, name, options.url)
            file.write_text(text, encoding="utf-8")
            print_findings(console, observed, found)
            console.print(f"\nproposed: {_shown(file)}")
            if observed.problem is not None:
                console.print(f"[red]not finished:[/] {escape(observed.problem.what)}")
                if observed.problem.hint:
                    console.print(f"  hint: {observed.problem.hint}", markup=False)
            trial = with_maybe(found)
            profile = usable(propose(observed, trial, name, options.url), file.name)
            if profile is None:
                console.print(
                    f"[yellow]not checked:[/] answer the marked questions in it, then make doctor TARGET={_shown(file)}"
                )
                return 1
            seen: set[str] = set()
            code = check_profile(
                console, playwright, browser, profile, options, weak_guesses(trial, observed), seen
            )
            if confirm_provider(found, seen):
                file.write_text(propose(observed, found, name, options.url), encoding="utf-8")
                console.print(
                    f"the provider was found by the proof run: {', '.join(sorted(seen))}", markup=False
                )
            if code == 0:
                console.print(f"next: make e2e TARGET={_shown(file)}", markup=False)
            return code
        finally:
            browser.close()


def _observe(browser: Browser, options: Options, console: Console) -> tuple[Observed, Findings]:
    try:
        context = browser.new_context(
            viewport={"width": 1280, "height": 800},
            locale=options.locale,
            storage_state=str(options.storage_state) if options.storage_state else None,
        )
    except (Error, OSError, ValueError) as error:  # the state file is read here
        raise HarnessError(
            f"the browser does not accept {options.storage_state}: {str(error).strip().splitlines()[-1]}",
            hint="--storage-state takes a file that `make login` has saved",
        ) from None
    detach: Callable[[], None] | None = None
    try:
        waiter = EventWaiter(browser)
        page, watcher = new_page(context, waiter)
        detach = watcher.close
        started = time.monotonic()
        with console.status("talking to the chat …"):
            observed = run_conversation(
                page,
                watcher,
                options.url,
                options.timeout,
                lambda line: console.print(f"  {line}", markup=False),
                options.given,
                lambda so_far: is_ambiguous(infer(watcher, so_far)),
                lambda: returning(context, waiter, options.timeout + _RETURN),
            )
            found = infer(watcher, observed)
        console.print(f"sent {len(observed.turns)} messages in {time.monotonic() - started:.0f} s")
        return observed, found
    finally:
        if detach is not None:
            detach()
        context.close()


def print_findings(console: Console, observed: Observed, found: Findings) -> None:
    """Print what was inferred, with confidence and reason, and the open questions."""
    table = Table(title="Findings", title_justify="left")
    for column in ("part", "value", "confidence", "reason"):
        table.add_column(column, overflow="fold")
    rows: list[tuple[str, Guess | None]] = [
        ("session ID", found.session), ("store", found.store), ("only payloads where", found.when), ("provider", found.provider),
        ("provider on the screen", found.label), ("replies come by", found.answered_by), ("reply belongs by", found.reply_to),
        ("reply's end", found.done), ("rotation", found.rotation),
    ]  # fmt: skip
    if found.sent is not None:
        table.add_row(
            "request",
            escape(f"{found.sent.transport} {found.sent.method} {found.sent.url}"),
            "0.90",
            found.sent_reason,
        )
    for what, guess in rows:
        if guess is not None:
            table.add_row(
                what, escape(_as_toml(guess.value)), f"{guess.confidence:.2f}", escape(guess.reason)
            )
    if observed.new_chat:
        table.add_row(
            "New Chat",
            "; ".join(map(_as_toml, observed.new_chat)),
            "",
            "; ".join(observed.new_chat_reasons),
        )
    console.print(table)
    for question in found.questions:
        console.print(f"[yellow]open question:[/] {escape(question)}")
    if found.suspected_fault:
        console.print(f"[red]possible fault of the chat:[/] {escape(found.suspected_fault)}")


def check_profile(
    console: Console,
    playwright: Any,
    browser: Browser,
    profile: Profile,
    options: Options,
    weak: Sequence[Weak],
    seen: set[str] | None = None,
) -> int:
    """Run two chats with the proposed profile, and judge them. ``seen`` gets the providers of their replies."""
    state = {"storage_state": str(options.storage_state)} if options.storage_state is not None else {}
    plan = Plan(profile, options.url, _CHATS, 1, _OUT / "discover", continue_last=False, trace=False)
    with console.status("checking the profile with two chats …"):
        folder = Runner(plan, playwright, browser, {"locale": options.locale, **state}, probes=False).run()
    records = read_run(folder)
    run = assemble([records])
    if seen is not None:
        seen |= {m.reply_provider for chat in records.chats for m in chat.messages if m.reply_provider}
    table = Table(title="Two chats with the proposed profile", title_justify="left")
    for column in ("check", "verdict", "reason"):
        table.add_column(column, overflow="fold")
    for verdict in judge(run).verdicts:
        if verdict.outcome != "inconclusive" or verdict.name == "smoke":
            table.add_row(verdict.name, verdict.outcome, escape(verdict.headline))
    console.print(table)
    return _outcome(console, run, weak)


def _outcome(console: Console, run: Run, weak: Sequence[Weak]) -> int:
    problems = [p for meta in run.metas for p in meta.problems]
    smoke = next(v for v in judge(run).verdicts if v.name == "smoke")
    if smoke.outcome == "pass" and not run.partial:
        failed = tuple(v.name for v in judge(run).verdicts if v.outcome == "fail")
        causes = tuple(c.name for c in judge(run).causes)
        return print_outcome(console, Outcome(failed, causes), weak)
    console.print("[red]the profile does not work[/]; check the line that is named here:")
    for problem in problems:
        console.print(
            f"  {problem.what}\n    where: {problem.where}\n    hint: {problem.way_out}", markup=False
        )
    if not problems:
        console.print(f"  {smoke.headline}; {smoke.needs}", markup=False)
    return 1


def _as_toml(value: Any) -> str:
    return value if isinstance(value, str) else toml_value(value)


def _shown(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
