"""New Chat at an awkward moment: typed into at once, clicked twice, clicked while a reply streams."""

from __future__ import annotations

import time
from collections.abc import Generator

from e2e.capture.network.wire_rules import Exchange
from e2e.capture.scenarios import opening, turns
from e2e.capture.scenarios.lane_context import Cast, look_for_late_text
from e2e.pages.waits import Steps, Wait

SLOW = 0.4
"""Seconds by which a slow network delays each answer, at least."""
_SLOWEST = 3.0  # seconds; a machine that takes longer to type is too busy to show a race
_FIRST_WORDS = 0.4  # seconds for the first piece of a streamed reply; one that comes in one piece is left behind after them
_LATE_PARTS = 6


def rapid_send(cast: Cast) -> Steps:
    """Type and send the instant New Chat was clicked, then a second message when all is quiet; again on a slow network."""
    took = yield from _rapid(cast)
    # On a busy machine (eight processes beside the run) a message left later than 0.4 s after the click, and the race was over.
    cast.network(min(max(SLOW, 3 * took), _SLOWEST))
    try:
        yield from _rapid(cast)
    finally:
        cast.network(0)


def _rapid(cast: Cast) -> Generator[Wait, None, float]:
    """Returns the seconds from the click to the message's payload."""
    yield from opening.new_chat(cast, settle=False)
    yield from turns.message(cast)
    chat, exchange = cast.recorder.chat, cast.recorder.exchange
    took = exchange.sent_at - chat.began if chat is not None and exchange is not None else 0.0
    yield from opening.quiet(cast)
    yield from turns.message(cast)
    cast.recorder.end_chat()
    return took


def double_click(cast: Cast) -> Steps:
    """Click New Chat twice, as a nervous person does."""
    yield from opening.new_chat(cast, clicks=2)
    yield from opening.quiet(cast)
    yield from turns.message(cast)
    yield from turns.message(cast)
    cast.recorder.end_chat()


def mid_stream(cast: Cast) -> Steps:
    """Click New Chat while a long reply streams; nothing of it may reach the new chat."""
    recorder = cast.recorder
    yield from opening.new_chat(cast)
    loads = recorder.loads
    old = yield from _leave_mid_stream(cast)
    yield from _words_of_its_own(cast, old)
    yield from turns.message(cast)
    yield from _until_over(cast, old, loads)
    recorder.left_behind(old)
    look_for_late_text(cast)
    yield from turns.message(cast)
    recorder.end_chat()


def _leave_mid_stream(cast: Cast) -> Generator[Wait, None, Exchange]:
    """Ask for a long reply, and click New Chat when its first piece is there. Returns the exchange that was left behind."""
    recorder = cast.recorder
    yield from turns.send(cast, long=True)
    assert recorder.chat is not None
    old = yield from _first_piece(cast)
    if (yield from turns.sent_again(cast, old)):  # the first attempt failed: what is left is the next one
        old = yield from _first_piece(cast)
    recorder.chat.cut = not old.ended
    recorder.message_ended("the person did not wait", "ok" if old.ended else "cut")
    recorder.leave_chat()
    yield from opening.new_chat(cast)
    return old


def _words_of_its_own(cast: Cast, old: Exchange) -> Steps:
    """Where nothing tells the answers of a connection apart, let some of the old one come while no other is awaited."""
    if "line" not in old.extras or old.reply_key is not None:
        return
    enough, limit = old.chunks + _LATE_PARTS, time.monotonic() + _FIRST_WORDS
    yield Wait(
        lambda: old.ended or old.chunks >= enough or time.monotonic() > limit,
        cast.profile.timeouts.reply,
        turns.no_end(cast, old),
        _FIRST_WORDS / 4,
    )


def _first_piece(cast: Cast) -> Generator[Wait, None, Exchange]:
    """Wait for the first piece of the reply, not for long. Returns its exchange."""
    old = cast.recorder.exchange
    assert old is not None
    patience = time.monotonic() + _FIRST_WORDS
    yield Wait(
        lambda: old.ended or old.chunks > 0 or (old.status or 0) >= 400 or time.monotonic() > patience,
        cast.profile.timeouts.reply,
        turns.no_end(cast, old),
        _FIRST_WORDS / 4,
    )
    return old


def _until_over(cast: Cast, old: Exchange, loads: int) -> Steps:
    """Wait for the end of the old stream, whoever ends it, so that all that could come late has come.

    Also where the page lets it run to its end: the last event may be the one that names the session. A page that was loaded anew,
    since when ``loads`` were counted, has ended it, and the browser tells no end of it.
    """
    limit = time.monotonic() + cast.profile.timeouts.reply
    if not old.ended and old.origin == "page" and cast.recorder.loads > loads:
        yield from opening.quiet(cast)
        old.outcome = old.outcome or "cancelled"
        return
    if not old.ended:
        yield Wait(
            lambda: old.ended or time.monotonic() > limit,
            cast.profile.timeouts.reply + 1,
            turns.no_end(cast, old),
            0.2,
        )
    yield from opening.quiet(cast)
