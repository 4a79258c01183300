"""The chat as a user uses it: verbs made of the profile's locators and steps. It asserts nothing.

Verbs that take time are generators of `Wait`. The first use of a button goes through Playwright's full actionability checks;
after that its element is known, and a click is real mouse input at a point that was checked to be the button's
(the page reports whether it was hit). Whatever looks odd goes back to the full checks.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from playwright.sync_api import Error, Locator, Page

from e2e.errors import CaptureIncomplete, HarnessError, TargetNotReady
from e2e.pages import typing
from e2e.pages.actions import POLL, Mark, PageActions, PageRecorder
from e2e.pages.calls import Call, Calls
from e2e.pages.explained import Explained, first_line
from e2e.pages.locators import css_of
from e2e.pages.stored import stored_values
from e2e.pages.waits import Steps, Wait, pause
from e2e.profile.profile import Locate, Profile
from e2e.profile.values.bounded import Pattern

Readable = Literal["messages", "provider"]
_LOOK = "([[name, secret], ...question]) => globalThis[name](secret, 'look', ...question, true)"
_LOOK_AND_SEE = """(found, [[name, secret], ...question]) =>
  globalThis[name](secret, 'look', ...question, true, found.length > 0 ? found[0] : null)"""
_REMEMBERS = 0.4  # seconds in which a widget that was open before shows itself after a load


_ARRIVED = "(box, [[name, secret], text]) => globalThis[name]?.(secret, 'arrived', box, text) ?? null"
"""Whether an event brought the text to the message box, or to one that the page has replaced since; null where none was read."""
_TEXTS = "(all, [name, secret]) => globalThis[name]?.(secret, 'texts', all) ?? null"
"""What these elements say, read by the recorder: a page may have replaced what Playwright itself would call."""


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
    conversation: str | None = None
    """What all messages on the screen say, where it was read and the profile names them."""
    shown: bool | None = None
    """Whether the element that was asked for is on the screen."""


class ChatPage(PageActions):
    """One page of the target.

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
        super().__init__(page, profile, url, recorder, variables, calls)
        self._css = {
            name: css for name, what in self._readable().items() if (css := css_of(what)) is not None
        }
        if profile.screen.provider_attribute or profile.screen.provider_regex:
            self._css.pop("provider", None)
        self._css_agrees: set[str] = set()
        """Elements that the page's own CSS lookup was seen to find just as Playwright's locator does."""
        self._framed = bool(profile.where.frame)
        self.ready_without_element: Callable[[], bool] | None = None
        """Whether a page without ``where.ready`` on the screen is ready: what is stored, which sockets are open. Set by its window."""

    # -- opening ------------------------------------------------------------------------------------------------------

    def open(self, url: str | None = None, *, again: bool = False) -> Steps:
        """Load the page (or another ``url``) and wait until it can be used. Raises `TargetNotReady`.

        ``again``: in a browser context in which the chat was opened before.
        """
        address = url or self.url
        try:
            response = yield from self._loading("goto", address)
        except Error as error:
            raise TargetNotReady(
                f"{address} could not be opened: {first_line(error)}",
                hint="is the target up, and is the address right? (--base-url, or where.url in the profile)",
            ) from None
        if response is not None and response.status >= 400:
            raise TargetNotReady(
                f"{address} answered {response.status} {response.status_text}",
                hint="is the address right, and does the page need a login?",
            )
        if url is None:
            yield from self.loaded_again() if again else self.opened()

    def wait_for(self, what: Locate, key: str) -> Steps:
        """Wait until ``what`` is visible; ``key`` is its place in the profile. Raises `CaptureIncomplete`."""
        yield self._visible(what, self.profile.timeouts.ready, key, CaptureIncomplete)

    def opened(self) -> Steps:
        """Wait until a loaded page can be used, with what the profile does once after loading."""
        self._marked.clear()
        yield self._ready()
        yield from self.run(self.profile.steps.open, "steps.open")
        yield from self._box_ready()

    def _ready(self) -> Wait:
        """Wait until the page is ready, as the profile describes it; a message box that can be used shows it as well."""
        ready, seconds = self.profile.where.ready, self.profile.timeouts.ready
        wait = self._visible(ready, seconds, "where.ready", TargetNotReady)
        if ready.visible or self.ready_without_element is None:
            return wait

        def late() -> HarnessError:
            what = (
                "the store held no ID" if ready.stored else f"no WebSocket of rule {ready.socket!r} was open"
            )
            return TargetNotReady(
                f"{what} within {seconds:g} s",
                where=f"where.ready of profile {self.profile.name!r}, {self.url}",
                hint="is it made with the first message only? Then ready is an element",
            )

        return replace(wait, until=self.ready_without_element, late=late)

    def reload(self) -> Steps:
        """Reload the page and wait until it can be used again."""
        yield from self._loading("reload")
        yield from self.loaded_again()

    def loaded_again(self) -> Steps:
        """Wait until a page that was loaded once more can be used; play ``steps.open`` again where the chat is closed."""
        self._marked.clear()
        wait = self._ready()
        usable = self._seen(*self._boxes())
        yield replace(wait, until=lambda: usable() or wait.until())
        yield from self._open_again()
        yield from self._box_ready()

    def _usable(self) -> bool:
        """A message box is shown."""
        return any(self.shows(box) for box in self._boxes())

    def _open_again(self) -> Steps:
        """Play ``steps.open`` unless a message box is shown. A widget that remembers that it was open gets a moment to show it:
        a click on its launcher would close it.
        """
        opens = self.profile.steps.open
        if not opens or self._usable():
            return
        if any(action.click is not None for action in opens):
            since = time.monotonic()
            wait = self._visible(self._boxes()[0], _REMEMBERS + 1, "steps.message_box", TargetNotReady)
            usable = self._seen(*self._boxes())
            yield replace(wait, until=lambda: usable() or time.monotonic() - since > _REMEMBERS)
        if not self._usable():
            yield from self.run(opens, "steps.open")

    def leave(self) -> Steps:
        """Go to another page, an empty one, as typing an address does."""
        yield from self._loading("goto", "about:blank")

    def go_forward(self) -> Steps:
        """Leave again by the browser's Forward; as at first, where the page has left nothing to go forward to."""
        yield from self._loading("go_forward")
        if self.page.url != "about:blank":
            yield from self.leave()

    def go_back(self) -> Steps:
        """Come back by the browser's Back: from its back/forward cache when it may, else by loading again."""
        self._marked.clear()
        until = time.monotonic() + self.profile.timeouts.ready
        while not (yield from self._went_back()):  # what it raises here, the scenario reports
            if time.monotonic() > until:
                raise CaptureIncomplete("the browser did not go back to the chat", where=self.url)
            yield from pause(POLL)
        yield from self.loaded_again()

    def _went_back(self) -> Generator[Wait, None, bool]:
        """Go back. False while the browser still swaps pages: with its back/forward cache on, a page may not be attached yet."""
        try:
            yield from self._loading("go_back", seconds=self.profile.timeouts.action)
        except Error as error:
            if "Not attached to an active page" in error.message:
                return False
            # Firefox comes out of its back/forward cache, and over WebDriver BiDi Playwright 1.64 never notices.
            raise CaptureIncomplete(
                f"the browser's way back could not be followed: {first_line(error)}", where=self.url
            ) from None
        return True

    def _boxes(self) -> tuple[Locate, ...]:
        steps = self.profile.steps
        return tuple(box for box in (steps.message_box, steps.second_message_box) if box is not None)

    def reopened(self) -> Steps:
        """Play ``steps.open`` again where New Chat closed the chat: no message box is shown, and what opens it is."""
        opens = self.profile.steps.open
        launcher = opens[0].click if opens else None
        if launcher is None or any(self.shows(box) for box in self._boxes()) or not self.shows(launcher):
            return
        yield from self.run(opens, "steps.open")
        yield from self._box_ready()

    def _box_ready(self) -> Steps:
        """Wait for a message box."""
        boxes = self._boxes()
        wait = self._visible(boxes[0], self.profile.timeouts.ready, "steps.message_box", TargetNotReady)
        yield replace(wait, until=self._seen(*boxes))

    def to_front(self) -> Steps:
        """Bring this page before the windows that it has opened."""
        yield from self._does(self.page, "bring_to_front")

    # -- New Chat -----------------------------------------------------------------------------------------------------

    def new_chat(self, look: Look, armed: Callable[[], None], clicks: int = 1) -> Steps:
        """Do what starts a new chat, after a `look` at the button; ``armed`` is called just before the action that starts it.

        ``clicks`` = 2 makes that action a double click.

        Raises `CaptureIncomplete` when it cannot be done.
        """
        steps = self.profile.steps.new_chat
        if len(steps) == 1 and steps[0].click is not None and look.point is not None:
            armed()
            yield from self._over(self._clicks_at(look.point, clicks), "the click on New Chat")
        else:
            start = self.profile.steps.starting
            yield from self.run(steps, "steps.new_chat", mark=("new_chat", start), armed=armed, clicks=clicks)

    # -- sending ------------------------------------------------------------------------------------------------------

    def box(self, *, second: bool = False) -> Mark:
        """The mark of the message box of an empty chat, or of one that is under way."""
        return "second_message_box" if second and self.profile.steps.second_message_box else "message_box"

    def send(self, text: str, look: Look, *, second: bool = False) -> Steps:
        """Put ``text`` into the message box, as typed, after a `look` at it, and send it.

        Raises `CaptureIncomplete` when the box cannot be used.
        """
        typed: list[Call] = []
        if look.point is not None:
            if not look.focused:
                typed += self._clicks_at(look.point)
            if typing.needs_command(self.page):
                yield from self._over(typed, "the click into the message box")
                typing.insert(self.page, text)
            else:
                typed.append(self._calls.start(self.page.keyboard, "insert_text", text))
        else:
            mark = self.box(second=second)
            what = self._box_of(second=second)
            with Explained("the message box cannot be used", f"steps.{mark}", what, self.page):
                locator = self._locator(what)
                yield from self._click(locator, self.profile.timeouts.action * 1000)
                yield from self._mark(mark, locator)
                yield from self._fill(locator, text, self.profile.timeouts.action * 1000)
        steps = self.profile.steps
        send = (steps.second_send if second else None) or steps.send
        if len(send) == 1 and send[0].press is not None:
            # The key follows the text on its way: input reaches the page in its order.
            typed.append(self._calls.start(self.page.keyboard, "press", send[0].press))
            yield from self._over(typed, "the typing")
        else:
            yield from self._over(typed, "the typing")
            yield from self.run(send, "steps.send")

    def still_holds(self, text: str, *, second: bool = False) -> bool:
        """The message box still shows ``text``: it was not sent."""
        what = self._box_of(second=second)
        try:
            held: str = self._locator(what).first.evaluate(
                "(box) => box.value ?? box.innerText ?? ''", timeout=self.profile.timeouts.action * 1000
            )
        except Error:
            return False  # the box is gone or another one: nothing to press into
        return text in held

    def arrived(self, text: str, *, second: bool = False) -> bool | None:
        """The message box had ``text``; None where that cannot be seen."""
        try:
            found: bool | None = self._locator(self._box_of(second=second)).first.evaluate(
                _ARRIVED, [self._recorder, text], timeout=self.profile.timeouts.action * 1000
            )
        except Error:
            return None
        return found

    def took(self, text: str, nonce: str, *, second: bool = False) -> str:
        """How the page shows that it took a message (of which ``nonce`` is a part), or ``""`` where it does not."""
        shown = self.conversation()
        if shown is not None and nonce in shown:
            return "the page showed it"
        box = self._locator(self._box_of(second=second)).first
        try:
            empty = box.is_visible() and not self.still_holds(text, second=second)
        except Error:
            return ""
        return "the message box was emptied" if empty and self.arrived(text, second=second) else ""

    def alerts(self) -> bool:
        """The page shows an alert that says something."""
        shown = self._chat_frame().locator("[role=alert], [role=alertdialog], dialog[open]")
        try:
            return any(one.is_visible() and one.inner_text().strip() for one in shown.all())
        except Error:
            return False

    def press_again(self, *, second: bool = False) -> None:
        """Press the key that sends once more; nothing where a click sends, which waits for its button anyway."""
        send = (self.profile.steps.second_send if second else None) or self.profile.steps.send
        if len(send) == 1 and send[0].press is not None:
            self.page.keyboard.press(send[0].press)

    def _box_of(self, *, second: bool) -> Locate:
        steps = self.profile.steps
        return (steps.second_message_box if second else None) or steps.message_box

    # -- reading ------------------------------------------------------------------------------------------------------

    def look(self, mark: Mark | None = None, *, reads: Sequence[Readable] = (), stored: bool = False) -> Look:
        """One look at the page: where a marked element can be clicked, what is shown, what is stored."""
        mark, selectors = self._marked_now(mark), self._selectors(reads)
        seen: dict[str, Any] | None = None
        if mark or stored or selectors:
            seen = self._call("look", mark, {} if self._framed else selectors, stored)
        return self._look(seen, mark, reads)

    def looking(
        self,
        mark: Mark | None = None,
        *,
        reads: Sequence[Readable] = (),
        stored: bool = False,
        shows: Locate | None = None,
    ) -> Generator[Wait, None, Look]:
        """The same while other lanes go on. It reads the whole conversation too, and whether ``shows`` is on the screen.

        What it reads is never older than ``shows``: a label that is read when a button has gone was there without it.
        """
        if reads and shows is not None:  # something is on the screen now: does CSS find it?
            reads = (
                *reads,
                *(name for name in self._css if name not in self._css_agrees and name not in reads),
            )
        if self._framed:
            shown = None if shows is None else self.shows(shows)
            return replace(self.look(mark, reads=reads, stored=stored), shown=shown)
        mark, selectors = self._marked_now(mark), self._selectors(reads)
        if not (mark or stored or selectors or shows):
            return self._look(None, mark, reads)
        question = [self._recorder, mark, selectors, stored]
        if shows is None:
            call = self._calls.start(self.page.main_frame, "evaluate", _LOOK, question)
        else:
            call = self._calls.start(self._locator(shows), "evaluate_all", _LOOK_AND_SEE, question)
        try:
            yield from self._over([call], "a look at the page")
        except Error:
            if shows is None:
                raise
            # The page was left meanwhile: Playwright's own question about visibility waits for the next one.
            shown = self.shows(shows)
            return replace(self.look(mark, reads=reads, stored=stored), shown=shown)
        return self._look(call.result(), mark, reads)

    def answering(self) -> Steps:
        """Raises `CaptureIncomplete` where the page answers nothing any more: a script of it does not end."""
        with contextlib.suppress(Error):  # it was left, or is gone: that is reported elsewhere
            yield from self._over(
                [self._calls.start(self.page.main_frame, "evaluate", "1")], "a look at the page"
            )

    def stop_loading(self) -> None:
        """Cancel what the page is loading, without waiting for that."""
        self._calls.start(self.page.main_frame, "evaluate", "stop()")

    def _marked_now(self, mark: Mark | None) -> Mark | None:
        return mark if mark in self._marked and not self._framed else None

    def _selectors(self, reads: Sequence[Readable]) -> dict[Readable, str]:
        return {name: self._css[name] for name in reads if name in self._css}

    def _look(self, seen: dict[str, Any] | None, mark: Mark | None, reads: Sequence[Readable]) -> Look:
        """What the page's reply means; what CSS cannot find is read by Playwright's locators."""
        seen = seen or {"probe": None, "found": {}, "stored": None}
        probe, found = seen["probe"], seen["found"]
        if probe is not None and not probe["ok"]:
            self._marked.discard(cast(Mark, mark))
        counts, texts = {}, {}
        for name in reads:
            if name not in self._readable():
                continue
            if name not in found or (name not in self._css_agrees and not self._agrees(name, found[name])):
                shown = self._shown(name)
                found[name] = {"count": len(shown), "last": shown[-1] if shown else None, "all": shown}
            counts[name], last = found[name]["count"], found[name]["last"]
            texts[name] = None if last is None else " ".join(last.split())
        usable = probe is not None and probe["ok"]
        every = found.get("messages", {}).get("all")
        return Look(
            point=(probe["x"], probe["y"]) if usable else None,
            focused=usable and probe["focused"],
            counts=counts,
            texts=texts,
            stored=stored_values(seen["stored"], self._key),
            conversation=None if every is None else "\n".join(every),
            shown=seen.get("shown"),
        )

    def _shown(self, name: Readable) -> list[str]:
        """What each such element says."""
        locator, screen = self._locator(self._readable()[name]), self.profile.screen
        if name != "provider" or (screen.provider_attribute is None and screen.provider_regex is None):
            return self._texts(locator)
        attribute = screen.provider_attribute
        texts: list[str] = locator.evaluate_all(
            "(all, name) => all.map((one) => (name === null ? one.innerText : one.getAttribute(name)) ?? '')",
            attribute,
        )
        if screen.provider_regex is None:
            return texts
        pattern = Pattern(screen.provider_regex, "screen.provider_regex")
        return [pattern.find(text) or "" for text in texts]

    def _agrees(self, name: Readable, found: Mapping[str, Any]) -> bool:
        """Whether CSS finds what the locator finds; it does not inside shadow roots. Only a find says so, not an empty page."""
        if found["count"] and found["count"] == self._locator(self._readable()[name]).count():
            self._css_agrees.add(name)
            return True
        return False

    def conversation(self) -> str | None:
        """What all messages on the screen say; None where the profile does not name them."""
        messages = self.profile.screen.messages
        return None if messages is None else "\n".join(self._texts(self._locator(messages)))

    def conversing(self) -> Generator[Wait, None, str | None]:
        """The same while other lanes go on."""
        messages = self.profile.screen.messages
        if messages is None:
            return None
        locator = self._locator(messages)
        texts: list[str] | None = yield from self._does(locator, "evaluate_all", _TEXTS, self._recorder)
        return "\n".join(locator.all_inner_texts() if texts is None else texts)

    def _texts(self, locator: Locator) -> list[str]:
        """What these elements say, as a person sees it."""
        texts: list[str] | None = locator.evaluate_all(_TEXTS, self._recorder)
        return locator.all_inner_texts() if texts is None else texts

    @property
    def address(self) -> str:
        """Where the page is now."""
        return self.page.url

    def screenshot(self) -> bytes:
        """A picture of the page with everything that shows a session ID covered."""
        return self.page.screenshot(
            mask=[self._locator(m) for m in self.profile.screen.mask],
            mask_color="#7a7a8c",
            timeout=self.profile.timeouts.action * 1000,
        )

    def _readable(self) -> Mapping[Readable, Locate]:
        screen = self.profile.screen
        named: dict[Readable, Locate | None] = {"messages": screen.messages, "provider": screen.provider}
        return {name: what for name, what in named.items() if what is not None}
