"""New Chat at an awkward moment: typed into at once, clicked twice, clicked while a reply streams."""

from __future__ import annotations

import time
from collections.abc import Generator

from e2e.capture.network.exchange import Exchange
from e2e.capture.scenarios import opening, sending, turns
from e2e.capture.scenarios.lane_context import LaneContext, look_for_late_text
from e2e.pages.waits import Steps, Wait

SLOW = 0.4
"""Seconds by which a slow network delays each answer, at least."""
_SLOWEST = 3.0  # seconds; a machine that takes longer to type is too busy to show a race
_FIRST_WORDS = 0.4  # seconds for the first piece of a streamed reply; one that comes in one piece is left behind after them
_LATE_PARTS = 6


def rapid_send(context: LaneContext) -> Steps:
    """Type and send the instant New Chat was clicked, then a second message when all is quiet; again on a slow network."""
    took = yield from _rapid(context, slow=0)
    # On a busy machine (eight processes beside the run) a message left later than 0.4 s after the click, and the race was over.
    yield from _rapid(context, slow=min(max(SLOW, 3 * took), _SLOWEST))


def _rapid(context: LaneContext, *, slow: float) -> Generator[Wait, None, float]:
    """On a network that is ``slow`` by so many seconds until all is quiet. Returns the seconds from the click to the payload."""
    if slow:
        context.network(slow)
    try:
        yield from opening.new_chat(context, settle=False)
        yield from turns.message(context)
        chat, exchange = context.recorder.chat, context.recorder.exchange
        took = exchange.sent_at - chat.began if chat is not None and exchange is not None else 0.0
        yield from opening.quiet(context)
    finally:
        if slow:
            context.network(0)
    yield from turns.message(context)
    context.recorder.end_chat()
    return took


def double_click(context: LaneContext) -> Steps:
    """Click New Chat twice, as an impatient user does."""
    yield from opening.new_chat(context, clicks=2)
    yield from opening.quiet(context)
    yield from turns.message(context)
    yield from turns.message(context)
    context.recorder.end_chat()


def mid_stream(context: LaneContext) -> Steps:
    """Click New Chat while a long reply streams; nothing of it may reach the new chat."""
    recorder = context.recorder
    yield from opening.new_chat(context)
    loads = recorder.loads
    old = yield from _leave_mid_stream(context)
    yield from _words_of_its_own(context, old)
    yield from turns.message(context)
    yield from _until_over(context, old, loads)
    recorder.left_behind(old)
    yield from look_for_late_text(context)
    yield from turns.message(context)
    recorder.end_chat()


def _leave_mid_stream(context: LaneContext) -> Generator[Wait, None, Exchange]:
    """Ask for a long reply, and click New Chat when its first piece is there. Returns the exchange that was left behind."""
    recorder = context.recorder
    yield from sending.send(context, long=True)
    assert recorder.chat is not None
    old = yield from _first_piece(context)
    if (yield from turns.sent_again(context, old)):  # the first attempt failed: what is left is the next one
        old = yield from _first_piece(context)
    recorder.chat.cut = not old.ended
    recorder.message_ended("the user did not wait", "ok" if old.ended else "cut")
    recorder.leave_chat()
    yield from opening.new_chat(context)
    return old


def _words_of_its_own(context: LaneContext, old: Exchange) -> Steps:
    """Where the replies of a connection cannot be distinguished, let some of the old one come while no other is awaited."""
    if "line" not in old.extras or old.reply_key is not None:
        return
    enough, limit = old.chunks + _LATE_PARTS, time.monotonic() + _FIRST_WORDS
    yield Wait(
        lambda: old.ended or old.chunks >= enough or time.monotonic() > limit,
        context.profile.timeouts.reply,
        turns.no_end(context, old),
        _FIRST_WORDS / 4,
    )


def _first_piece(context: LaneContext) -> Generator[Wait, None, Exchange]:
    """Wait for the first piece of the reply, not for long. Returns its exchange."""
    old = context.recorder.exchange
    assert old is not None
    deadline = time.monotonic() + _FIRST_WORDS
    yield Wait(
        lambda: old.ended or old.chunks > 0 or (old.status or 0) >= 400 or time.monotonic() > deadline,
        context.profile.timeouts.reply,
        turns.no_end(context, old),
        _FIRST_WORDS / 4,
    )
    return old


def _until_over(context: LaneContext, old: Exchange, loads: int) -> Steps:
    """Wait for the end of the old stream, whoever ends it, so that all that could come late has come.

    Also where the page lets it run to its end: the last event may be the one that names the session. A page that was loaded anew,
    since when ``loads`` were counted, has ended it, and the browser reports no end of it.
    """
    limit = time.monotonic() + context.profile.timeouts.reply
    if not old.ended and old.origin == "page" and context.recorder.loads > loads:
        yield from opening.quiet(context)
        old.outcome = old.outcome or "cancelled"
        return
    if not old.ended:
        yield Wait(
            lambda: old.ended or time.monotonic() > limit,
            context.profile.timeouts.reply + 1,
            turns.no_end(context, old),
            0.2,
        )
    yield from opening.quiet(context)
