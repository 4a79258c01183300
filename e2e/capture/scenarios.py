"""What the person does in a lane, as generators of waits. Each chat ends in one observation, whatever happens."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from e2e.capture.backend import BackendClient
from e2e.capture.cdp import CdpWire
from e2e.capture.recorder import LaneRecorder
from e2e.capture.wire import Exchange
from e2e.errors import Blocked, CaptureIncomplete, HarnessError
from e2e.pages.chat_page import ChatPage, Look
from e2e.pages.waits import Steps, Wait
from fixtures.targets.profile import Profile

_POLL = 0.015
_LABEL_PATIENCE = 0.5  # seconds for a label to appear after everything else has ended

_OPENERS = (
    "Hello there",
    "Good morning",
    "A short question",
    "Could you help me",
    "Just checking in",
    "One more thing",
)


class NoReply(Blocked):
    """The reply did not end in the profile's time."""


@dataclass(slots=True)
class Cast:
    """Everything that acts in a lane."""

    profile: Profile
    page: ChatPage
    recorder: LaneRecorder
    wire: CdpWire
    backend: BackendClient | None
    waits_for_rotation: bool = True
    """False when writes to the store are not watched: the benchmark without capture."""


def new_chat(cast: Cast) -> Steps:
    """Click New Chat and let the page do what it does, until the session has rotated or everything is quiet."""
    recorder, timeouts = cast.recorder, cast.profile.timeouts
    look = cast.page.look("new_chat", stored=True)
    recorder.stored_now(look.stored)
    clicks = recorder.clicks
    recorder.expect_new_chat()
    yield from cast.page.new_chat(look)

    def not_hit() -> HarnessError:
        return CaptureIncomplete(
            "the click on New Chat did not reach it",
            where="steps.new_chat",
            way_out="is the button covered or replaced at the click?",
        )

    yield Wait(lambda: recorder.clicks > clicks, timeouts.action, not_hit)
    yield from _settled(cast)


def _settled(cast: Cast) -> Steps:
    """Wait for the rotation, or for a quiet time without any: no request under way, no signal."""
    recorder, wire, quiet = cast.recorder, cast.wire, cast.profile.timeouts.quiet
    since = time.monotonic()

    def over() -> bool:
        if recorder.rotated:
            return True
        idle = time.monotonic() - max(since, recorder.last_signal)
        return not wire.in_flight and idle >= quiet

    def never() -> HarnessError:
        return CaptureIncomplete(
            f"requests went on for {cast.profile.timeouts.reply:g} s after New Chat",
            way_out="raise timeouts.reply, or is the target slow?",
        )

    if cast.waits_for_rotation:
        yield Wait(over, cast.profile.timeouts.reply, never, quiet / 5)


def first_message(cast: Cast) -> Steps:
    """Look what the new chat shows before anything is sent, then send its first message."""
    look = cast.page.look("message_box", reads=("messages",))
    seen = look.counts.get("messages")
    if seen:
        began = time.monotonic()

        def cleared() -> bool:
            nonlocal seen, look
            look = cast.page.look("message_box", reads=("messages",))
            seen = look.counts["messages"]
            return seen == 0 or time.monotonic() - began > cast.profile.timeouts.quiet * 2

        yield Wait(
            cleared, cast.profile.timeouts.action, _unreadable("the conversation"), _POLL, asks_page=True
        )
    if seen is not None:
        cast.recorder.screen(seen)
    yield from message(cast, look)


def message(cast: Cast, look: Look | None = None, *, after_reload: bool = False) -> Steps:
    """Send one message and wait for its reply's end, by the profile's rule. Raises `Blocked` or `CaptureIncomplete`."""
    recorder = cast.recorder
    text = f"{secrets.choice(_OPENERS)} ({secrets.token_hex(4)})"
    recorder.begin_message(text, after_reload=after_reload)
    cast.page.write(text, look or cast.page.look("message_box"))
    yield from cast.page.submit()
    yield Wait(lambda: recorder.exchange is not None, cast.profile.timeouts.action, _unsent(cast))
    assert recorder.exchange is not None
    yield from _reply(cast, recorder.exchange)


