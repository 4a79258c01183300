"""The profile's actions, played on a page: click, fill, press, hover, wait. The base of `ChatPage`."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import urljoin

from playwright.sync_api import Error, Frame, Locator, Page

from e2e.errors import CaptureIncomplete, HarnessError
from e2e.pages import typing
from e2e.pages.calls import Call, Calls, Question, over
from e2e.pages.explained import Explained, first_line
from e2e.pages.locators import locate
from e2e.pages.waits import Steps, Wait
from e2e.profile.environment import expand
from e2e.profile.profile import Action, Locate, Profile
from e2e.profile.values.bounded import Pattern

POLL = 0.02
"""Seconds between two looks at the page."""
_BRIEF = 0.5  # seconds for what may not be there
_SHORT = 2.0
"""Seconds of a wait whose last look must be one at its end: on a busy machine (load 19) a look took longer than `_BRIEF`."""

Mark = Literal["new_chat", "message_box", "second_message_box"]


class PageRecorder(NamedTuple):
    """How the recorder in the page is called; a page that finds its name does not know its secret."""

    name: str
    secret: str
    key: Pattern | None = None
    """The profile's pattern of keys, where several may have the session."""


class PageActions:
    """Plays the profile's actions on one page, in the frame in which the chat lives.

    Parameters
    ----------
    page : the Playwright page.
    profile : what the target is.
    url : where it is.
    recorder : how the in-page recorder can be called; None where there is none.
    variables : what ``${NAME}`` in the profile's steps stands for; default: the environment.
    calls : starts commands to the browser; default: each one blocks.
    """

    def __init__(
        self,
        page: Page,
        profile: Profile,
        url: str,
        recorder: PageRecorder | None,
        variables: Mapping[str, str] | None = None,
        calls: Calls | None = None,
    ) -> None:
        self.page = page
        self.profile = profile
        self.url = url
        self.variables = os.environ if variables is None else variables
        """What ``${NAME}`` stands for."""
        recorder = recorder or PageRecorder("", "")
        self._recorder = [recorder.name, recorder.secret]
        self._key = recorder.key
        self.touch = False
        """The device has a touch screen and no mouse: what is clicked elsewhere is tapped. Set by its window."""
        self._marked: set[Mark] = set()
        self._calls = calls or Calls()

    def gone(self, what: Locate) -> bool:
        return not self.shows(what)

    def shows(self, what: Locate) -> bool:
        """It is on the screen now."""
        return self._locator(what).first.is_visible()

    def run(
        self,
        actions: Sequence[Action],
        key: str,
        mark: tuple[Mark, int] | None = None,
        armed: Callable[[], None] | None = None,
        clicks: int = 1,
    ) -> Steps:
        """Do ``actions`` in their order. Raises `CaptureIncomplete`.

        ``mark`` names the element of the one with that index, ``armed`` is called just before it, and it gets ``clicks``.
        """
        for number, action in enumerate(actions):
            place = f"{key}[{number}]"
            brief = action.optional or action.dismiss is not None
            seconds = action.timeout or (_BRIEF if brief else self.profile.timeouts.action)
            if armed is not None and mark is not None and mark[1] == number:
                armed()
            try:
                marked = mark is not None and mark[1] == number
                yield from self._act(
                    action, place, seconds, mark[0] if mark and marked else None, clicks if marked else 1
                )
            except CaptureIncomplete:
                if not brief:
                    raise

    def _act(self, action: Action, place: str, seconds: float, mark: Mark | None, clicks: int) -> Steps:
        timeout = seconds * 1000
        if action.wait_for is not None:
            yield self._visible(action.wait_for, seconds, place, CaptureIncomplete)
        elif action.wait_gone is not None:
            yield self._until_gone(action.wait_gone, seconds, place)
        elif action.press is not None:
            yield from self._does(self.page.keyboard, "press", action.press)
        elif action.mouse_away:
            yield from self._does(self.page.mouse, "move", 0, 0)
        elif action.goto is not None:
            yield from self._go_to(urljoin(self.url, action.goto), place)
        elif action.fill is not None:
            with Explained("the field to fill cannot be used", place, action.fill.into, self.page):
                text = expand(action.fill.text, self.variables)
                yield from self._fill(self._locator(action.fill.into), text, timeout)
        elif action.hover is not None:
            with Explained("the element to hover over cannot be used", place, action.hover, self.page):
                yield from self._does(self._locator(action.hover), "hover", timeout=timeout)
        else:
            what = action.click or action.dismiss
            assert what is not None
            if (
                action.dismiss is not None
            ):  # a click that waits for what is not there would hold the other lanes
                yield self._visible(what, seconds, place, CaptureIncomplete)
            with Explained("the element to click cannot be used", place, what, self.page):
                locator = self._locator(what)
                if mark is not None:
                    yield from self._mark(mark, locator, timeout)
                yield from self._click(locator, timeout, clicks)

    def _does(self, api: Any, verb: str, *args: Any, **options: Any) -> Generator[Wait, None, Any]:
        """One command, and its result, while other lanes go on."""
        call = self._calls.start(api, verb, *args, **options)
        yield from self._over([call], f"{type(api).__name__}.{verb}")
        return call.result()

    def _click(self, locator: Locator, timeout: float, clicks: int = 1) -> Steps:
        """Click or tap an element, after Playwright's checks that it can be used."""
        if not self.touch:
            yield from self._does(locator, "click", timeout=timeout, click_count=clicks)
            return
        yield from self._does(locator, "tap", timeout=timeout, trial=clicks > 1)
        if clicks > 1:  # a second locator.tap would wait for an element that the first one may have removed
            box = locator.bounding_box(timeout=timeout)
            if box is not None:
                self._click_at((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), clicks)

    def _fill(self, locator: Locator, text: str, timeout: float) -> Steps:
        """Replace what a field holds; ``timeout`` in milliseconds."""
        if typing.needs_command(self.page):
            typing.fill(locator, text, timeout)
        else:
            yield from self._does(locator, "fill", text, timeout=timeout)

    def _click_at(self, point: tuple[float, float], clicks: int = 1) -> None:
        """Click or tap at a point, in CSS pixels."""
        if not self.touch:
            self.page.mouse.click(*point, click_count=clicks)
            return
        for _ in range(clicks):
            self.page.touchscreen.tap(*point)

    def _clicks_at(self, point: tuple[float, float], clicks: int = 1) -> list[Call]:
        """The same, started and not waited for."""
        if not self.touch:
            return [self._calls.start(self.page.mouse, "click", *point, click_count=clicks)]
        return [self._calls.start(self.page.touchscreen, "tap", *point) for _ in range(clicks)]

    def _go_to(self, address: str, place: str) -> Steps:
        self._marked.clear()
        try:
            yield from self._loading("goto", address)
        except Error as error:
            raise CaptureIncomplete(
                f"{address} could not be opened: {first_line(error)}",
                where=f"{place} of profile {self.profile.name!r}",
                hint="is the address right? It is relative to where.url",
            ) from None

    def _loading(self, verb: str, *args: str, seconds: float | None = None) -> Generator[Wait, None, Any]:
        """Let the page ``goto``, ``reload`` or ``go_back``, until the browser has turned to what it loads."""
        timeout = (seconds or self.profile.timeouts.ready) * 1000
        call = self._calls.start(self.page, verb, *args, wait_until="commit", timeout=timeout)
        yield from self._over([call], f"the page's {verb}")
        return call.result()

    def _mark(self, mark: Mark, locator: Locator, timeout: float | None = None) -> Steps:
        yield from self._does(
            locator,
            "evaluate",
            "(element, [[name, secret], mark]) => globalThis[name](secret, 'mark', mark, element)",
            [self._recorder, mark],
            timeout=timeout,
        )
        self._marked.add(mark)

    def _call(self, verb: str, *args: Any) -> Any:
        return self._chat_frame().evaluate(
            "([[name, secret], verb, args]) => globalThis[name](secret, verb, ...args)",
            [self._recorder, verb, args],
        )

    def _chat_frame(self) -> Frame:
        """The frame in which the chat lives. Raises `CaptureIncomplete` when it is not there."""
        frame = self.page.main_frame
        for css in self.profile.where.frame:
            element = frame.query_selector(css)
            inner = element.content_frame() if element is not None else None
            if inner is None:
                raise CaptureIncomplete(
                    f"there is no frame {css}",
                    where="where.frame",
                    hint="correct the selector of the chat's frame",
                )
            frame = inner
        return frame

    def _locator(self, what: Locate) -> Locator:
        return locate(self.page, what, self.profile.where.frame)

    def _visible(self, what: Locate, timeout: float, key: str, kind: type[HarnessError]) -> Wait:
        def late() -> HarnessError:
            return kind(
                f"{what} was not visible within {timeout:g} s",
                where=f"{key} of profile {self.profile.name!r}, {self.url}",
                hint="correct the locator, or raise timeouts.ready when the page is slow",
            )

        if timeout <= _SHORT:
            return Wait(self._locator(what).first.is_visible, timeout, late, POLL, asks_page=True)
        return Wait(self._seen(what), timeout, late, POLL)

    def _seen(self, *what: Locate) -> Callable[[], bool]:
        """For a wait: whether one of them is on the screen."""
        if self._calls.blocking:
            return lambda: any(self.shows(one) for one in what)
        return Question(
            lambda: [self._calls.start(self._locator(one).first, "is_visible") for one in what], POLL
        )

    def _over(self, calls: list[Call], what: str) -> Steps:
        """Wait until they have ended. A page that is loading, or busy, may take as long as it may take to become ready."""
        yield from over(calls, self.profile.timeouts.ready + self.profile.timeouts.action, what)

    def _until_gone(self, what: Locate, timeout: float, key: str) -> Wait:
        def late() -> HarnessError:
            return CaptureIncomplete(
                f"{what} was still visible after {timeout:g} s",
                where=f"{key} of profile {self.profile.name!r}, {self.url}",
                hint="correct the locator, or give the action a longer timeout",
            )

        return Wait(lambda: self.gone(what), timeout, late, POLL, asks_page=True)
