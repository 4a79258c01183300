"""Guides a user through two messages in each of two chats, and watches what happens. The user does all of it by hand."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Dialog, Error, Frame, Page

from e2e.errors import CaptureIncomplete, HarnessError
from e2e.explore.discover import name_patterns
from e2e.explore.discover.observed import Turn
from e2e.explore.discover.page import elements
from e2e.explore.discover.page.inspector import Inspector
from e2e.explore.discover.page.messages import locate_messages
from e2e.explore.discover.watcher import Stores, Watcher
from e2e.explore.record.inputs import Act, InputLog, show_panel
from e2e.explore.record.shown import Shown, nonce_of

Step = Literal["send", "reply", "new_chat", "reload", "done"]
User = Callable[[str, Page], None]
"""Called once for each step, with its name (``send``, ``new_chat``, ``reload``) and the page; a script in place of a person."""

_AFTER_RELOAD = 4
"""Number of the message after a reload."""
_TICK = 0.1  # seconds between two looks at the page
_QUIET = 1.0  # seconds without traffic and without a change of the page after which a reply is complete
_POLLING = 4.0  # seconds without a change of the page after which a page that polls has replied
_EXAMPLES = ("Hello", "And again", "Something else", "One more")
_SENT_WITHIN = 6.0  # seconds after a key or click within which it may have sent the message


class Recording(Inspector):
    """The page that a user records in. JavaScript dialogs are left to the user."""

    def __init__(self, page: Page, watcher: Watcher, report: Callable[[str], None]) -> None:
        super().__init__(page, watcher, report)
        self.answers: list[bool] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.javascriptDialogClosed", lambda e: self.answers.append(bool(e.get("result"))))
        self._session.send("Page.enable")

    def _dialog(self, dialog: Dialog) -> None:
        self.observed.dialogs.append(dialog.type)

    @property
    def dialog_open(self) -> bool:
        return len(self.observed.dialogs) > len(self.answers)


class Guide:
    """One recording session."""

    def __init__(
        self,
        recording: Recording,
        log: InputLog,
        user: User | None,
        timeout: float,
        ambiguous: Callable[[Shown], bool] = lambda _: False,
        guard: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """``ambiguous`` is called after the second chat: whether a message after a reload would show more.

        ``guard`` ends calls to the page that do not return.
        """
        self._guard = guard
        self.recording = recording
        self._ambiguous = ambiguous
        self.log = log
        self.shown = Shown()
        self._user = user
        self._timeout = timeout
        self._before: Stores | None = None
        self._from = 0
        """Index of the first act of the current step."""
        self._chat_ended = 0
        """Index of the first act after the first chat."""
        self._step: Step = "send"
        self._hint = ""
        self._text = ""
        self._changed = 0.0
        self._last_look = 0.0

    def run(self, url: str) -> Shown:
        """Open ``url`` and guide. Raises `HarnessError` when no message was sent; what was shown before an end is kept."""
        try:
            with self._guard():
                self._run(url)
        except HarnessError as error:
            if not self.shown.turns:
                raise
            self.recording.observed.problem = error
        self.shown.acts, self.shown.loads = self.log.acts, self.log.loads
        return self.shown

    def _run(self, url: str) -> None:
        page = self.recording.page
        try:
            page.goto(url, wait_until="domcontentloaded", timeout=60_000)
        except Error as error:
            raise HarnessError(
                f"{url} could not be opened: {error.message.splitlines()[0]}",
                hint="is the address correct, and is the chat running?",
            ) from None
        for chat in (0, 1):
            if chat:
                self._locate_conversation()
                self._new_chat()
            for number in (0, 1):
                self._message(2 * chat + number, chat)
        self.shown.acts, self.shown.loads = self.log.acts, self.log.loads
        if self._ambiguous(self.shown):
            self._after_reload()
        self._show_step("done", "Done.", "The window closes. The profile is written and tried.")

    # -- steps --------------------------------------------------------------------------------------------------------

    def _message(self, number: int, chat: int) -> None:
        """Wait until a message was sent, then until its reply is complete."""
        if len(self.shown.turns) > number:  # it was sent in place of a click on "I have started a new chat"
            self._reply(self.shown.turns[number])
            return
        first = number == 0
        what = (
            "Send a message."
            if first
            else "Send another message in this chat."
            if number % 2
            else "Send a message in the new chat."
        )
        before = "Open the chat first; sign in if it needs that. " if first else ""
        self._before = self.recording.stores()
        self._show_step("send", what, f"{before}{_example(number)}")
        self._wait(lambda: self._sent(number, chat), "a message")
        self._reply(self.shown.turns[number])

    def _after_reload(self) -> None:
        """One more message after a reload: IDs of the page load change there, those of users and most sessions do not."""
        loads = len(self.log.loads)
        last = self.shown.turns[-1].nonce
        hint = "It tells IDs of the page from those of the chat."
        self._show_step("reload", "Reload the page.", hint, (("skip", "I cannot"),))
        skipped: list[bool] = []

        def loaded() -> bool:
            if self._button("skip"):
                skipped.append(True)
            return bool(skipped) or len(self.log.loads) > loads

        self._wait(loaded, "a reload")
        if skipped:
            return
        self.recording.settle()
        self._from = len(self.log.acts)
        self.recording.observed.kept_by_reload = last in self._visible()
        self._message(_AFTER_RELOAD, 1)

    def _locate_conversation(self) -> None:
        """Locate the messages while those of the first chat are on the page."""
        with contextlib.suppress(
            Error
        ):  # the page is being replaced: the profile has no locator for them then
            locate_messages(self.recording)

    def _new_chat(self) -> None:
        """Wait until the user has started a new chat: the conversation is gone, or a next message was sent, or the user says so."""
        shown = self.shown
        self._from = self._chat_ended = len(self.log.acts)
        loads = len(self.log.loads)
        started = (("started", "I have started a new chat"),)
        hint = "As you always do: a button, a menu, a confirmation."
        self._show_step("new_chat", "Now start a new chat.", hint, started)
        try:
            self._wait(self._started, "a new chat")
        except HarnessError:
            shown.new_chat = self.log.acts[
                self._from :
            ]  # what was tried, for the profile that is written all the same
            shown.not_seen = True
            raise
        shown.started = len(self.log.acts) - self._chat_ended
        self.recording.settle(0.4, 4.0)
        shown.new_chat_loaded = len(self.log.loads) > loads
        if len(shown.turns) == 2:
            shown.clicked = self.recording.stores()

    def _started(self) -> bool:
        if self._button("started"):
            self.shown.reported_started = True
            return True
        acted = len(self.log.acts) > self._from or self.recording.page.url != self._address
        if not acted:
            return False
        if self._sent(2, 1):
            self.shown.clicked = self._before
            return True
        return self.shown.turns[-1].nonce not in self._visible() and self._is_quiet()

    # -- messages -----------------------------------------------------------------------------------------------------

    def _sent(self, number: int, chat: int) -> bool:
        """Whether a message was sent; then it is a turn."""
        for act in self.log.acts[self._from :]:
            if act.box is None or not act.box.value or (act.kind == "key" and not act.key.endswith("Enter")):
                continue
            nonce = nonce_of(act.box.value, [t.text for t in self.shown.turns])
            carried = nonce is not None and any(
                p.t >= act.t - 0.5 and (nonce in p.text or nonce in p.url)
                for p in self.recording.watcher.payloads
            )
            if not act.cleared and not (carried and time.time() - act.t > 1.0):
                continue
            if nonce is None:
                self._from = self.log.acts.index(act) + 1
                why = "The text was too short, or one that you sent before."
                self._show_step("send", "Send a longer message.", f"{why} {_example(number)}")
                return False
            sender = self._sender(act)
            self._from = self.log.acts.index(sender) + 1
            self._take(sender, nonce, number)
            return True
        return False

    def _sender(self, act: Act) -> Act:
        """Of several acts with the same text in the field the last one before it was cleared: the others sent nothing."""
        assert act.box is not None
        same = [
            a
            for a in self.log.acts[self._from :]
            if a.box is not None and a.box.value == act.box.value and a.t - act.t < _SENT_WITHIN
        ]
        carrying = [a for a in same if a.cleared]
        return carrying[-1] if carrying else act

    def _take(self, act: Act, nonce: str, number: int) -> None:
        assert act.box is not None
        recording, shown = self.recording, self.shown
        recording.frame = act.frame
        with contextlib.suppress(Error):  # the frame was replaced: its elements are found in the page then
            recording.observed.frame = elements.frame_path(act.frame)
        turn = Turn(
            nonce,
            act.box.value,
            act.t,
            before=self._before,
            chat=min(number // 2, 1),
            reloaded=number == _AFTER_RELOAD,
        )
        if number == 2:  # also what opened the chat again after New Chat had closed it
            shown.new_chat = [a for a in self.log.acts[self._chat_ended :] if a is not act and a.t < act.t]
        if number == 0:
            shown.address = recording.page.url
            self._note_login()
            recording.url = shown.address
            recording.observed.start = self._before
        shown.turns.append(turn)
        recording.observed.turns.append(turn)
        shown.sent_by.append(act)
        recording.report(f"message {number + 1}: {act}")

    def _note_login(self) -> None:
        shown = self.shown
        shown.signed_in = self.log.password or bool(shown.refusals)
        if shown.signed_in and shown.state is None:
            shown.state = dict(self.recording.page.context.storage_state(indexed_db=True))

    def _reply(self, turn: Turn) -> None:
        """Wait until the reply is complete, or the user sends the next message."""
        self._text, self._changed = self._visible(), time.monotonic()
        started = time.monotonic()
        self._show_step("reply", "Wait for the reply.", "", (("replied", "The reply is complete"),))
        recording = self.recording

        def complete() -> bool:
            if self._button("replied"):
                return True
            text = self._visible()
            if text != self._text:
                self._text, self._changed = text, time.monotonic()
            waited = time.monotonic() - started
            if recording.observed.stop is None and waited < 6:
                self._find_stop()
            idle = time.monotonic() - max(self._changed, recording.watcher.last)
            still = time.monotonic() - self._changed
            shown = turn.nonce in text
            typing = any(a.box is not None and a.box.value for a in self.log.acts[self._from :])
            return (idle > _QUIET and shown and waited > 1.2) or (still > _POLLING and waited > 5) or typing

        self._wait(complete, "the reply")
        turn.ended_at, turn.after, turn.shown = time.time(), recording.stores(), self._visible()
        stop = recording.observed.stop
        if stop is not None and recording.locator(stop).first.is_visible():
            recording.observed.stop = None  # always there, so it does not show the end of a reply

    def _find_stop(self) -> None:
        for element in elements.interactive_elements(self.recording.frame):
            r = element.raw
            if r["clickable"] and r["visible"] and name_patterns.STOP.search(element.all_names):
                self.recording.observed.stop = elements.describe(element)
                return

    # -- the loop -----------------------------------------------------------------------------------------------------

    def _show_step(self, step: Step, what: str, hint: str, buttons: tuple[tuple[str, str], ...] = ()) -> None:
        self._step = step
        self._panel = (what, hint, f"{len(self.shown.turns)} of 4 messages", buttons)
        self._address = self.recording.page.url
        self.log.signals.clear()
        show_panel(self.recording.page, *self._panel)
        if self._user is None:
            self.recording.report(what)
        elif step in ("send", "new_chat", "reload"):
            self._user(step, self.recording.page)

    def _wait(self, until: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self._timeout
        while True:
            self._attend()
            if until():
                return
            if self.recording.page.is_closed():
                raise HarnessError(f"the window was closed before {what} was seen", hint="repeat the command")
            if time.monotonic() > deadline:
                raise CaptureIncomplete(
                    f"{what} was not seen within {self._timeout:g} s",
                    where=f"message {len(self.shown.turns) + 1} of 4",
                    hint="repeat it, or allow more time with --timeout",
                )
            self.recording.watcher.waiter.sleep(_TICK)

    def _attend(self) -> None:
        """React to what the page reports: a new document shows the panel again, typing is the time to look at the stores."""
        for signal in list(self.log.signals):
            if signal == "loaded":
                show_panel(self.recording.page, *self._panel)
            elif signal == "typing" and self._step != "reply":
                self._before = self.recording.stores()
        self._refuse_another_window()
        kept = [s for s in self.log.signals if s.startswith("button:")]
        self.log.signals.clear()
        self.log.signals.extend(kept)
        if not self.shown.turns:
            text = self._visible()
            for pattern in (name_patterns.CAPTCHA,):
                found = pattern.search(text)
                if found and found.group() not in self.shown.refusals:
                    self.shown.refusals.append(found.group())

    def _refuse_another_window(self) -> None:
        """A chat in a window of its own has its own address, and is recorded by that."""
        page = self.recording.page
        used = next((a for a in self.log.acts if a.cleared and a.frame.page is not page), None)
        if used is not None:
            address = urlsplit(used.frame.page.url)
            raise HarnessError(
                "the message was typed in another window",
                where=f"{address.scheme}://{address.netloc}{address.path}",
                hint="record that address: python -m e2e record URL",
            )

    def _button(self, name: str) -> bool:
        if f"button:{name}" not in self.log.signals:
            return False
        self.log.signals.remove(f"button:{name}")
        return True

    def _visible(self) -> str:
        """The text of the chat's frame; of the whole page as long as the frame is not known or gone."""
        frame: Frame = self.recording.frame
        if frame.is_detached():
            self.recording.frame = self.recording.page.main_frame
        return self.recording.text()

    def _is_quiet(self) -> bool:
        now = self._visible()
        if now != self._text:
            self._text, self._changed = now, time.monotonic()
        return time.monotonic() - self._changed > 0.4


def _example(number: int) -> str:
    return f"For example: {_EXAMPLES[number % len(_EXAMPLES)]} {secrets.token_hex(4)}"
