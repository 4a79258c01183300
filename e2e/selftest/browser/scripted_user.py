"""A user for the tests of `record`: ``python -m e2e.selftest.browser.scripted_user URL OUT [FRAME] [LAUNCHER]``.

Does what a person would do in the window, and checks that the panel is not in the way. In a process of its own: the tests may have a
Playwright running.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from playwright.sync_api import FrameLocator, Page

from e2e.explore.record.inputs import panel_text
from e2e.explore.recording import Options, record_chat


class ScriptedUser:
    """Opens the chat by ``launcher``, if there is one, and uses it inside ``frame``."""

    def __init__(self, frame: str = "", launcher: str = "") -> None:
        self._frame = frame
        self._launcher = launcher

    def __call__(self, step: str, page: Page) -> None:
        words = panel_text(page).splitlines()[0]
        sys.stdout.write(f"panel: {words}\n")
        assert words not in page.locator("body").inner_text(), "the panel is no text of the page"
        chat = self._chat(page)
        if step == "reload":
            page.reload()
            return
        if step == "new_chat":
            chat.get_by_role("button", name="New chat").click()
            return
        if page.get_by_label("Password").count():
            page.get_by_label("Password").click()
            page.keyboard.type("hunter2!x")
            page.get_by_role("button", name="Sign in").click()
        if self._launcher:
            page.get_by_role("button", name=self._launcher).click()
            self._launcher = ""
        chat.get_by_role("textbox", name="Message").click()
        page.keyboard.type(f"Hello dear {secrets.token_hex(4)}")
        page.keyboard.press("Enter")

    def _chat(self, page: Page) -> Page | FrameLocator:
        return page.frame_locator(self._frame) if self._frame else page


if __name__ == "__main__":
    url, out, *more = sys.argv[1:]
    sys.exit(record_chat(Options(url, out=Path(out), auth=Path(out).parent), ScriptedUser(*more)))
