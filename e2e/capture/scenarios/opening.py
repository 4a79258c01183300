"""New Chat, and what a user sees of the chat that it begins."""

from __future__ import annotations

import time
from functools import partial

from e2e.capture.scenarios.habits import Learned
from e2e.capture.scenarios.lane_context import LaneContext, unreadable
from e2e.capture.scenarios.sending import POLL
from e2e.capture.scenarios.turns import message
from e2e.errors import CaptureIncomplete, HarnessError
from e2e.pages.chat_page import Look
from e2e.pages.waits import Steps, Wait

_LOAD = 3.0
"""Seconds for a page to make its session's ID, at most: one that makes it with the first message only must not cost more."""


def open_page(context: LaneContext) -> Steps:
    """Load the page, in a window or a tab that shows nothing yet, and wait until it can be used and has its session."""
    recorder = context.recorder
    began, other = time.time(), recorder.tab > 0
    recorder.store.rotated = False
    yield from context.page.open(again=other)
    yield from _has_its_session(context, began, of_its_own=other and context.profile.policy.tabs == "own")


def new_chat(context: LaneContext, *, settle: bool = True, clicks: int = 1) -> Steps:
    """Click New Chat and let the page do what it does, until the session has rotated or everything is quiet.

    Without ``settle`` nothing is waited for but the click itself; ``clicks`` = 2 is a double click.
    """
    recorder, opened = context.recorder, context.windows()
    look = yield from context.page.looking("new_chat", stored=True)
    recorder.store.look(look.stored)
    before = recorder.clicks
    yield from context.page.new_chat(look, partial(_expect, context, clicks), clicks)
    try:
        yield _hit(context, before)
    except CaptureIncomplete:
        # A window that opens takes the input that is on its way to the page: in 1 of 9 runs of the chaos fault `page-popups`.
        if context.windows() == opened:
            raise
        yield from context.page.to_front()
        look = yield from context.page.looking("new_chat")
        yield from context.page.new_chat(look, partial(_expect, context, clicks), clicks)
        yield _hit(context, before, windows=context.windows() - opened)
    if settle:
        yield from settled(context)
        if recorder.loads > context.loads:  # New Chat loads a page: what was opened once may be closed again
            yield from context.page.loaded_again()
    yield from context.page.reopened()


def _expect(context: LaneContext, clicks: int) -> None:
    """New Chat is about to be clicked."""
    recorder, steps = context.recorder, context.profile.steps
    context.acted_at, context.rotations, context.loads = time.monotonic(), clicks, recorder.loads
    if steps.new_chat[steps.starting].goto is not None:
        recorder.new_chat_by_address()
    else:
        recorder.expect_new_chat()


def _hit(context: LaneContext, before: int, windows: int = 0) -> Wait:
    """Wait for the click in the page. ``windows``: how many the page opened, so that it may be they that took the click."""

    def late() -> HarnessError:
        what = "the click on New Chat did not reach it"
        if windows:
            hint = "a user's click is lost too: why does the page open them?"
            return CaptureIncomplete(f"{what}: the page opened {windows} windows", hint=hint)
        hint = "is the button covered or replaced at the click?"
        return CaptureIncomplete(what, where="steps.new_chat", hint=hint)

    return Wait(lambda: context.recorder.clicks > before, context.profile.timeouts.action, late)


def settled(context: LaneContext, *, also_quiet: bool = False) -> Steps:
    """Wait for the rotation that New Chat is to bring, or for a quiet time without any: no request under way, nothing sent, no signal.

    How long a rotation may take is learned in the run (`Learned`). ``also_quiet``: until it is quiet even so.
    """
    if not context.watches:
        return
    timeouts = context.profile.timeouts
    settling = _Settling(context, also_quiet)
    yield Wait(
        settling.over,
        timeouts.reply + 2 * timeouts.action,
        unreadable("the page after New Chat"),
        timeouts.idle / 5,
    )
    settling.learn()


