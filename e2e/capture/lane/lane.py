"""One lane: a browser context with everything that watches it, and the chats of its user."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping

from playwright.sync_api import Error

from e2e.capture.lane.clock import Clock
from e2e.capture.lane.plays import LanePlays, PlayQueue
from e2e.capture.lane.run_context import RunContext
from e2e.capture.lane.traces import TRACED_CHATS, Trace
from e2e.capture.lane.window import Window
from e2e.capture.network.replay import Request
from e2e.capture.recording.recorder import LaneRecorder
from e2e.capture.scenarios import opening, turns
from e2e.capture.scenarios.catalogue import Scenario
from e2e.capture.scenarios.lane_context import LaneContext
from e2e.errors import Blocked, CaptureIncomplete, HarnessError, MessageLost
from e2e.pages.waits import Steps
from e2e.profile.profile import Profile

_GIVE_UP_AFTER = 2  # chats of a lane in a row that the environment refused
_MANY_DIALOGS = 200
"""JavaScript dialogs of one page after which they are what keeps its other parts from being used."""
GOES_ON = 1
"""Messages that one plain chat of each lane has besides its first."""


def messages_each(profile: Profile) -> int:
    """Messages that a chat needs to be judged: with the backend's ID in it comes the second one first."""
    return 2 if profile.policy.rotation == "on_first_reply" else 1


