"""The page that is talked with: what it shows, when it is at rest, what lies in the way, and whether it refuses."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Dialog, Error, Frame, Page
from playwright.sync_api import TimeoutError as NotInTime

from e2e.errors import Blocked
from e2e.explore.discover import find, words
from e2e.explore.discover.find import Spec
from e2e.explore.discover.said import Said
from e2e.explore.discover.watch import Stores, Watcher

_CHANGES = Path(__file__).with_name("changes.js").read_text(encoding="utf-8")
_TEXT = """() => {
  const inside = (root) => [...root.querySelectorAll('*')].filter((e) => e.shadowRoot)
    .map((e) => [...e.shadowRoot.children].map((c) => c.innerText ?? '').join('\\n') + inside(e.shadowRoot)).join('\\n');
  return (document.body?.innerText ?? '') + inside(document);
}"""
_OTHER_TEXT = f"(before) => ({_TEXT})() !== before"
_POLLING = 2.0  # seconds after the last change of the page from which on traffic alone is no sign of life


class Scene:
    """A page, the frame with the chat in it, and what was found out so far. ``say`` is told each step."""

    def __init__(self, page: Page, watcher: Watcher, say: Callable[[str], None]) -> None:
        self.page = page
        self.watcher = watcher
        self.say = say
        self.frame: Frame = page.main_frame
        self.said = Said("", "")
        page.on("dialog", self._dialog)

    def text(self) -> str:
        """What a person can read; empty while the page goes on to another one."""
        try:
            text: str = self.frame.evaluate(_TEXT)
        except Error:
            return ""
        return text

    def stores(self) -> Stores:
        """What the browser holds now."""
        return self.watcher.stores(self.frame)

    def locator(self, spec: Spec) -> Any:
        """The locator that a profile would say so."""
        frame = self.frame
        if "role" in spec:
            return frame.get_by_role(spec["role"], name=spec.get("name"), exact=spec.get("exact"))
        if "placeholder" in spec:
            return frame.get_by_placeholder(spec["placeholder"])
        if "test_id" in spec:
            return frame.get_by_test_id(spec["test_id"])
        if "title" in spec:
            return frame.get_by_title(spec["title"])
        return frame.locator(spec["css"])

    # -- waits --------------------------------------------------------------------------------------------------------

    def heard(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until ``holds()``, which is asked whenever the watcher heard something; False after ``seconds``."""
        deadline = time.monotonic() + seconds
        while not holds():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.watcher.waiter.sleep(left)
        return True

    def text_after(self, before: str, seconds: float) -> str:
        """The text once it is another one than ``before``, or what it is after ``seconds``."""
        try:
            self.frame.wait_for_function(_OTHER_TEXT, arg=before, timeout=seconds * 1000, polling=50)
        except NotInTime:
            return before
        except Error:
            self._other_document(seconds)
        return self.text()

    def settle(self, quiet: float = 0.7, longest: float = 8.0) -> None:
        """Wait until neither the DOM nor the network has changed for ``quiet`` seconds, at most ``longest``.

        The only wait that names no outcome, for where there is none to name: whether a click opens a menu, asks back, begins a
        new chat or does nothing at all is what discovery wants to find out. A page that polls is at rest all the same: traffic
        counts for two seconds after the last change of the DOM.
        """
        began = changed = time.monotonic()
        while True:
            now = time.monotonic()
            rest = quiet - (now - max(changed, min(self.watcher.last, changed + _POLLING)))
            left = longest - (now - began)
            if rest <= 0 or left <= 0:
                return
            if self._changes(min(rest, left)):
                changed = time.monotonic()

    def _changes(self, seconds: float) -> bool:
        """Whether the DOM changes within ``seconds``."""
        try:
            return bool(self.frame.evaluate(_CHANGES, seconds * 1000))
        except Error:
            self._other_document(seconds)
            return not self.frame.is_detached()

    def _other_document(self, seconds: float) -> None:
        """The document went away: its successor is asked for first, which is heard."""
        self.watcher.waiter.sleep(min(seconds, 0.1))

    # -- what lies in the way -----------------------------------------------------------------------------------------

    def dismiss(self) -> None:
        """Take away banners and welcome dialogs, as a person would."""
        for candidate in find.banners(self.frame)[:2]:
            spec = find.describe(candidate.element)
            try:
                candidate.element.locator.click(timeout=1500)
            except Error:
                continue
            self.said.open.append(spec)
            self.say(f"dismissed: {spec}")
            with contextlib.suppress(
                Error
            ):  # a button that stays is no banner's; the next look says what it is
                candidate.element.locator.wait_for(state="hidden", timeout=1000)

    def refused(self) -> None:
        """Say what the page shows when it refuses. Raises `Blocked`."""
        text = self.text()
        robot = words.CAPTCHA.search(text)
        if robot:
            raise Blocked(
                f"the page asks whether a person is there: it says {robot.group()!r}",
                condition="captcha",
                hint="answer it by hand once (`make login` saves the state), then --storage-state FILE",
            )
        found = words.LIMIT.search(text)
        if found:
            raise Blocked(
                f"the page refuses to send: it says {found.group()!r}",
                hint="try again later, or from a fresh browser",
            )
        if words.LOGIN.search(text) and not find.message_boxes(self.page):
            raise Blocked(
                "the page wants a login",
                condition="login-wall",
                hint="--storage-state FILE (`make login` makes one)",
            )

    def _dialog(self, dialog: Dialog) -> None:
        self.said.dialogs.append(dialog.type)
        with contextlib.suppress(Error):  # it may be gone already
            dialog.accept()