class _Settling:
    """What is waited for after New Chat, and what the wait shows about the target."""

    def __init__(self, context: LaneContext, also_quiet: bool) -> None:
        self._context = context
        self._also_quiet = also_quiet
        self._since = time.monotonic()
        self._store = context.recorder.store
        timeouts, habits = context.profile.timeouts, context.habits
        self._awaits = context.waits_for_rotation and context.rotations > 0 and self._store.readable
        waits = self._awaits and not self._store.rotated
        self._longest = habits.rotation.longest_wait(timeouts.idle, timeouts.action) if waits else 0.0
        self._for_answer = habits.answer.longest_wait(timeouts.idle, timeouts.action)

    def over(self) -> bool:
        now, context, timeouts = time.monotonic(), self._context, self._context.profile.timeouts
        if self._awaits and self._store.rotated and not self._also_quiet:
            return True
        if self._rotates(now):
            return False
        busy = any(began >= self._since - timeouts.idle for began in context.wire.in_flight.values())
        if (busy or self._loading() or self._unanswered(now)) and now - self._since < timeouts.reply:
            return False
        idle = now - max(self._since, context.recorder.last_signal, context.wire.last_sent)
        # A page that never rests is no reason to stop.
        return idle >= timeouts.idle or now - self._since > timeouts.action + self._longest

    def _rotates(self, now: float) -> bool:
        """A rotation is still to be expected."""
        if not self._awaits:
            return False
        since = now - self._context.acted_at
        if not self._store.rotated:
            return since < self._longest
        rotations, quiet = self._context.rotations, self._context.profile.timeouts.idle
        return rotations > 1 and since < _until(self._context.habits.rotation, rotations, quiet)

    def _loading(self) -> bool:
        """New Chat requested another page, and what is still shown is the old one."""
        context = self._context
        if context.recorder.loads > context.loads:
            return False
        return any(began >= context.acted_at > 0 for began in context.wire.loading.values())

    @property
    def _requested(self) -> bool:
        """New Chat sent a frame, or what followed it did."""
        return self._context.wire.frame_sent >= self._context.acted_at > 0

    def _unanswered(self, now: float) -> bool:
        """It has brought nothing back yet."""
        wire = self._context.wire
        return (
            self._requested
            and wire.frame_received < wire.frame_sent
            and now - wire.frame_sent < self._for_answer
        )

    def learn(self) -> None:
        context, store, most = self._context, self._store, self._context.profile.timeouts.action
        now, chat = time.monotonic(), self._context.recorder.chat
        if self._awaits and chat is not None:
            # The second of two rotations shows how long both took.
            first = context.rotations == 1 or not self._also_quiet
            if store.rotated and first:
                context.habits.rotation.add(max(0.0, store.rotated_at - chat.began))
            elif not store.rotated:
                context.habits.rotation.add_missing(now - context.acted_at, most)
            context.rotations = context.rotations if first and store.rotated and context.rotations > 1 else 0
        if self._requested and context.wire.frame_received >= context.wire.frame_sent:
            context.habits.answer.add(context.wire.frame_received - context.wire.frame_sent)
        elif self._requested:
            context.habits.answer.add_missing(now - context.wire.frame_sent, most)


def _until(learned: Learned, rotations: int, least: float) -> float:
    """Seconds in which that many rotations have come, one after the other; 0 where they come at once."""
    return rotations * learned.longest + least if learned.longest > least else 0.0


def quiet(context: LaneContext) -> Steps:
    """Wait until everything has been quiet for a moment, and the session has rotated if it is going to."""
    yield from settled(context, also_quiet=True)


