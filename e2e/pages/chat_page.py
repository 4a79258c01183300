"""The chat as a person uses it: verbs made of the profile's locators and steps. It asserts nothing.

Verbs that take time are generators of `Wait`. The first use of a button goes through Playwright's full actionability checks;
after that its element is known, and a click is real mouse input at a point that was checked to be the button's
(the page tells whether it was hit). Whatever looks odd goes back to the full checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from playwright.sync_api import Error, Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from e2e.errors import CaptureIncomplete, HarnessError, TargetNotReady
from e2e.pages.locators import locate
from e2e.pages.waits import Steps, Wait
from fixtures.targets.profile import Action, Locate, Profile

_POLL = 0.02

Mark = Literal["new_chat", "message_box"]
Readable = Literal["messages", "provider"]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the page showed."""

    point: tuple[float, float] | None
    """Where a click hits the marked element now, in CSS pixels; None when it must be found anew."""
    focused: bool
    counts: Mapping[Readable, int]
    texts: Mapping[Readable, str | None]
    """Visible text of the last such element, or None when there is none."""
    stored: dict[str, str] | None
    """Values under the profile's key; None when the store cannot be read."""


class ChatPage:
    """One page of the target.

    Parameters
    ----------
    page : the Playwright page.
    profile : what the target is.
    url : where it is.
    recorder : name under which the in-page recorder can be called.
    """

    def __init__(self, page: Page, profile: Profile, url: str, recorder: str) -> None:
        self.page = page
        self.profile = profile
        self.url = url
        self._recorder = recorder
        self._marked: set[Mark] = set()
        self._css = {name: css for name, what in self._readable().items() if (css := _css(what)) is not None}
        self._css_agrees: set[str] = set()
        """Elements that the page's own CSS lookup was seen to find just as Playwright's locator does."""
        self._last_click = next((a.click for a in reversed(profile.steps.new_chat) if a.click), None)

    # -- opening ------------------------------------------------------------------------------------------------------

    def open(self) -> Steps:
        """Load the page and wait until it can be used. Raises `TargetNotReady`."""
        try:
            response = self.page.goto(
                self.url, wait_until="commit", timeout=self.profile.timeouts.ready * 1000
            )
        except Error as error:
            raise TargetNotReady(
                f"{self.url} could not be opened: {_first_line(error)}",
                way_out="is the target up, and is the address right? (--base-url, or where.url in the profile)",
            ) from None
        if response is not None and response.status >= 400:
            raise TargetNotReady(
                f"{self.url} answered {response.status} {response.status_text}",
                way_out="is the address right, and does the page need a login?",
            )
        yield from self.ready()
        yield from self._run(self.profile.steps.open)

    def reload(self) -> Steps:
        """Reload the page and wait until it can be used again."""
        self.page.reload(wait_until="commit", timeout=self.profile.timeouts.ready * 1000)
        yield from self.ready()

    def ready(self) -> Steps:
        """Wait for the profile's sign that the page can be used."""
        self._marked.clear()
        where = self.profile.where.ready
        yield self._visible(where, self.profile.timeouts.ready, "where.ready", TargetNotReady)
        if self.profile.steps.message_box != where:
            yield self._visible(
                self.profile.steps.message_box,
                self.profile.timeouts.ready,
                "steps.message_box",
                TargetNotReady,
            )

    # -- New Chat -----------------------------------------------------------------------------------------------------

    def new_chat(self, look: Look) -> Steps:
        """Do what starts a new chat, after a `look` at the button. Raises `CaptureIncomplete` when it cannot be done."""
        steps = self.profile.steps.new_chat
        if len(steps) == 1 and steps[0].click is not None and look.point is not None:
            self.page.mouse.click(*look.point)
        else:
            yield from self._run(steps, mark_last="new_chat")

    # -- sending ------------------------------------------------------------------------------------------------------

    def write(self, text: str, look: Look) -> None:
        """Put ``text`` into the message box, as typed, after a `look` at it. Raises `CaptureIncomplete` when it cannot be used."""
        if look.point is not None:
            if not look.focused:
                self.page.mouse.click(*look.point)
            self.page.keyboard.insert_text(text)
            return
        with _Explained(
            "the message box cannot be used", "steps.message_box", self.profile.steps.message_box
        ):
            locator = self._locator(self.profile.steps.message_box)
            locator.click(timeout=self.profile.timeouts.action * 1000)
            self._mark("message_box", locator)
            locator.fill(text, timeout=self.profile.timeouts.action * 1000)

    def submit(self) -> Steps:
        """Send what is in the message box."""
        send = self.profile.steps.send
        if len(send) == 1 and send[0].press is not None:
            self.page.keyboard.press(send[0].press)
        else:
            yield from self._run(send)

    # -- reading ------------------------------------------------------------------------------------------------------

    def look(self, mark: Mark | None = None, *, reads: Sequence[Readable] = (), stored: bool = False) -> Look:
        """One look at the page: where a marked element can be clicked, what is shown, what is stored."""
        mark = mark if mark in self._marked else None
        selectors = {name: self._css[name] for name in reads if name in self._css}
        seen: dict[str, Any] = {"probe": None, "found": {}, "stored": None}
        if mark or stored or selectors:
            seen = self._call("look", mark, selectors, stored)
        probe, found = seen["probe"], seen["found"]
        if probe is not None and not probe["ok"]:
            self._marked.discard(cast(Mark, mark))
        counts, texts = {}, {}
        for name in reads:
            if name not in self._readable():
                continue
            if name not in found or (name not in self._css_agrees and not self._agrees(name, found[name])):
                shown = self._locator(self._readable()[name]).all_inner_texts()
                found[name] = {"count": len(shown), "last": shown[-1] if shown else None}
            counts[name], last = found[name]["count"], found[name]["last"]
            texts[name] = None if last is None else " ".join(last.split())
        usable = probe is not None and probe["ok"]
        return Look(
            point=(probe["x"], probe["y"]) if usable else None,
            focused=usable and probe["focused"],
            counts=counts,
            texts=texts,
            stored=seen["stored"],
        )

    def _agrees(self, name: Readable, found: Mapping[str, Any]) -> bool:
        """Whether CSS finds what the locator finds; it does not inside shadow roots. Only a find says so, not an empty page."""
        if found["count"] and found["count"] == self._locator(self._readable()[name]).count():
            self._css_agrees.add(name)
            return True
        return False

    def gone(self, what: Locate) -> bool:
        return not self._locator(what).first.is_visible()

    def screenshot(self) -> bytes:
        """A picture of the page with everything that shows a session ID covered."""
        return self.page.screenshot(
            mask=[self._locator(m) for m in self.profile.screen.mask],
            mask_color="#7a7a8c",
            timeout=self.profile.timeouts.action * 1000,
        )

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _run(self, actions: Sequence[Action], mark_last: Mark | None = None) -> Steps:
        timeout = self.profile.timeouts.action * 1000
        for action in actions:
            if action.wait_for is not None:
                yield self._visible(
                    action.wait_for, self.profile.timeouts.action, "wait_for", CaptureIncomplete
                )
            elif action.press is not None:
                self.page.keyboard.press(action.press)
            elif action.hover is not None:
                with _Explained("the element to hover over cannot be used", "steps", action.hover):
                    self._locator(action.hover).hover(timeout=timeout)
            elif action.click is not None:
                with _Explained("the element to click cannot be used", "steps", action.click):
                    locator = self._locator(action.click)
                    if mark_last is not None and action.click == self._last_click:
                        self._mark(mark_last, locator, timeout)
                    locator.click(timeout=timeout)

    def _mark(self, mark: Mark, locator: Locator, timeout: float | None = None) -> None:
        locator.evaluate(
            "(element, [recorder, mark]) => globalThis[recorder].mark(mark, element)",
            [self._recorder, mark],
            timeout=timeout,
        )
        self._marked.add(mark)

    def _call(self, verb: str, *args: Any) -> Any:
        return self.page.evaluate(
            "([recorder, verb, args]) => globalThis[recorder][verb](...args)", [self._recorder, verb, args]
        )

    def _readable(self) -> Mapping[Readable, Locate]:
        screen = self.profile.screen
        said: dict[Readable, Locate | None] = {"messages": screen.messages, "provider": screen.provider}
        return {name: what for name, what in said.items() if what is not None}

    def _locator(self, what: Locate) -> Locator:
        return locate(self.page, what)

    def _visible(self, what: Locate, timeout: float, key: str, kind: type[HarnessError]) -> Wait:
        def late() -> HarnessError:
            return kind(
                f"{what} was not visible within {timeout:g} s",
                where=f"{key} of profile {self.profile.name!r}, {self.url}",
                way_out="correct the locator, or raise timeouts.ready when the page is slow",
            )

        return Wait(self._locator(what).first.is_visible, timeout, late, _POLL, asks_page=True)


class _Explained:
    """Playwright's timeout on a locator, said in the profile's words."""

    def __init__(self, what: str, key: str, locate: Locate) -> None:
        self._what, self._key, self._locate = what, key, locate

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PlaywrightTimeout) or (
            isinstance(error, Error) and "strict mode violation" in error.message
        ):
            raise CaptureIncomplete(
                f"{self._what}: {_reason(error)}",
                where=f"{self._key}: {self._locate}",
                way_out="is the locator right, and is the element visible, enabled and not covered?",
            ) from error


def _reason(error: Error) -> str:
    """Why Playwright waited in vain: the last reason in its call log."""
    told = [line.strip(" -\t") for line in error.message.splitlines()[1:] if line.strip(" -\t")]
    reasons = [
        t
        for t in told
        if re.search(r"intercepts pointer events|not visible|not enabled|not stable|resolved to \d+", t)
    ]
    return (reasons or told[-1:] or [_first_line(error)])[-1]


def _first_line(error: Error) -> str:
    return error.message.splitlines()[0]


def _css(what: Locate) -> str | None:
    """The CSS selector that finds the same in a page without shadow roots, where there is one."""
    if what.test_id is not None:
        return f"[data-testid={json.dumps(what.test_id)}]"
    return what.css
