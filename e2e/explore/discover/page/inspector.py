"""The page under discovery: its text and stores, waits, banners, and refusals such as a login wall."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Dialog, Error, Frame, Locator, Page
from playwright.sync_api import TimeoutError as NotInTime

from e2e.errors import Blocked
from e2e.explore.discover import name_patterns
from e2e.explore.discover.candidates import Element, Spec, Step
from e2e.explore.discover.given import Given
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.page import elements
from e2e.explore.discover.watcher import Stores, Watcher
from e2e.pages.locators import locate
from e2e.profile.profile import Locate

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

    def __init__(
        self,
        page: Page,
        watcher: Watcher,
        report: Callable[[str], None],
        given: Given | None = None,
        timeout: float = 20,
    ) -> None:
        self.page = page
        self.watcher = watcher
        self.report = report
        self.given = given or Given()
        """What the user knows better."""
        self.timeout = timeout
        """Seconds until the page must be usable."""
        self.url = ""
        """Where the chat was opened."""
        self.loads = 0
        """Documents that the page has loaded."""
        self.frame: Frame = page.main_frame
        self.observed = Observed("", "")
        page.on("dialog", self._dialog)
        page.on("domcontentloaded", self._loaded)

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

    def locator(self, spec: Spec) -> Locator:
        """Playwright's locator for one of a profile."""
        return locate(self.page, Locate.model_validate(spec), self.observed.frame)

    def perform(self, step: Step, seconds: float = 3.0) -> None:
        """Do one action of a profile. Raises Playwright's `Error`."""
        verb, value = next((k, v) for k, v in step.items() if k not in ("timeout", "optional"))
        match verb:
            case "press":
                self.page.keyboard.press(value)
            case "goto":
                self.page.goto(
                    urljoin(self.url, value), wait_until="domcontentloaded", timeout=self.timeout * 1000
                )
            case "mouse_away":
                self.page.mouse.move(0, 0)
            case "fill":
                self.locator(value["into"]).fill(value["text"], timeout=seconds * 1000)
            case "wait_gone":
                self.locator(value).first.wait_for(state="hidden", timeout=self.timeout * 1000)
            case "wait_for":
                self.locator(value).first.wait_for(state="visible", timeout=self.timeout * 1000)
            case "hover":
                self.locator(value).hover(timeout=seconds * 1000)
            case _:
                self.locator(value).click(timeout=seconds * 1000)

    def describe(self, element: Element) -> Spec:
        """The locator of an element; names its frame where that is not the chat's."""
        spec = elements.describe(element)
        path = elements.frame_path(element.frame)
        return spec if path == self.observed.frame else {**spec, "frame": list(path)}

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

    def disappears(self, words: str, seconds: float) -> bool:
        """Whether the page stops to show ``words`` within ``seconds``."""
        deadline = time.monotonic() + seconds
        while words in (shown := self.text()):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.text_after(shown, left)
        return True

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

    # -- dialogs, refusals --------------------------------------------------------------------------------------------

    def check_refusal(self) -> None:
        """Raise `Blocked` if the page shows a CAPTCHA, a login wall or, after a message, a limit.

        Before a message was sent, words about limits are only words: many landing pages have them.
        """
        text = self.text()
        robot = name_patterns.CAPTCHA.search(text)
        if robot:
            raise Blocked(
                f"the page shows a CAPTCHA: {robot.group()!r}",
                condition="captcha",
                hint="solve it by hand once (`make login` saves the state), then use --storage-state FILE",
            )
        found = name_patterns.LIMIT.search(text) if self.observed.turns else None
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

    def _loaded(self, _: Page) -> None:
        self.loads += 1

    def _dialog(self, dialog: Dialog) -> None:
        self.observed.dialogs.append(dialog.type)
        with contextlib.suppress(Error):  # the page may have closed it
            dialog.accept()
