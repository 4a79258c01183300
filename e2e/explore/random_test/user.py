"""What the person can do, one thing at a time, in one or two tabs of a fresh browser; every chat is recorded as always."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from e2e.capture.lane.run_context import RunContext
from e2e.capture.lane.window import Window
from e2e.capture.network.wire_rules import Exchange
from e2e.capture.recording.drafts import ChatDraft
from e2e.capture.recording.recorder import LaneRecorder
from e2e.capture.scenarios import opening, turns
from e2e.capture.scenarios.chats import go_back_to
from e2e.capture.scenarios.lane_context import LaneContext, look_for_late_text
from e2e.capture.scheduling.scheduler import run_lanes
from e2e.capture.session_ids.redaction import Redactor
from e2e.errors import Blocked, CaptureIncomplete
from e2e.pages.waits import Steps, Wait
from e2e.records.journal import Journal
from e2e.records.records import After

NARROW = (480, 800)
_PATIENCE = 2.0  # seconds for an exchange without a network to fail


@dataclass(slots=True)
class _Tab:
    context: LaneContext
    kept: list[tuple[ChatDraft, str]] = field(default_factory=list)
    """Chats that were left since the page was loaded, with their first messages: they can be gone back to."""
    over: list[ChatDraft] = field(default_factory=list)
    """Chats that were left and are out of reach."""
    first: str = ""
    """First message of the chat that is under way, since the page was loaded: by it the page lists the chat."""
    streaming: Exchange | None = None
    since: After = ""
    """What happened since the last message, here."""
    disturbed: bool = False
    """Something was done in the other tab since."""

    @property
    def has_messages(self) -> bool:
        chat = self.context.recorder.chat
        return chat is not None and bool(chat.messages)


class Person:
    """A fresh browser and what is done in it. Each `do` raises a `HarnessError` when it cannot be done."""

    def __init__(self, run_context: RunContext, journal: Journal, redactor: Redactor) -> None:
        self._run_context = run_context
        recorder = LaneRecorder(0, run_context.profile, journal, redactor)
        recorder.scenario = "walk"
        self._window = Window(run_context, recorder, 0)
        self._offline = self._narrow = False
        self._tabs = [_Tab(self._window.open())]
        self._at = 0
        self._run(self._open(self._tab))

    # -- what can be done ---------------------------------------------------------------------------------------------

    @property
    def can(self) -> tuple[str, ...]:
        """Names of what can be done now."""
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
            "return": bool(steps.return_to_chat) and bool(self._tab.kept) and not self._narrow,
            "offline": online,
            "online": self._offline,
            "resize": True,
        }
        return tuple(name for name, yes in allowed.items() if yes)

    def do(self, name: str) -> None:
        """Do one thing; nothing when it cannot be done now."""
        if name in self.can:
            self._run(self._verbs[name]())

    def finish(self) -> None:
        """End every chat, so that all of them are recorded."""
        for tab in self._tabs:
            recorder = tab.context.recorder
            if tab.has_messages:
                self._cut(tab)
                with suppress(CaptureIncomplete):
                    look_for_late_text(tab.context)
                recorder.end_chat()
            elif recorder.chat is not None:
                recorder.drop_chat()
            for draft in [*(chat for chat, _ in tab.kept), *tab.over]:
                recorder.resume_chat(draft)
                recorder.end_chat()

    def close(self) -> None:
        """Close the browser's window."""
        self._window.close()

    # -- verbs --------------------------------------------------------------------------------------------------------

    @property
    def _verbs(self) -> Mapping[str, Callable[[], Steps]]:
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
        return self._tabs[self._at]

    def _run(self, steps: Steps) -> None:
        run_lanes({0: steps}, self._run_context.waiter, stop=lambda: bool(self._run_context.stopped()))

    def _open(self, tab: _Tab) -> Steps:
        tab.context.recorder.begin_chat("load")
        yield from opening.open_page(tab.context)
        yield from opening.quiet(tab.context)

    def _new(self, *, settle: bool = True) -> Steps:
        tab = self._tab
        self._leave(tab)
        yield from opening.new_chat(tab.context, settle=settle)
        tab.since, tab.disturbed = "", False
        self._disturb()

    def _rapid(self) -> Steps:
        yield from self._new(settle=False)
        yield from self._message()

    def _send(self) -> Steps:
        tab = self._tab
        if tab.streaming is not None:
            old = tab.streaming
            yield Wait(
                lambda: old.ended, self._run_context.profile.timeouts.reply, turns.no_end(tab.context, old)
            )
            tab.context.recorder.message_ended("exchange finished", "ok")
            tab.streaming = None
            yield from opening.quiet(tab.context)
        yield from self._message()
        if any(chat.cut for chat in [*(c for c, _ in tab.kept), *tab.over]):
            look_for_late_text(tab.context)

    def _message(self) -> Steps:
        tab = self._tab
        after = self._after(tab)
        if self._offline:
            yield from self._unheard(tab, after)
        else:
            yield from turns.message(tab.context, after=after)
        self._sent(tab)

    def _unheard(self, tab: _Tab, after: After) -> Steps:
        """A message without a network: what it carries is seen all the same."""
        yield from turns.send(tab.context, after=after)
        exchange = tab.context.recorder.exchange
        assert exchange is not None
        until = time.monotonic() + _PATIENCE
        yield Wait(
            lambda: exchange.ended or time.monotonic() > until,
            _PATIENCE * 2,
            turns.no_end(tab.context, exchange),
            0.1,
        )
        tab.context.recorder.message_ended("there was no network", "failed")

    def _begin(self) -> Steps:
        tab = self._tab
        yield from turns.send(tab.context, after=self._after(tab), long=True)
        tab.streaming = tab.context.recorder.exchange
        self._sent(tab)

    def _stop(self) -> Steps:
        tab = self._tab
        stream = tab.streaming
        assert stream is not None
        if not stream.ended:
            try:
                yield from tab.context.page.run(self._run_context.profile.steps.stop, "steps.stop")
            except CaptureIncomplete:
                if not stream.ended:  # it ended before it could be stopped
                    raise
        self._cut(tab)
        yield from opening.quiet(tab.context)

    def _reload(self) -> Steps:
        tab = self._tab
        self._cut(tab)
        yield from opening.reload(tab.context)
        self._loaded(tab)

    def _back(self) -> Steps:
        yield from self._away(forward=False)

    def _forward(self) -> Steps:
        yield from self._away(forward=False)
        yield from self._away(forward=True)

    def _away(self, *, forward: bool) -> Steps:
        tab = self._tab
        self._cut(tab)
        restored = tab.context.recorder.restores
        yield from opening.away_and_back(tab.context, forward=forward)
        if tab.context.recorder.restores > restored:
            tab.since = tab.since or "back"
        else:
            self._loaded(tab)

    def _return(self) -> Steps:
        tab = self._tab
        draft, text = tab.kept.pop(0)
        self._leave(tab)
        yield from go_back_to(tab.context, text)
        tab.context.recorder.resume_chat(draft)
        tab.first, tab.since = text, "return"
        yield from opening.quiet(tab.context)
        self._disturb()

    def _other_tab(self) -> Steps:
        if len(self._tabs) == 1:
            self._tabs.append(_Tab(self._tabs[0].context.open_tab()))
            self._at = 1
            yield from self._open(self._tab)
            self._disturb()
        else:
            self._at = 1 - self._at

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

    def _after(self, tab: _Tab) -> After:
        return "other-tab" if tab.disturbed and tab.since != "return" else tab.since

    def _sent(self, tab: _Tab) -> None:
        tab.first = tab.first or tab.context.recorder.last_text
        tab.since, tab.disturbed = "", False
        self._disturb()

    def _disturb(self) -> None:
        for other in self._tabs:
            if other is not self._tab:
                other.disturbed = True

    def _leave(self, tab: _Tab) -> None:
        """The chat under way is left: kept when something was said in it, forgotten otherwise."""
        recorder = tab.context.recorder
        if tab.has_messages:
            self._cut(tab)
            if tab.first:
                tab.kept.append((recorder.pause_chat(), tab.first))
            else:  # nothing was said in it since the page was loaded, which forgot it
                tab.over.append(recorder.pause_chat())
        elif recorder.chat is not None:
            recorder.drop_chat()
        tab.first = ""

    def _cut(self, tab: _Tab) -> None:
        """Nobody waits for the reply that is streaming."""
        if tab.streaming is not None and tab.context.recorder.chat is not None:
            tab.context.recorder.chat.cut = not tab.streaming.ended
            tab.context.recorder.message_ended(
                "the person did not wait", "ok" if tab.streaming.ended else "cut"
            )
        tab.streaming = None

    def _loaded(self, tab: _Tab) -> None:
        """The page was loaded again: its list of chats is gone, and after the other tab it may go on with that one's session."""
        tab.over += [chat for chat, _ in tab.kept]
        tab.kept.clear()
        tab.first = ""
        recorder = tab.context.recorder
        if not tab.disturbed and tab.since != "return":
            tab.since = "reload"
            return
        if tab.has_messages:
            tab.over.append(recorder.pause_chat())
        elif recorder.chat is not None:
            recorder.drop_chat()
        recorder.begin_chat("load")
        tab.since, tab.disturbed = "", False


REFUSED = Blocked
"""What ends a walk without a verdict."""
