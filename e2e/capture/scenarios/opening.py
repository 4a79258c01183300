"""New Chat, and what a person sees of the chat that it begins."""

from __future__ import annotations

import time

from e2e.capture.scenarios.cast import Cast, unreadable
from e2e.capture.scenarios.turns import POLL, message
from e2e.errors import CaptureIncomplete, HarnessError
from e2e.pages.waits import Steps, Wait


def new_chat(cast: Cast, *, settle: bool = True, clicks: int = 1) -> Steps:
    """Click New Chat and let the page do what it does, until the session has rotated or everything is quiet.

    Without ``settle`` nothing is waited for but the click itself; ``clicks`` = 2 is a double click.
    """
    recorder, timeouts = cast.recorder, cast.profile.timeouts
    look = cast.page.look("new_chat", stored=True)
    recorder.store.look(look.stored)
    before = recorder.clicks
    yield from cast.page.new_chat(look, recorder.expect_new_chat, clicks)

    def not_hit() -> HarnessError:
        return CaptureIncomplete(
            "the click on New Chat did not reach it",
            where="steps.new_chat",
            way_out="is the button covered or replaced at the click?",
        )

    yield Wait(lambda: recorder.clicks > before, timeouts.action, not_hit)
    if settle:
        yield from settled(cast)


def settled(cast: Cast) -> Steps:
    """Wait for the rotation, or for a quiet time without any: no request under way, nothing sent, no signal."""
    recorder, wire, timeouts = cast.recorder, cast.wire, cast.profile.timeouts
    since = time.monotonic()

    def over() -> bool:
        if recorder.store.rotated and cast.waits_for_rotation:
            return True
        now = time.monotonic()
        busy = any(began >= since - timeouts.quiet for began in wire.in_flight.values())
        if busy and now - since < timeouts.reply:
            return False
        idle = now - max(since, recorder.last_signal, wire.last_sent)
        return (
            idle >= timeouts.quiet or now - since > timeouts.action
        )  # a page that never rests is no reason to stop

    if cast.watches:
        yield Wait(
            over, timeouts.reply + timeouts.action, unreadable("the page after New Chat"), timeouts.quiet / 5
        )


def quiet(cast: Cast) -> Steps:
    """Wait until everything has been quiet for a moment, whether the session has rotated or not."""
    waits, cast.waits_for_rotation = cast.waits_for_rotation, False
    try:
        yield from settled(cast)
    finally:
        cast.waits_for_rotation = waits


def first_message(cast: Cast) -> Steps:
    """Look what the new chat shows before anything is sent, then send its first message."""
    mark = cast.page.box()
    look = cast.page.look(mark, reads=("messages",))
    seen = look.counts.get("messages")
    if seen:
        began = time.monotonic()

        def cleared() -> bool:
            nonlocal seen, look
            look = cast.page.look(mark, reads=("messages",))
            seen = look.counts["messages"]
            return seen == 0 or time.monotonic() - began > cast.profile.timeouts.quiet * 2

        yield Wait(
            cleared, cast.profile.timeouts.action, unreadable("the conversation"), POLL, asks_page=True
        )
    if seen is not None:
        cast.recorder.screen(seen)
    yield from message(cast, look)


def reload(cast: Cast) -> Steps:
    """Reload the page inside the chat."""
    loads = cast.recorder.loads
    cast.recorder.note("reload")
    yield from cast.page.reload()
    yield Wait(
        lambda: cast.recorder.loads > loads,
        cast.profile.timeouts.ready,
        lambda: CaptureIncomplete("the reloaded page never told that it started"),
    )
    yield from settled(cast)


def away_and_back(cast: Cast, *, forward: bool = False) -> Steps:
    """Go to another page in the same tab (``forward``: by the browser's Forward), and come back with its Back button."""
    recorder = cast.recorder
    recorder.note("away")
    if forward:
        cast.page.go_forward()
    else:
        cast.page.leave()
    loads, restores = recorder.loads, recorder.restores
    yield from cast.page.go_back()
    yield Wait(
        lambda: recorder.loads + recorder.restores > loads + restores,
        cast.profile.timeouts.ready,
        lambda: CaptureIncomplete("the page that was gone back to never told that it was there"),
    )
    recorder.note("back", restored=recorder.restores > restores)
    if recorder.restores > restores:
        cast.wire.look_again()
    yield from quiet(cast)
