"""Whether Chromium's network service ended in the middle of a run.

It is a process of its own. When it crashes, Chromium starts another one and no page is notified: all cookies of a browser context, its
cache and its open connections are gone. A page then goes on without the session, the login or the affinity that it had.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, CDPSession

_TYPE = "network.mojom.NetworkService"
LOST = "the browser's network service crashed, and the cookies with it"


class NetworkService:
    """The process of one browser. A browser of another engine, or one that has no such process, never loses it."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._session: CDPSession | None = None
        self._local: int | None = None
        """Its number, when it runs on this machine: a look into /proc takes 20 us, a command of the protocol 2 ms of CPU."""
        self._last: int | None = None

    def watch(self) -> Callable[[], str]:
        """A function that returns what happened to the process since this call, or ``""``."""
        known = self._process()
        lost = ""

        def look() -> str:
            nonlocal known, lost
            if not lost:
                now = self._process()
                if known is None:
                    known = now  # it had not started
                elif now != known:
                    lost = LOST
            return lost

        return look

    def _process(self) -> int | None:
        """The number of the process. Where the browser does not respond, the one that was known: other parts report that."""
        if self._local is not None and _runs_here(self._local):
            return self._last
        try:
            if self._session is None:
                if self._browser.browser_type.name != "chromium":
                    return None
                self._session = self._browser.new_browser_cdp_session()
            found = self._session.send("SystemInfo.getProcessInfo")["processInfo"]
        except Exception:  # noqa: BLE001 - Playwright raises a plain one when its driver is gone
            return self._last
        number = self._last = next((one["id"] for one in found if one["type"] == _TYPE), None)
        self._local = number if number is not None and _runs_here(number) else None
        return number


def _runs_here(number: int) -> bool:
    try:
        return _TYPE.encode() in Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return False
