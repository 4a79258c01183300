"""`python -m e2e record`: a user shows a chat, and the suite writes its profile and tries it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Playwright
from rich.console import Console
from rich.markup import escape

from e2e.capture.network.har.archive import read_archive
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.capture.scheduling.stuck_calls import returning
from e2e.errors import HarnessError
from e2e.explore import discovery
from e2e.explore.discover.infer import infer, is_ambiguous
from e2e.explore.discover.infer.findings import Findings
from e2e.explore.discover.infer.propose import name_of, propose, usable
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.watcher import new_page
from e2e.explore.proof import Weak, weak_guesses
from e2e.explore.record.guide import Guide, Recording, User
from e2e.explore.record.inputs import InputLog
from e2e.explore.record.login_state import save_state
from e2e.explore.record.observe import observe
from e2e.explore.record.recorded import observe_recording
from e2e.explore.record.shown import Shown
from e2e.profile.profile import SUITE, is_web_address, toml_value
from e2e.setup.browser import find_browser, launch_options
from e2e.setup.driver_files import driver

_OUT = SUITE / "reports" / "out"
_ENOUGH = 4  # payloads, in two chats, that show what marks a message: in fewer of them an ID does
_RETURN = 75.0
"""Seconds after which a call to the page has stopped: more than the page may take to load."""
_VIEWPORT = {"width": 1280, "height": 800}
"""As a profile's default: a page that looks different in another window would have other locators."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of ``python -m e2e record``."""

    url: str = ""
    recorded: Path | None = None
    """A trace or a HAR file to take the place of a user."""
    out: Path | None = None
    name: str | None = None
    force: bool = False
    storage_state: Path | None = None
    locale: str = "en-US"
    timeout: float = 600
    """Seconds for each step of the user."""
    auth: Path = SUITE / ".auth"
    """Folder of saved logins."""


def record_chat(options: Options, user: User | None = None) -> int:
    """Record a chat, propose its profile, and check it with a run of two chats.

    ``user`` is a script in place of a person; the browser has no window then. Returns 0 when the run worked, 1 when a question is
    open or the run did not work. Raises `HarnessError`.
    """
    if options.recorded is not None:
        return _from_recording(options)
    _check_address(options.url)
    name, file = _file(options, options.url)
    if user is None:
        _check_display()
    console = Console(highlight=False)
    with driver() as playwright:
        browser = _launch(playwright, window=user is None)
        try:
            observed, found, shown = _record(browser, options, console, user)
            text = _written_by(propose(observed, found, name, options.url))
            state = options.storage_state
            if shown.signed_in and shown.state is not None:
                state = save_state(shown.state, found.store, options.auth / f"{name}.json")
                text += _login(state)
            _write(console, file, text, observed, found)
            return _prove(
                console,
                playwright,
                browser,
                text,
                file,
                options,
                options.url,
                state,
                weak_guesses(found, observed),
            )
        finally:
            browser.close()


def _record(
    browser: Browser, options: Options, console: Console, user: User | None
) -> tuple[Observed, Findings, Shown]:
    context = _context(browser, options)
    detach: Callable[[], None] | None = None
    try:
        log = InputLog(context)
        waiter = EventWaiter(browser)
        page, watcher = new_page(context, waiter)
        detach = watcher.close
        recording = Recording(page, watcher, lambda line: console.print(f"  {line}", markup=False))
        if user is None:
            console.print("use the chat in the browser window; its panel says what to do next")

        def ambiguous(_: Shown) -> bool:
            return is_ambiguous(infer(watcher, recording.observed))

        guide = Guide(recording, log, user, options.timeout, ambiguous,
                      lambda: returning(context, waiter, _RETURN, lambda: recording.dialog_open))  # fmt: skip
        shown = guide.run(options.url)
        observed = observe(recording, shown)
        return observed, infer(watcher, observed), shown
    finally:
        if detach is not None:
            detach()
        context.close()


def _context(browser: Browser, options: Options) -> BrowserContext:
    try:
        return browser.new_context(
            viewport=_VIEWPORT,  # type: ignore[arg-type]
            locale=options.locale,
            storage_state=str(options.storage_state) if options.storage_state else None,
        )
    except (Error, OSError, ValueError) as error:  # the state file is read here
        raise HarnessError(
            f"the browser does not accept {options.storage_state}: {str(error).strip().splitlines()[-1]}",
            hint="--storage-state takes a file that `make login` has saved",
        ) from None


