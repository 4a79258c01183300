"""``python -m e2e login``: a window in which somebody signs in; the signed-in state is saved for later runs."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, sync_playwright

from e2e.errors import HarnessError, TargetNotReady
from e2e.pages.chat_page import ChatPage
from e2e.pages.waits import Steps
from e2e.profile.profile import SUITE, Locate, Profile, check_variables, load
from e2e.setup.browser import find_browser, launch_options

_LOOK_EVERY = 0.3  # seconds


def state_path(profile: Profile) -> Path:
    """Where the state of a signed-in user is kept: as the profile says, else ``.auth/NAME.json``."""
    said = profile.login.storage_state if profile.login else None
    return SUITE / Path(said or f".auth/{profile.name}.json").expanduser()


def main(arguments: list[str]) -> int:
    """Returns 0 when the state was saved. Raises `HarnessError`."""
    parser = argparse.ArgumentParser("python -m e2e login", description=__doc__)
    parser.add_argument("--target", required=True, metavar="NAME_OR_PATH", help="the profile")
    parser.add_argument("--base-url", metavar="URL", help="instead of the profile's")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where the state is saved; default: as the profile says"
    )
    parser.add_argument(
        "--timeout", type=float, default=300, metavar="S", help="seconds to sign in (default: 300)"
    )
    parser.add_argument("--headless", action="store_true", help="no window: for login.steps that need nobody")
    said = parser.parse_args(arguments)
    profile = load(said.target)
    check_variables(profile, os.environ)
    if said.headless and not (profile.login and profile.login.steps):
        raise HarnessError(
            "--headless, and the profile has no login.steps", hint="leave --headless out, or write them"
        )
    path = said.out or state_path(profile)
    with sync_playwright() as playwright:
        browser = _launch(playwright, headless=said.headless)
        context = browser.new_context(
            locale=profile.where.locale,
            no_viewport=not said.headless or None,
            ignore_https_errors=profile.where.ignore_https_errors or None,
        )
        _sign_in(context.new_page(), profile, said.base_url or profile.where.url, said.timeout)
        _save(context, path)
        browser.close()
    sys.stdout.write(
        f"signed in; the state is in {path} (it is a secret: it is not committed and not published)\n"
    )
    if profile.login is None or (profile.login.storage_state is None and not profile.login.accounts):
        named = path.relative_to(SUITE) if path.is_relative_to(SUITE) else path
        sys.stdout.write(f'name it in the profile:\n\n[login]\nstorage_state = "{named}"\n')
    return 0


def _launch(playwright: Playwright, *, headless: bool) -> Browser:
    options = launch_options(find_browser())
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
                f"no browser could be started: {error.message.splitlines()[0]}",
                hint="`make setup` finds or installs one",
            ) from None
        raise HarnessError(
            "a window needs a display, and this machine has none",
            hint="sign in on another machine and copy the file, or write login.steps with ${NAME} and use --headless",
        ) from None


def _sign_in(page: Page, profile: Profile, url: str, patience: float) -> None:
    """Go to the login, do what the profile can do by itself, and wait until somebody is signed in."""
    login = profile.login
    chat = ChatPage(page, profile, url, "")
    _through(chat.open((login.url if login else None) or url))
    if login is not None and login.steps:
        _through(chat.run(login.steps, "login.steps"))
    else:
        sys.stdout.write(
            f"sign in, in the window that has opened; it is closed when that is done (at most {patience:g} s)\n"
        )
        sys.stdout.flush()
    done = login.done if login is not None and login.done is not None else profile.where.ready
    deadline = time.monotonic() + patience
    while not _shown(chat, page, done):
        if time.monotonic() > deadline:
            raise TargetNotReady(
                f"{done} was not visible within {patience:g} s",
                where="login.done of the profile (or where.ready)",
                hint="correct that locator, or take more time with --timeout",
            )
        page.wait_for_timeout(_LOOK_EVERY * 1000)  # somebody signs in by hand, in whatever window comes up


def _shown(chat: ChatPage, page: Page, what: Locate) -> bool:
    if page.is_closed():
        raise HarnessError("the window was closed before anybody was signed in", hint="try again")
    try:
        return chat.shows(what)
    except Error as error:
        if page.is_closed():
            return _shown(chat, page, what)
        if "navigat" in error.message or "context was destroyed" in error.message:
            return False  # between two pages
        raise


def _through(steps: Steps) -> None:
    """Do steps one after the other: here is but one page to wait for."""
    try:
        wait = next(steps)
        while True:
            deadline = time.monotonic() + wait.timeout
            while not wait.until():
                if time.monotonic() > deadline:
                    wait = steps.throw(wait.late())
                    break
                time.sleep(wait.poll or 0.02)  # a step says how often it wants to look
            else:
                wait = next(steps)
    except StopIteration:
        return


def _save(context: BrowserContext, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.chmod(0o600)
    context.storage_state(path=path, indexed_db=True)