def _reply(cast: Cast, exchange: Exchange) -> Steps:
    recorder, timeouts, rule = cast.recorder, cast.profile.timeouts, cast.profile.reply
    deadline = time.monotonic() + timeouts.reply
    late = _no_end(cast, exchange)
    yield Wait(lambda: exchange.ended or exchange.status is not None, timeouts.reply, late)
    # Asked while the reply still streams: by its end the answer is here.
    asked = (
        cast.backend.ask(recorder.sent_id)
        if cast.backend and exchange.status and exchange.status < 400
        else None
    )
    if rule.exchange_finished or exchange.status is None or exchange.status >= 400:
        yield Wait(lambda: exchange.ended_at is not None, _left(deadline), late)
    if exchange.status is not None and exchange.status >= 400:
        recorder.message_ended("exchange finished", "http_error")
        raise Blocked(f"the chat's backend answered {exchange.status}", way_out=_advice(exchange.status))
    if not _was_cut(exchange):
        if rule.gone is not None:
            gone = rule.gone
            yield Wait(lambda: cast.page.gone(gone), _left(deadline), late, _POLL, asks_page=True)
        if rule.settled is not None:
            yield from _text_settled(cast, rule.settled, deadline, late)
        yield from _label(cast)
        if rule.exchange_finished:  # its last bytes may still be on their way to us
            yield Wait(lambda: exchange.ended, timeouts.action, late)
    if _was_cut(exchange):
        recorder.message_ended("exchange finished", "failed")
        raise Blocked(
            f"the reply was cut: {exchange.error or exchange.outcome}",
            way_out="is the backend or the network down?",
        )
    recorder.message_ended(_how(cast.profile), "ok")
    if asked is not None:
        yield Wait(
            asked.done, timeouts.action, lambda: CaptureIncomplete("the backend's look-up did not end")
        )
        recorder.backend(*asked.answer())


def _was_cut(exchange: Exchange) -> bool:
    """The answer ended before its time. A page that has read enough may well cancel the rest: that is no cut."""
    return exchange.outcome == "failed" or (exchange.outcome == "cancelled" and exchange.chunks == 0)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.2)


def _unsent(cast: Cast) -> Callable[[], HarnessError]:
    def unsent() -> HarnessError:
        seen = ", ".join(cast.recorder.clean(r) for r in cast.wire.recent[-4:]) or "none at all"
        return CaptureIncomplete(
            f"no payload that a wire rule names was seen within {cast.profile.timeouts.action:g} s of sending",
            where=f"[[wire]] of profile {cast.profile.name!r}; requests seen: {seen}",
            way_out="does the wire rule name the chat's request, and was the message really sent?",
        )

    return unsent


def _no_end(cast: Cast, exchange: Exchange) -> Callable[[], HarnessError]:
    def no_end() -> HarnessError:
        cast.recorder.message_ended("timeout", "timeout")
        said = (
            "no answer at all"
            if exchange.status is None
            else f"status {exchange.status}, {exchange.chunks} chunks"
        )
        return NoReply(
            f"no complete reply within {cast.profile.timeouts.reply:g} s ({said})",
            way_out="is the backend slow or stuck? (timeouts.reply, or reply in the profile)",
        )

    return no_end


def _how(profile: Profile) -> str:
    """The profile's rule for the end of a reply, in words."""
    rule = profile.reply
    parts = [
        "exchange finished" if rule.exchange_finished else "",
        f"{rule.gone} gone" if rule.gone else "",
        f"text settled for {rule.settled:g} s" if rule.settled else "",
    ]
    return ", ".join(p for p in parts if p)


def _text_settled(cast: Cast, seconds: float, deadline: float, late: Callable[[], HarnessError]) -> Steps:
    last: tuple[str | None, float] = (None, time.monotonic())

    def settled() -> bool:
        nonlocal last
        text = cast.page.look(reads=("messages",)).texts.get("messages")
        if text != last[0]:
            last = (text, time.monotonic())
        return time.monotonic() - last[1] >= seconds

    yield Wait(settled, _left(deadline) + seconds, late, min(seconds / 4, 0.1), asks_page=True)


def _label(cast: Cast) -> Steps:
    if cast.profile.screen.provider is None:
        return
    shown = cast.page.look(reads=("provider",)).texts["provider"]
    if not shown:
        began = time.monotonic()

        def appeared() -> bool:
            nonlocal shown
            shown = cast.page.look(reads=("provider",)).texts["provider"]
            return bool(shown) or time.monotonic() - began > _LABEL_PATIENCE

        yield Wait(
            appeared, cast.profile.timeouts.action, _unreadable("the provider's label"), _POLL, asks_page=True
        )
    cast.recorder.label(shown or None)


def _unreadable(what: str) -> Callable[[], HarnessError]:
    return lambda: CaptureIncomplete(f"{what} could not be read")


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
    yield from _settled(cast)


def _advice(status: int) -> str:
    if status == 429:
        return "the target limits requests: fewer lanes or chats, or a longer pause"
    if status in (401, 403):
        return "the target wants a login"
    return "look at the backend's log"