def _has_its_session(context: LaneContext, began: float, *, of_its_own: bool) -> Steps:
    """Wait until the page that was loaded holds its session's ID, where it makes one without a message.

    ``of_its_own``: it makes another one than the store may hold from before.
    """
    store, learned, timeouts = context.recorder.store, context.habits.load, context.profile.timeouts
    context.acted_at = context.rotations = 0
    if not context.waits_for_rotation or not store.readable:
        return
    most = min(timeouts.action, _LOAD)
    since, longest = time.monotonic(), learned.longest_wait(timeouts.idle, most)

    def has() -> bool:
        return store.rotated or (store.current is not None and not of_its_own)

    yield Wait(
        lambda: has() or time.monotonic() - since > longest,
        timeouts.reply + timeouts.action,
        unreadable("the page's store"),
        timeouts.idle / 5,
    )
    if store.rotated:
        learned.add(max(0.0, store.rotated_at - began))
    elif not has():
        learned.add_missing(time.monotonic() - since, most)


def first_message(context: LaneContext) -> Steps:
    """Look what the new chat shows before anything is sent, then send its first message."""
    mark = context.page.box()
    look = yield from context.page.looking(mark, reads=("messages",))
    seen = look.counts.get("messages")
    shown = _conversation(context, look)
    if shown and context.recorder.earlier_chat_in(shown) is not None:
        began = time.monotonic()

        def cleared() -> bool:
            """Nothing of an earlier chat is left; a greeting may stay."""
            nonlocal seen, look, shown
            look = context.page.look(mark, reads=("messages",))
            seen = look.counts["messages"]
            shown = _conversation(context, look)
            gone = context.recorder.earlier_chat_in(shown) is None
            return gone or time.monotonic() - began > context.profile.timeouts.idle * 2

        yield Wait(
            cleared, context.profile.timeouts.action, unreadable("the conversation"), POLL, asks_page=True
        )
    if seen is not None:
        context.recorder.screen(seen, shown)
    yield from message(context, look)


def _conversation(context: LaneContext, look: Look) -> str:
    """What all messages on the screen say; most looks have read it."""
    if not look.counts.get("messages"):
        return ""
    return (context.page.conversation() if look.conversation is None else look.conversation) or ""


def greeting(context: LaneContext) -> Steps:
    """Read what the browser's first chat shows before anything is sent."""
    shown = yield from context.page.conversing()
    if shown:
        context.recorder.greeting(shown)


def reload(context: LaneContext) -> Steps:
    """Reload the page inside the chat."""
    loads, began, left = context.recorder.loads, time.time(), time.monotonic()
    context.recorder.note("reload")
    context.recorder.store.rotated = False
    yield from context.page.reload()
    yield Wait(
        lambda: context.recorder.loads > loads,
        context.profile.timeouts.ready,
        lambda: CaptureIncomplete("the reloaded page never reported its start"),
    )
    context.wire.left_page(left)
    yield from _loaded_again(context, began)


def away_and_back(context: LaneContext, *, forward: bool = False) -> Steps:
    """Go to another page in the same tab (``forward``: by the browser's Forward), and come back with its Back button."""
    recorder = context.recorder
    recorder.note("away")
    left = time.monotonic()
    if forward:
        yield from context.page.go_forward()
    else:
        yield from context.page.leave()
    loads, restores, began = recorder.loads, recorder.restores, time.time()
    recorder.store.rotated = False
    yield from context.page.go_back()
    yield Wait(
        lambda: recorder.loads + recorder.restores > loads + restores,
        context.profile.timeouts.ready,
        lambda: CaptureIncomplete("the page that was restored never reported itself"),
    )
    context.wire.left_page(left)
    restored = recorder.restores > restores
    recorder.note("back", restored=restored)
    if restored:
        # Chromium closes a page's WebSockets when it caches the page, and reports no end of them.
        context.wire.sockets.clear()
        context.wire.look_again()
        context.acted_at = context.rotations = 0
        yield from quiet(context)
    else:
        yield from _loaded_again(context, began)


def _loaded_again(context: LaneContext, began: float) -> Steps:
    yield from _has_its_session(context, began, of_its_own=context.profile.policy.reload == "rotates")
    yield from quiet(context)
