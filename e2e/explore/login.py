"""Opens a browser window in which somebody signs in, and saves the signed-in state for later runs."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright

from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.capture.scheduling.stuck_calls import returning
from e2e.errors import HarnessError, TargetNotReady
from e2e.pages.chat_page import ChatPage
from e2e.pages.waits import Steps
from e2e.profile.environment import check_variables
from e2e.profile.profile import SUITE, Locate, Profile, load
from e2e.setup.browser import find_browser, launch_options
from e2e.setup.driver_files import driver

_POLL_INTERVAL = 0.3  # seconds
_RETURN = 45.0
"""Seconds that a call to the page may take beyond ``timeouts.ready``: Playwright's own limits of 30 s come first."""


def state_path(profile: Profile) -> Path:
    """Where the state of a signed-in user is kept: as the profile says, else ``.auth/NAME.json``."""
    configured = profile.login.storage_state if profile.login else None
    return SUITE / Path(configured or f".auth/{profile.name}.json").expanduser()


def save_login(
    target: str,
    base_url: str | None = None,
    out: Path | None = None,
    timeout: float = 300,
    *,
    headless: bool = False,
) -> int:
    """Wait until somebody has signed in, then save the state. Returns 0. Raises `HarnessError`.

    ``timeout`` is in seconds; with ``headless`` the profile's ``login.steps`` sign in.
    """
    profile = load(target)
    check_variables(profile, os.environ)
    if headless and not (profile.login and profile.login.steps):
        raise HarnessError(
            "--headless needs login.steps in the profile", hint="write them, or leave --headless out"
        )
    path = out or state_path(profile)
    with driver() as playwright:
        browser = _launch(playwright, headless=headless)
        context = browser.new_context(
            locale=profile.where.locale,
            no_viewport=not headless or None,
            ignore_https_errors=profile.where.ignore_https_errors or None,
        )
        try:
            with returning(context, EventWaiter(browser), profile.timeouts.ready + _RETURN):
                _sign_in(context.new_page(), profile, base_url or profile.where.url, timeout)
                _save(context, path)
        finally:
            browser.close()
    sys.stdout.write(f"signed in; the state is in {path} (a secret: never commit or publish it)\n")
    if profile.login is None or (profile.login.storage_state is None and not profile.login.accounts):
        shown = path.relative_to(SUITE) if path.is_relative_to(SUITE) else path
        sys.stdout.write(f'add to the profile:\n\n[login]\nstorage_state = "{shown}"\n')
    return 0


def _launch(playwright: Playwright, *, headless: bool) -> Browser:
    options = launch_options(find_browser(headed=not headless))
    try:
        return playwright.chromium.launch(**{**options, "headless": headless})
    except Error as error:
        if (
            headless
            or os.environ.get("DISPLAY")
            or os.environ.get("WAYLAND_DISPLAY")
            or sys.platform != "linux"
        ):
            raise HarnessError(
                f"the browser did not start: {error.message.splitlines()[0]}",
                hint="`make setup` finds or installs one",
            ) from None
        raise HarnessError(
            "this machine has no display for a browser window",
            hint="sign in on another machine and copy the file, or write login.steps with ${NAME} and use --headless",
        ) from None


def _sign_in(page: Page, profile: Profile, url: str, timeout: float) -> None:
    """Open the login page, run the profile's login.steps if it has any, and wait until the login is done."""
    login = profile.login
    chat = ChatPage(page, profile, url, None)
    _run(chat.open((login.url if login else None) or url))
    if login is not None and login.steps:
        _run(chat.run(login.steps, "login.steps"))
    else:
        sys.stdout.write(
            f"sign in, in the browser window; it closes after the login (at most {timeout:g} s)\n"
        )
        sys.stdout.flush()
    ready = profile.where.ready if profile.where.ready.visible else profile.steps.message_box
    done = login.done if login is not None and login.done is not None else ready
    deadline = time.monotonic() + timeout
    while not _shown(chat, page, done):
        if time.monotonic() > deadline:
            raise TargetNotReady(
                f"{done} was not visible within {timeout:g} s",
                where="login.done of the profile (or where.ready)",
                hint="correct that locator, or allow more time with --timeout",
            )
        page.wait_for_timeout(
            _POLL_INTERVAL * 1000
        )  # a user signs in at their own speed: no event marks the end


def _shown(chat: ChatPage, page: Page, what: Locate) -> bool:
    if page.is_closed():
        raise HarnessError("the window was closed before the login was done", hint="repeat the command")
    try:
        return chat.shows(what)
    except Error as error:
        if page.is_closed():
            return _shown(chat, page, what)
        if "navigat" in error.message or "context was destroyed" in error.message:
            return False  # between two pages
        raise


def _run(steps: Steps) -> None:
    """Run steps in turn; unlike in a lane, there is only one page to wait for."""
    try:
        wait = next(steps)
        while True:
            deadline = time.monotonic() + wait.timeout
            while not wait.until():
                if time.monotonic() > deadline:
                    wait = steps.throw(wait.late())
                    break
                time.sleep(wait.poll or 0.02)  # a step knows its poll interval
            else:
                wait = next(steps)
    except StopIteration:
        return


def _save(context: BrowserContext, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.chmod(0o600)
    context.storage_state(path=path, indexed_db=True)
