"""The command: look, propose, prove."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, sync_playwright
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.errors import HarnessError
from e2e.explore.discover.infer import infer
from e2e.explore.discover.infer.common import Findings, Guess
from e2e.explore.discover.infer.propose import name_of, propose, usable
from e2e.explore.discover.said import Said
from e2e.explore.discover.talk import talk
from e2e.explore.discover.watch import new_page
from e2e.profile.profile import SUITE, Profile, is_web_address
from e2e.records.evidence import read_run
from e2e.setup.browser import find_browser, launch_options

_OUT = SUITE / "reports" / "out"
_CHATS = 2


def main(arguments: list[str]) -> int:
    """Returns 0 when the proposal passed its smoke run, 1 when something is left open or failed. Raises `HarnessError`."""
    said = _options(arguments)
    try:
        is_web_address(said.url)
    except ValueError as error:
        raise HarnessError(
            f"{said.url}: {error}", hint="python -m e2e discover https://chat.example.org/"
        ) from None
    name = said.name or name_of(said.url)
    file: Path = said.out or _OUT / f"{name}.toml"
    if file.exists() and not said.force:
        raise HarnessError(f"{file} is already there", hint="--out another file, or --force to replace it")
    console = Console(highlight=False)
    with sync_playwright() as playwright:
        options: dict[str, Any] = {**launch_options(find_browser()), "headless": not said.headed}
        browser = playwright.chromium.launch(**options)
        try:
            talked, found = _look(browser, said, console)
            text = propose(talked, found, name, said.url)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            _tell(console, talked, found)
            console.print(f"\nproposed: {_shown(file)}")
            profile = usable(text, file.name)
            if profile is None:
                console.print(
                    "[yellow]not proven:[/] answer the marked questions in it, then `python -m e2e doctor --target` that file"
                )
                return 1
            return _prove(console, playwright, browser, profile, said)
        finally:
            browser.close()


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m e2e discover",
        description="Finds out how a chat works: sends two short messages in each of two chats, watches, and proposes a profile.",
    )
    parser.add_argument("url", help="address of the chat")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="where the profile is written (default: reports/out/NAME.toml)",
    )
    parser.add_argument("--name", help="the profile's name (default: made from the address)")
    parser.add_argument("--headed", action="store_true", help="show the browser at work")
    parser.add_argument("--force", action="store_true", help="replace the file when it is there")
    parser.add_argument(
        "--storage-state", type=Path, metavar="FILE", help="a signed-in state, as `make login` saves it"
    )
    parser.add_argument("--locale", default="en-US", help="the browser's language (default: en-US)")
    parser.add_argument(
        "--timeout",
        type=float,
        default=20,
        metavar="S",
        help="seconds until the page must be usable (default: 20)",
    )
    return parser.parse_args(arguments)


def _look(browser: Browser, said: argparse.Namespace, console: Console) -> tuple[Said, Findings]:
    try:
        context = browser.new_context(
            viewport={"width": 1280, "height": 800},
            locale=said.locale,
            storage_state=str(said.storage_state) if said.storage_state else None,
        )
    except (Error, OSError, ValueError) as error:  # the state file is read here
        raise HarnessError(
            f"the browser could not be opened with {said.storage_state}: {str(error).strip().splitlines()[-1]}",
            hint="--storage-state wants a file that `make login` has saved",
        ) from None
    let_go: Callable[[], None] | None = None
    try:
        page, watcher = new_page(context, EventWaiter(browser))
        let_go = watcher.close
        began = time.monotonic()
        with console.status("looking at the page …"):
            talked = talk(
                page, watcher, said.url, said.timeout, lambda line: console.print(f"  {line}", markup=False)
            )
            found = infer(watcher, talked)
        console.print(f"looked at it for {time.monotonic() - began:.0f} s, with {len(talked.turns)} messages")
        return talked, found
    finally:
        if let_go is not None:
            let_go()
        context.close()


def _tell(console: Console, said: Said, found: Findings) -> None:
    table = Table(title="What was found", title_justify="left")
    for column in ("what", "found", "sure", "because"):
        table.add_column(column, overflow="fold")
    rows: list[tuple[str, Guess | None]] = [
        ("session ID", found.session), ("store", found.store), ("only payloads where", found.when), ("provider", found.provider),
        ("provider on the screen", found.label), ("answers come by", found.answered_by), ("answer belongs by", found.reply_to),
        ("reply's end", found.done), ("rotation", found.rotation),
    ]  # fmt: skip
    if found.sending is not None:
        table.add_row(
            "request",
            escape(f"{found.sending.transport} {found.sending.method} {found.sending.url}"),
            "0.90",
            found.sending_why,
        )
    for what, guess in rows:
        if guess is not None:
            table.add_row(what, escape(str(guess.value)), f"{guess.confidence:.2f}", escape(guess.why))
    if said.new_chat:
        table.add_row(
            "New Chat", "; ".join(f"{v} {s}" for v, s in said.new_chat), "", "; ".join(said.new_chat_reasons)
        )
    console.print(table)
    for question in found.questions:
        console.print(f"[yellow]open:[/] {escape(question)}")
    if found.suspicion:
        console.print(f"[red]about the chat itself:[/] {escape(found.suspicion)}")


def _prove(
    console: Console, playwright: Any, browser: Browser, profile: Profile, said: argparse.Namespace
) -> int:
    """Two chats by the proposed profile, judged as always."""
    state = {"storage_state": str(said.storage_state)} if said.storage_state is not None else {}
    plan = Plan(profile, said.url, _CHATS, 1, _OUT / "discover", continue_last=False, trace=False)
    with console.status("proving it with two chats …"):
        folder = Runner(plan, playwright, browser, {"locale": said.locale, **state}, probes=False).run()
    run = assemble([read_run(folder)])
    table = Table(title="Smoke run by the proposed profile", title_justify="left")
    for column in ("check", "verdict", "because"):
        table.add_column(column, overflow="fold")
    for verdict in judge(run).verdicts:
        if verdict.outcome != "inconclusive" or verdict.name.split(".")[0] in ("smoke", "rotation"):
            table.add_row(verdict.name, verdict.outcome, escape(verdict.headline))
    console.print(table)
    return _outcome(console, run)


def _outcome(console: Console, run: Run) -> int:
    problems = [p for meta in run.metas for p in meta.problems]
    smoke = next(v for v in judge(run).verdicts if v.name == "smoke")
    if smoke.outcome == "pass" and not run.partial:
        failed = [v.name for v in judge(run).verdicts if v.outcome == "fail"]
        if failed:
            causes = ", ".join(c.name for c in judge(run).causes)
            console.print(
                f"[green]the profile works[/]; what failed is a finding about the chat: {', '.join(failed)} ({causes})"
            )
        else:
            console.print("[green]the profile works[/]")
        return 0
    console.print("[red]the profile did not work[/]; suspect the line that this names:")
    for problem in problems:
        console.print(
            f"  {problem.what}\n    where: {problem.where}\n    hint: {problem.way_out}", markup=False
        )
    if not problems:
        console.print(f"  {smoke.headline}; {smoke.needs}", markup=False)
    return 1


def _shown(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
