"""The page under discovery: its text and stores, waits, banners, and refusals such as a login wall."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Dialog, Error, Frame, Page
from playwright.sync_api import TimeoutError as NotInTime

from e2e.errors import Blocked
from e2e.explore.discover import elements, name_patterns
from e2e.explore.discover.elements import Spec
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.watcher import Stores, Watcher
from e2e.profile.profile import toml_value

_CHANGES = Path(__file__).with_name("changes.js").read_text(encoding="utf-8")
_TEXT = """() => {
  const inside = (root) => [...root.querySelectorAll('*')].filter((e) => e.shadowRoot)
    .map((e) => [...e.shadowRoot.children].map((c) => c.innerText ?? '').join('\\n') + inside(e.shadowRoot)).join('\\n');
  return (document.body?.innerText ?? '') + inside(document);
}"""
_OTHER_TEXT = f"(before) => ({_TEXT})() !== before"
_POLLING = 2.0  # seconds after the last change of the DOM; traffic after that is taken for polling


class Inspector:
    """A page, the frame that has the chat, and the observations so far. ``report`` gets one line for each step."""

    def __init__(self, page: Page, watcher: Watcher, report: Callable[[str], None]) -> None:
        self.page = page
        self.watcher = watcher
        self.report = report
        self.frame: Frame = page.main_frame
        self.observed = Observed("", "")
        page.on("dialog", self._dialog)

    def text(self) -> str:
        """The visible text; empty while the page navigates."""
        try:
            text: str = self.frame.evaluate(_TEXT)
        except Error:
            return ""
        return text

    def stores(self) -> Stores:
        """The contents of all stores."""
        return self.watcher.stores(self.frame)

    def locator(self, spec: Spec) -> Any:
        """Playwright's locator for one of a profile."""
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

    def wait_for_traffic(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until ``holds()``, checked at each event of the watcher; False after ``seconds``."""
        deadline = time.monotonic() + seconds
        while not holds():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.watcher.waiter.sleep(left)
        return True

    def text_after(self, before: str, seconds: float) -> str:
        """The text as soon as it differs from ``before``, at the latest after ``seconds``."""
        try:
            self.frame.wait_for_function(_OTHER_TEXT, arg=before, timeout=seconds * 1000, polling=50)
        except NotInTime:
            return before
        except Error:
            self._other_document(seconds)
        return self.text()

    def settle(self, quiet: float = 0.7, longest: float = 8.0) -> None:
        """Wait until neither the DOM nor the network has changed for ``quiet`` seconds, at most ``longest``.

        The only wait without a condition: whether a click opens a menu, opens a dialog, starts a new chat or does
        nothing is what discovery has to find out. A page that polls must not block it, so traffic counts only for two
        seconds after the last change of the DOM.
        """
        started = changed = time.monotonic()
        while True:
            now = time.monotonic()
            rest = quiet - (now - max(changed, min(self.watcher.last, changed + _POLLING)))
            left = longest - (now - started)
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
        """The document was replaced: wait for the traffic of the next one."""
        self.watcher.waiter.sleep(min(seconds, 0.1))

    # -- banners, dialogs, refusals -----------------------------------------------------------------------------------

    def dismiss(self) -> None:
        """Close banners and welcome dialogs, as a user would."""
        for candidate in elements.banners(self.frame)[:2]:
            spec = elements.describe(candidate.element)
            try:
                candidate.element.locator.click(timeout=1500)
            except Error:
                continue
            self.observed.open.append(spec)
            self.report(f"closed a banner: {toml_value(spec)}")
            with contextlib.suppress(
                Error
            ):  # the button may belong to something that stays; the next search finds it again
                candidate.element.locator.wait_for(state="hidden", timeout=1000)

    def check_refusal(self) -> None:
        """Raise `Blocked` if the page shows a CAPTCHA, a limit or a login wall."""
        text = self.text()
        robot = name_patterns.CAPTCHA.search(text)
        if robot:
            raise Blocked(
                f"the page shows a CAPTCHA: {robot.group()!r}",
                condition="captcha",
                hint="solve it by hand once (`make login` saves the state), then use --storage-state FILE",
            )
        found = name_patterns.LIMIT.search(text)
        if found:
            raise Blocked(
                f"the page refuses to send: {found.group()!r}",
                hint="try again later",
            )
        if name_patterns.LOGIN.search(text) and not elements.message_boxes(self.page):
            raise Blocked(
                "the page needs a login",
                condition="login-wall",
                hint="--storage-state FILE (`make login` makes one)",
            )

    def _dialog(self, dialog: Dialog) -> None:
        self.observed.dialogs.append(dialog.type)
        with contextlib.suppress(Error):  # the page may have closed it
            dialog.accept()
