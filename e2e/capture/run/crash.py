"""The one condition of the environment that no page and no backend can play: the browser dies."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from playwright.sync_api import Browser, Error

from e2e.pages.calls import Calls
from e2e.records.records import Chat

CRASH = "browser-crash"


def crash_after(browser: Browser, chats: int) -> Callable[[Chat], None]:
    """A watcher of finished chats that kills the browser after so many of them."""
    left = [chats]

    def watch(_: Chat) -> None:
        left[0] -= 1
        if left[0] == 0:
            if browser.browser_type.name != "chromium":  # no protocol has a command for it
                with contextlib.suppress(Error):
                    browser.close()
                return
            # It takes the connection with it: Playwright 1.64 never ends this command, and waiting for it would hold the run.
            Calls(lambda: None).start(browser.new_browser_cdp_session(), "send", "Browser.crash")

    return watch