class Lane:
    """Has ``chats`` chats, one after the other, each ending in one observation."""

    def __init__(
        self,
        number: int,
        chats: int,
        run_context: RunContext,
        recorder: LaneRecorder,
        plays: PlayQueue | None = None,
    ) -> None:
        """``plays`` are the scenarios that the lanes of the run share; they come after the plain chats."""
        self.number = number
        self._chats = chats
        self._plays = LanePlays(plays or PlayQueue(()), number)
        self._run_context = run_context
        self._recorder = recorder
        self._window: Window | None = None
        self._trace: Trace | None = None
        self._done = 0
        self._refused = 0
        """Chats in a row that the environment refused."""
        self._clock = Clock()
        self._why_fresh = ""
        """Why the lane must go on in a fresh browser context, or ``""``."""

    def steps(self) -> Steps:
        """The lane's life. Whatever the suite cannot see becomes a problem of the run; it never raises a `HarnessError`."""
        recorder = self._recorder
        try:
            while self._goes_on:
                yield from self._one_context()
        except HarnessError as error:
            self._end_badly(error)
        except Error as error:
            if self._run_context.stopped():
                return
            self._end_badly(_gone_wrong(error))
        except Exception:
            if not self._run_context.stopped():  # Playwright raises a plain Exception when its driver is gone
                raise
        finally:
            self._plays.end()
            recorder.end_chat("lost", self._run_context.stopped() or "the run ended")
            recorder.record_undecoded()
            for unreadable in recorder.unread.problems():
                self._run_context.problem(unreadable, "")

    @property
    def plain_chats(self) -> int:
        """Plain chats that were planned in the end."""
        return self._chats

    @property
    def sent_messages(self) -> int:
        return self._recorder.sent_messages

    @property
    def request(self) -> Request | None:
        """The last chat request that could be sent again without the browser."""
        return self._recorder.chats.request

    @property
    def recorder(self) -> LaneRecorder:
        return self._recorder

    @property
    def window(self) -> Window | None:
        """The one that is open."""
        return self._window

    def record_generated_ids(self, known: Mapping[str, str]) -> None:
        """Write down what the lane's session IDs are made of."""
        self._recorder.record_generated_ids(known)

    def close(self) -> None:
        """Write the trace and close the context; nothing is left to do when the browser is gone."""
        if self._trace is not None:
            self._trace.stop()
        if self._window is not None:
            self._window.close()

    @property
    def _given_up(self) -> bool:
        return self._refused >= _GIVE_UP_AFTER

    @property
    def _goes_on(self) -> bool:
        """There is more to do: plain chats, and after them what is played (which waits for no further plain chat)."""
        if self._done and self._done < self._chats and self._run_context.enough():
            self._chats = self._done
        return not self._given_up and (self._done < self._chats or self._plays.next is not None)

    def _one_context(self) -> Steps:
        """Chats in one browser context: all that are left, or as many as the target allows."""
        run_context, recorder = self._run_context, self._recorder
        if self._window is not None:
            self.close()
            recorder.context += 1
            recorder.note("context", number=recorder.context, why=self._why_fresh)
        self._why_fresh = ""
        window = self._window = Window(run_context, recorder, self.number)
        if run_context.trace and run_context.folder is not None and recorder.context == 0:
            self._trace = Trace(window.context, run_context.folder, self.number)
        context = window.open()
        if self._done == self._chats and (opened_for := self._plays.next) is not None:
            recorder.scenario = opened_for.name  # a chat that only opens the window for it
        recorder.begin_chat("load")
        recorder.scenario = "plain"
        yield from self._enter(context)
        first = True
        sent_before = recorder.sent_messages
        while self._goes_on:
            playing = self._plays.next if self._done == self._chats else None
            # Its second chat, the first that New Chat began: an early end of the run does not take it away.
            goes_on = self._done == min(1, self._chats - 1)
            limit = run_context.profile.limits.messages_per_context
            needs = messages_each(run_context.profile) + (GOES_ON if goes_on and run_context.goes_on else 0)
            if playing and not first:
                needs = playing.most(run_context.profile)
            if limit is not None and not first and recorder.sent_messages - sent_before + needs > limit:
                self._why_fresh = f"limits.messages_per_context = {limit}"
            if self._why_fresh:
                return
            if playing and not first:
                yield from self._play(context, self._plays.begin())
                continue
            if not first:
                yield from self._explained(context, opening.new_chat(context))
            yield from self._chat(context, goes_on=goes_on, alone=first)
            first = False
            self._done += playing is None
            if self._done == TRACED_CHATS and self._trace is not None:
                self._trace.stop()

    def _enter(self, context: LaneContext) -> Steps:
        """Become a user, and open the chat."""
        login, recorder = self._run_context.profile.login, self._recorder
        if login is not None and login.steps:
            recorder.note("login")
            yield from context.page.open(login.url or self._run_context.url)
            yield from self._explained(context, context.page.run(login.steps, "login.steps"))
            if login.done is not None:
                yield from self._explained(context, context.page.wait_for(login.done, "login.done"))
            else:  # loading the chat at once would cancel the request that signs in
                with contextlib.suppress(HarnessError):  # a login may lead elsewhere
                    yield from context.page.wait_for(self._run_context.profile.where.ready, "where.ready")
        recorder.note("open")
        yield from self._explained(context, opening.open_page(context))

    def _explained(self, context: LaneContext, steps: Steps) -> Steps:
        """``steps``; where they cannot go on because the page shows a refusal, that is what is raised."""
        try:
            yield from steps
        except Blocked:
            raise
        except HarnessError as error:
            refusal = context.refusal()
            if refusal is None:
                raise
            raise refusal from error

    def _chat(self, context: LaneContext, *, goes_on: bool, alone: bool) -> Steps:
        """One chat; a refusal ends it, and after some in a row the lane. ``alone``: it is the first of its context."""
        try:
            yield from self._explained(context, self._messages(context, goes_on=goes_on))
            self._refused = 0
        except MessageLost as lost:
            self._reliable()
            self._lost(lost)
        except Blocked as blocked:
            self._refused += 1
            self._end_badly(blocked)
            if isinstance(blocked, turns.NoReply):
                self._refused = _GIVE_UP_AFTER  # a backend that hangs would hang again
            elif blocked.condition == "daily-limit" and not alone:
                self._why_fresh = "the browser context's limit was reached"
                self._refused = 0

    def _play(self, context: LaneContext, scenario: Scenario) -> Steps:
        """One scenario. Where it cannot be played to its end, the next one is played in a fresh browser context."""
        recorder = context.recorder
        recorder.begin_play(scenario.name)
        try:
            yield from self._explained(context, scenario.play(context))
            self._reliable()
            self._refused = 0
        except (HarnessError, Error) as problem:
            if isinstance(problem, Error) and self._run_context.stopped():
                raise
            error = problem if isinstance(problem, HarnessError) else _gone_wrong(problem)
            self._why_fresh = f"{scenario.name} could not be played to its end"
            error = self._true_reason(error) or error
            if isinstance(error, MessageLost):
                self._lost(error)
                return
            if not isinstance(error, Blocked):
                # One check cannot be judged then, and says why; all the others can.
                recorder.note("unseen", scenario=scenario.name, what=error.what, where=error.where)
                self._picture(f"lane-{self.number}-{scenario.name}.png")
                recorder.end_chat("lost", error.what)
                return
            self._refused += 1
            self._end_badly(error)
            if isinstance(error, turns.NoReply):
                self._refused = _GIVE_UP_AFTER
            elif error.condition == "daily-limit":
                self._refused = 0
        finally:
            recorder.scenario = "plain"

    def _reliable(self) -> None:
        """Raises `CaptureIncomplete` when the browser lost its cookies, or when what was seen before what is unknown."""
        unreliable = self._true_reason(None)
        if unreliable is not None:
            raise unreliable

    def _true_reason(self, error: HarnessError | None) -> HarnessError | None:
        """What happened outside of the page, if anything; else ``error``: it may be what followed from that."""
        if lost := self._recorder.chats.lost_sight():
            return CaptureIncomplete(lost, hint="run again; lower --lanes where memory is short")
        if self._clock.jump and not isinstance(error, Blocked):
            return CaptureIncomplete(self._clock.jump, hint="run again when its time is right")
        dialogs = 0 if self._window is None else self._window.dialogs
        if error is not None and not isinstance(error, Blocked) and dialogs >= _MANY_DIALOGS:
            return CaptureIncomplete(
                f"the page could not be used: it opened {dialogs} dialogs",
                hint="a user cannot use it either: does it open an alert in a loop?",
            )
        return error

    def _lost(self, error: MessageLost) -> None:
        """The page lost a message: that was seen, so it is no problem of the run; its check judges it."""
        self._refused += 1
        chat = self._recorder.chat
        self._picture(f"lane-{self.number}-chat-{chat.number if chat else 'none'}.png")
        self._recorder.end_chat("lost", error.what)

    def _messages(self, context: LaneContext, *, goes_on: bool) -> Steps:
        chat = context.recorder.chat
        assert chat is not None
        if chat.via == "new_chat":
            yield from opening.first_message(context)
        else:
            if context.watches:
                yield from opening.greeting(context)
            yield from turns.message(context)
        for _ in range(messages_each(context.profile) - 1):
            yield from turns.message(context)
        if goes_on and self._run_context.goes_on:
            yield from turns.message(context)
        self._reliable()
        context.recorder.end_chat()

    def _end_badly(self, error: HarnessError) -> None:
        chat = self._recorder.chat
        error = self._true_reason(error) or error
        self._run_context.problem(error, self._recorder.place)
        self._picture(f"lane-{self.number}-chat-{chat.number if chat else 'none'}.png")
        self._recorder.end_chat("blocked" if isinstance(error, Blocked) else "lost", error.what)

    def _picture(self, name: str) -> None:
        """What the user saw when it went wrong, session IDs covered."""
        page = self._window.page if self._window is not None else None
        if page is None or self._run_context.folder is None or self._run_context.stopped():
            return
        try:
            (self._run_context.folder / name).write_bytes(page.screenshot())
        except (Error, OSError):
            return  # a page that cannot be drawn, or a disk that is full, has already reported the reason


def _gone_wrong(error: Error) -> HarnessError:
    reason = error.message.splitlines()[0]
    if late := re.search(r"Timeout (\d+)ms exceeded", reason):
        return CaptureIncomplete(
            f"a page did not respond for {int(late[1]) / 1000:g} s",
            hint="a script of the page may loop for ever, or keep it busy",
        )
    in_page = re.search(r": (Type|Reference|Range|Syntax|Eval)?Error: ", f"{reason} ")
    hint = (
        "the page may have replaced functions of the browser that Playwright needs; watch it with --headed"
        if in_page
        else "run again; lower --lanes?"
    )
    return CaptureIncomplete(f"the browser could not go on: {reason}", hint=hint)
