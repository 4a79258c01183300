"""The actions of a simulated user in one or two tabs of a fresh browser context; every chat is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from e2e.capture.lane.run_context import RunContext
from e2e.capture.lane.window import Window
from e2e.capture.network.exchange import Exchange
from e2e.capture.recording.drafts import ChatDraft
from e2e.capture.recording.recorder import LaneRecorder
from e2e.capture.scenarios import opening, sending, turns
from e2e.capture.scenarios.chats import go_back_to
from e2e.capture.scenarios.lane_context import LaneContext, look_for_late_text
from e2e.capture.scheduling.scheduler import run_lanes
from e2e.capture.session_ids.redaction import Redactor
from e2e.errors import CaptureIncomplete
from e2e.pages.waits import Steps, Wait
from e2e.records.journal import Journal
from e2e.records.records import After

NARROW = (480, 800)
_OFFLINE_TIMEOUT = 2.0  # seconds until an exchange without a network counts as failed


@dataclass(slots=True)
class _Tab:
    context: LaneContext
    listed: list[tuple[ChatDraft, str]] = field(default_factory=list)
    """Earlier chats since the page load, with their first messages. The page lists them, so the user can return."""
    unlisted: list[ChatDraft] = field(default_factory=list)
    """Earlier chats that the page no longer lists."""
    first_message: str = ""
    """First message of the current chat since the page load: the page lists the chat under it."""
    streaming: Exchange | None = None
    last_action: After = ""
    """What happened in this tab since its last message."""
    other_tab_used: bool = False
    """Whether the other tab did something since the last message of this one."""

    @property
    def has_messages(self) -> bool:
        chat = self.context.recorder.chat
        return chat is not None and bool(chat.messages)


class User:
    """A user with a fresh browser context. `perform` raises `HarnessError` when the page does not respond."""

    def __init__(self, run_context: RunContext, journal: Journal, redactor: Redactor) -> None:
        self._run_context = run_context
        recorder = LaneRecorder(0, run_context.profile, journal, redactor)
        recorder.scenario = "walk"
        self._window = Window(run_context, recorder, 0)
        self._offline = self._narrow = False
        self._tabs = [_Tab(self._window.open())]
        self._current = 0
        self._run(self._open(self._tab))

    # -- actions ------------------------------------------------------------------------------------------------------

    @property
    def available_actions(self) -> tuple[str, ...]:
        """Names of the actions that are possible now."""
        online, steps = not self._offline, self._run_context.profile.steps
        allowed = {
            "new": True,
            "rapid": online,
            "send": True,
            "begin": online and self._tab.streaming is None,
            "stop": bool(steps.stop) and self._tab.streaming is not None,
            "reload": online,
            "tab": online,
            "back": online,
            "forward": online,
            "return": bool(steps.return_to_chat) and bool(self._tab.listed) and not self._narrow,
            "offline": online,
            "online": self._offline,
            "resize": True,
        }
        return tuple(name for name, possible in allowed.items() if possible)

    def perform(self, name: str) -> None:
        """Perform an action; does nothing if it is not available now."""
        if name in self.available_actions:
            self._run(self._actions[name]())

    def end_chats(self) -> None:
        """End every chat, so that all of them are recorded."""
        for tab in self._tabs:
            recorder = tab.context.recorder
            if tab.has_messages:
                self._abandon_reply(tab)
                with suppress(CaptureIncomplete):
                    self._run(look_for_late_text(tab.context))
                recorder.end_chat()
            elif recorder.chat is not None:
                recorder.drop_chat()
            for draft in [*(chat for chat, _ in tab.listed), *tab.unlisted]:
                recorder.resume_chat(draft)
                recorder.end_chat()

    def close(self) -> None:
        """Close the browser context."""
        self._window.close()

    # -- one action each ----------------------------------------------------------------------------------------------

    @property
    def _actions(self) -> Mapping[str, Callable[[], Steps]]:
        return {
            "new": self._new,
            "rapid": self._rapid,
            "send": self._send,
            "begin": self._begin,
            "stop": self._stop,
            "reload": self._reload,
            "tab": self._other_tab,
            "back": self._back,
            "forward": self._forward,
            "return": self._return,
            "offline": self._go_offline,
            "online": self._go_online,
            "resize": self._resize,
        }

    @property
    def _tab(self) -> _Tab:
        return self._tabs[self._current]

    def _run(self, steps: Steps) -> None:
        run_lanes({0: steps}, self._run_context.waiter, stop=lambda: bool(self._run_context.stopped()))

    def _open(self, tab: _Tab) -> Steps:
        tab.context.recorder.begin_chat("load")
        yield from opening.open_page(tab.context)
        yield from opening.quiet(tab.context)

    def _new(self, *, settle: bool = True) -> Steps:
        tab = self._tab
        self._leave_chat(tab)
        yield from opening.new_chat(tab.context, settle=settle)
        tab.last_action, tab.other_tab_used = "", False
        self._mark_other_tab()

    def _rapid(self) -> Steps:
        yield from self._new(settle=False)
        yield from self._message()

    def _send(self) -> Steps:
        tab = self._tab
        if tab.streaming is not None:
            reply = tab.streaming
            yield Wait(
                lambda: reply.ended,
                self._run_context.profile.timeouts.reply,
                turns.no_end(tab.context, reply),
            )
            tab.context.recorder.message_ended("exchange finished", "ok")
            tab.streaming = None
            yield from opening.quiet(tab.context)
        yield from self._message()
        if any(chat.cut for chat in [*(c for c, _ in tab.listed), *tab.unlisted]):
            yield from look_for_late_text(tab.context)

    def _message(self) -> Steps:
        tab = self._tab
        after = self._what_happened(tab)
        if self._offline:
            yield from self._message_offline(tab, after)
        else:
            yield from turns.message(tab.context, after=after)
        self._message_sent(tab)

    def _message_offline(self, tab: _Tab, after: After) -> Steps:
        """Send a message without a network: no reply comes, but the payload is recorded."""
        yield from sending.send(tab.context, after=after)
        exchange = tab.context.recorder.exchange
        assert exchange is not None
        deadline = time.monotonic() + _OFFLINE_TIMEOUT
        yield Wait(
            lambda: exchange.ended or time.monotonic() > deadline,
            _OFFLINE_TIMEOUT * 2,
            turns.no_end(tab.context, exchange),
            0.1,
        )
        tab.context.recorder.message_ended("no network", "failed")

    def _begin(self) -> Steps:
        tab = self._tab
        yield from sending.send(tab.context, after=self._what_happened(tab), long=True)
        tab.streaming = tab.context.recorder.exchange
        self._message_sent(tab)

    def _stop(self) -> Steps:
        tab = self._tab
        stream = tab.streaming
        assert stream is not None
        if not stream.ended:
            try:
                yield from tab.context.page.run(self._run_context.profile.steps.stop, "steps.stop")
            except CaptureIncomplete:
                if not stream.ended:  # no error if the reply ended before the click on Stop
                    raise
        self._abandon_reply(tab)
        yield from opening.quiet(tab.context)

    def _reload(self) -> Steps:
        tab = self._tab
        self._abandon_reply(tab)
        yield from opening.reload(tab.context)
        self._page_loaded(tab)

    def _back(self) -> Steps:
        yield from self._navigate(forward=False)

    def _forward(self) -> Steps:
        yield from self._navigate(forward=False)
        yield from self._navigate(forward=True)

    def _navigate(self, *, forward: bool) -> Steps:
        tab = self._tab
        self._abandon_reply(tab)
        restored = tab.context.recorder.restores
        yield from opening.away_and_back(tab.context, forward=forward)
        if tab.context.recorder.restores > restored:
            tab.last_action = tab.last_action or "back"
        else:
            self._page_loaded(tab)

    def _return(self) -> Steps:
        tab = self._tab
        draft, text = tab.listed.pop(0)
        self._leave_chat(tab)
        yield from go_back_to(tab.context, text)
        tab.context.recorder.resume_chat(draft)
        tab.first_message, tab.last_action = text, "return"
        yield from opening.quiet(tab.context)
        self._mark_other_tab()

    def _other_tab(self) -> Steps:
        if len(self._tabs) == 1:
            self._tabs.append(_Tab(self._tabs[0].context.open_tab()))
            self._current = 1
            yield from self._open(self._tab)
            self._mark_other_tab()
        else:
            self._current = 1 - self._current

    def _go_offline(self) -> Steps:
        self._window.context.set_offline(True)
        self._offline = True
        yield from ()

    def _go_online(self) -> Steps:
        self._window.context.set_offline(False)
        self._offline = False
        yield from ()

    def _resize(self) -> Steps:
        self._narrow = not self._narrow
        width, height = NARROW if self._narrow else self._run_context.profile.where.viewport
        for tab in self._tabs:
            tab.context.page.page.set_viewport_size({"width": width, "height": height})
        yield from ()

    # -- bookkeeping --------------------------------------------------------------------------------------------------

    def _what_happened(self, tab: _Tab) -> After:
        return "other-tab" if tab.other_tab_used and tab.last_action != "return" else tab.last_action

    def _message_sent(self, tab: _Tab) -> None:
        tab.first_message = tab.first_message or tab.context.recorder.last_text
        tab.last_action, tab.other_tab_used = "", False
        self._mark_other_tab()

    def _mark_other_tab(self) -> None:
        for other in self._tabs:
            if other is not self._tab:
                other.other_tab_used = True

    def _leave_chat(self, tab: _Tab) -> None:
        """Pause the current chat if it has messages; drop it otherwise."""
        recorder = tab.context.recorder
        if tab.has_messages:
            self._abandon_reply(tab)
            if tab.first_message:
                tab.listed.append((recorder.pause_chat(), tab.first_message))
            else:  # no message since the page load: the page does not list it any more
                tab.unlisted.append(recorder.pause_chat())
        elif recorder.chat is not None:
            recorder.drop_chat()
        tab.first_message = ""

    def _abandon_reply(self, tab: _Tab) -> None:
        """Stop waiting for the streaming reply, if there is one."""
        if tab.streaming is not None and tab.context.recorder.chat is not None:
            tab.context.recorder.chat.cut = not tab.streaming.ended
            tab.context.recorder.message_ended(
                "the user did not wait", "ok" if tab.streaming.ended else "cut"
            )
        tab.streaming = None

    def _page_loaded(self, tab: _Tab) -> None:
        """The page was loaded again, so its list of chats is empty.

        If the other tab was used meanwhile, the page may continue with that tab's session: that counts as a new chat.
        """
        tab.unlisted += [chat for chat, _ in tab.listed]
        tab.listed.clear()
        tab.first_message = ""
        recorder = tab.context.recorder
        if not tab.other_tab_used and tab.last_action != "return":
            tab.last_action = "reload"
            return
        if tab.has_messages:
            tab.unlisted.append(recorder.pause_chat())
        elif recorder.chat is not None:
            recorder.drop_chat()
        recorder.begin_chat("load")
        tab.last_action, tab.other_tab_used = "", False