def _check_display() -> None:
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise HarnessError(
            "this machine has no display for a browser window",
            hint="run it on a machine with a screen; or record a Playwright trace or a HAR file there,"
            " then: python -m e2e record --from FILE",
        )


def _launch(playwright: Playwright, *, window: bool) -> Browser:
    settings: dict[str, Any] = {**launch_options(find_browser(headed=window)), "headless": not window}
    try:
        return playwright.chromium.launch(**settings)
    except Error as error:
        raise HarnessError(
            f"the browser did not start: {error.message.splitlines()[0]}",
            hint="`make setup` finds or installs one; a window needs a display (DISPLAY)",
        ) from None


def _from_recording(options: Options) -> int:
    """The same from a trace or a HAR file, as far as it shows the chat."""
    assert options.recorded is not None
    archive = read_archive(options.recorded)
    console = Console(highlight=False)
    watcher, observed, notes = observe_recording(archive, options.url or None)
    url = options.url or observed.url
    if not url:
        raise HarnessError(
            f"{options.recorded}: the address of the chat's page is not in the recording",
            hint="python -m e2e record https://chat.example.org/ --from FILE",
        )
    name, file = _file(options, url)
    found = infer(watcher, observed)
    _without_guesses(found, archive.kind)
    found.questions[:0] = notes
    text = _written_by(propose(observed, found, name, url))
    _write(console, file, text, observed, found)
    if not observed.box or not observed.new_chat:
        console.print(_not_checked(file))
        return 1
    return _proved(console, text, file, options, url, weak_guesses(found, observed))


def _proved(console: Console, text: str, file: Path, options: Options, url: str, weak: Sequence[Weak]) -> int:
    with driver() as playwright:
        browser = _launch(playwright, window=False)
        try:
            return _prove(console, playwright, browser, text, file, options, url, options.storage_state, weak)
        finally:
            browser.close()


def _without_guesses(found: Findings, kind: str) -> None:
    """Leave open what a recording cannot show."""
    found.store = None
    what = "HAR file" if kind == "har" else "trace"
    found.questions.append(f"where does the page store the session? A {what} does not record stores.")
    if found.sent is not None and len(found.sent.payloads) < _ENOUGH:
        found.when = None


def _prove(
    console: Console, playwright: Playwright, browser: Browser, text: str, file: Path, options: Options, url: str,
    state: Path | None, weak: Sequence[Weak],
) -> int:  # fmt: skip
    profile = usable(text, file.name)
    if profile is None:
        console.print(_not_checked(file))
        return 1
    proof = discovery.Options(url, storage_state=state, locale=options.locale)
    code = discovery.check_profile(console, playwright, browser, profile, proof, weak)
    if code == 0:
        console.print(f"next: make e2e TARGET={_shown(file)}", markup=False)
    return code


def _not_checked(file: Path) -> str:
    return f"[yellow]not checked:[/] answer the marked questions in it, then make doctor TARGET={escape(_shown(file))}"


def _check_address(url: str) -> None:
    try:
        is_web_address(url)
    except ValueError as error:
        raise HarnessError(f"{url}: {error}", hint="python -m e2e record https://chat.example.org/") from None


def _file(options: Options, url: str) -> tuple[str, Path]:
    name = options.name or name_of(url)
    file = options.out or _OUT / f"{name}.toml"
    if file.exists() and not options.force:
        raise HarnessError(f"{file} already exists", hint="--out another file, or --force to replace it")
    return name, file


def _write(console: Console, file: Path, text: str, observed: Observed, found: Findings) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    discovery.print_findings(console, observed, found)
    console.print(f"\nproposed: {escape(_shown(file))}")
    if observed.problem is not None:
        console.print(f"[red]not finished:[/] {escape(observed.problem.what)}")
        if observed.problem.hint:
            console.print(f"  hint: {observed.problem.hint}", markup=False)


def _written_by(text: str) -> str:
    return text.replace("`python -m e2e discover`", "`python -m e2e record`", 1)


def _login(state: Path) -> str:
    shown = state.relative_to(SUITE) if state.is_relative_to(SUITE) else state
    return (
        "\n[login]\n# The state after the sign-in, without the session of the chat: a secret, never commit it.\n"
        f"storage_state = {toml_value(str(shown))}\n"
    )


def _shown(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
