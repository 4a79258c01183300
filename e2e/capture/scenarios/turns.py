"""One turn of a conversation: a message and its reply, to the reply's end by the profile's rule."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from functools import partial

from e2e.capture.network.bodies.event_reader import MOST_OF_ONE_VALUE
from e2e.capture.network.exchange import Exchange
from e2e.capture.scenarios.lane_context import LaneContext, refused, unreadable
from e2e.capture.scenarios.refusals import LABEL_WAIT_S, WHY_REFUSED, not_taken, sign_of_refusal
from e2e.capture.scenarios.sending import POLL, send
from e2e.capture.target.backend_client import PendingAnswer
from e2e.errors import Blocked, CaptureIncomplete, HarnessError
from e2e.pages.chat_page import Look, Readable
from e2e.pages.waits import Steps, Wait, pause
from e2e.profile.profile import Locate, Profile
from e2e.records.records import After

_LONGEST_RETRY_WAIT = 2.5
"""Seconds for a page to send a message again by itself; most wait 1 s or 2 s. Pages that never do get less."""


TOO_LONG = f"a value of the reply is longer than {MOST_OF_ONE_VALUE >> 20} MB, and was not read"


class NoReply(Blocked):
    """The reply did not end in the profile's time."""


def message(context: LaneContext, look: Look | None = None, *, after: After = "", text: str = "") -> Steps:
    """Send one message and wait for its reply's end, by the profile's rule. Raises `Blocked` or `CaptureIncomplete`.

    ``text`` is what it says; by default something harmless.

    A refusal that says when to come back (``Retry-After``) is waited for once, within the profile's limit.
    """
    try:
        yield from _one_message(context, look, after, text)
    except NoReply:
        yield from context.page.answering()  # one that answers nothing shows no reply, whatever its backend does
        raise
    except Blocked as blocked:
        exchange = context.recorder.exchange
        pause = exchange.retry_after if exchange is not None else None
        if pause is None or pause > context.profile.limits.retry_after:
            raise
        context.pace.pause(pause)
        context.recorder.note("retry", seconds=round(pause, 3), why=blocked.what)
        yield from _one_message(context, None, after, text)


def _one_message(context: LaneContext, look: Look | None, after: After, text: str) -> Steps:
    yield from send(context, look, after, text=text)
    while (exchange := context.recorder.exchange) is not None:
        over = yield from _reply(context, exchange)
        if over:
            return


def _reply(context: LaneContext, exchange: Exchange) -> Generator[Wait, None, bool]:
    """Wait for the end of the reply. False when the message has got another payload meanwhile: a better one, or a retry."""
    recorder = context.recorder
    deadline = time.monotonic() + context.profile.timeouts.reply
    late = no_end(context, exchange)
    pending = yield from _answered(context, exchange, deadline, late)
    if recorder.exchange is exchange and _may_be_retried(exchange):
        yield from _retry(context, exchange)
    if recorder.exchange is not exchange:
        return False
    if exchange.status is not None and exchange.status >= 400:
        recorder.message_ended("exchange finished", "http_error")
        yield from not_taken(context, exchange, exchange.status)
        return True
    if exchange.too_long and exchange.ended_at is None:
        raise _too_long(context)
    if not _was_cut(exchange):
        yield from _on_the_screen(context, exchange, deadline, late)
        if recorder.exchange is exchange and _may_be_retried(exchange):  # cut after all
            yield from _retry(context, exchange)
    if recorder.exchange is not exchange:
        return False
    yield from _ended(context, exchange, pending)
    return True


def _answered(
    context: LaneContext, exchange: Exchange, deadline: float, late: Callable[[], HarnessError]
) -> Generator[Wait, None, PendingAnswer | None]:
    """Wait for the exchange, as far as the profile's rule does. Returns the backend's look-up that was started meanwhile."""
    recorder = context.recorder

    def replaced() -> bool:
        return recorder.exchange is not exchange

    yield Wait(lambda: exchange.ended or exchange.status is not None or replaced(), _left(deadline), late)
    # Asked while the reply still streams: by its end the answer is here.
    taken = exchange.status is not None and exchange.status < 400 and not replaced()
    pending = context.backend.ask(recorder.sent_id) if context.backend and taken else None
    if context.profile.reply.exchange_finished or not taken:
        yield Wait(
            lambda: exchange.ended_at is not None or exchange.too_long or replaced(), _left(deadline), late
        )
    return pending


def _on_the_screen(
    context: LaneContext, exchange: Exchange, deadline: float, late: Callable[[], HarnessError]
) -> Steps:
    """Wait for the reply's end as a user sees it, and read the label."""
    rule, look = context.profile.reply, None
    for what, wanted in ((rule.gone, False), (rule.shown, True)):
        if what is not None:
            look = yield from _until_shown(context, what, wanted, deadline, late)
    if rule.text_stable_for is not None:
        yield from _text_settled(context, rule.text_stable_for, deadline, late)
        look = None
    yield from _label(context, look)
    if rule.exchange_finished:  # its last bytes may still be on their way to us
        yield Wait(lambda: exchange.ended, context.profile.timeouts.action, late)


def _ended(context: LaneContext, exchange: Exchange, pending: PendingAnswer | None) -> Steps:
    """The reply is over: say how. Raises `Blocked` where the environment ended it."""
    recorder = context.recorder
    if exchange.refused:
        recorder.message_ended("exchange finished", "failed")
        raise refused(exchange.refused, "the answer is that of a refusal")
    if exchange.reports_failure and recorder.chats.answered:
        recorder.message_ended("exchange finished", "refused")
        yield from sign_of_refusal(context)
        if recorder.refused_for_another_tab():
            return
        what = "the chat's backend did not accept the message: its reply reports a failure"
        context.rejected(refused("", what, WHY_REFUSED))
        return
    if _was_cut(exchange):
        recorder.message_ended("exchange finished", "failed")
        raise Blocked(
            f"the reply was cut: {exchange.error or exchange.outcome}",
            hint="is the backend or the network down?",
        )
    if exchange.too_long:
        raise _too_long(context)
    recorder.message_ended(_how(context.profile), "ok")
    if pending is not None:
        no_answer = partial(CaptureIncomplete, "the backend's look-up did not end")
        yield Wait(pending.done, context.profile.timeouts.action, no_answer)
        recorder.backend(*pending.answer())


def _too_long(context: LaneContext) -> CaptureIncomplete:
    context.page.stop_loading()  # or the rest of it comes through the driver before anything else does
    context.recorder.message_ended("exchange finished", "failed")
    return CaptureIncomplete(TOO_LONG, hint="the suite cannot judge what it has not read")


def _may_be_retried(exchange: Exchange) -> bool:
    """It failed in a way that a page may want to try again: no page retries at a login wall or a captcha."""
    if exchange.refused not in ("", "rate-limited", "backend-down"):
        return False
    refused_it = (exchange.status or 0) >= 400 or exchange.reports_failure or exchange.refused != ""
    return refused_it or _was_cut(exchange)


def sent_again(context: LaneContext, exchange: Exchange) -> Generator[Wait, None, bool]:
    """Where this payload failed: wait whether the page sends the message again by itself. Returns whether it did."""
    if context.recorder.exchange is exchange and _may_be_retried(exchange):
        yield from _retry(context, exchange)
    return context.recorder.exchange is not exchange


def _retry(context: LaneContext, exchange: Exchange) -> Steps:
    """Wait until the page sends the message again by itself, as long as this page may take for that.

    A page that was seen to do so gets twice the time that it took; one that never retried, only a quiet time.
    """
    recorder, quiet = context.recorder, context.profile.timeouts.idle
    began, habit = time.monotonic(), recorder.chats.retries
    longest = habit.longest_wait(exchange, quiet, min(_LONGEST_RETRY_WAIT, context.profile.timeouts.reply))

    def decided() -> bool:
        return recorder.exchange is not exchange or time.monotonic() - began >= longest

    if longest > 0:
        yield Wait(
            decided,
            longest + context.profile.timeouts.action,
            unreadable("the page"),
            max(longest / 5, POLL),
        )
    habit.learn(exchange, time.monotonic() - began if recorder.exchange is not exchange else None)


def _until_shown(
    context: LaneContext, what: Locate, wanted: bool, deadline: float, late: Callable[[], HarnessError]
) -> Generator[Wait, None, Look]:
    """Wait until it is on the screen, or not. Returns what else was seen then: the label."""
    reads: tuple[Readable, ...] = ("provider",) if context.profile.screen.provider is not None else ()
    until = time.monotonic() + _left(deadline)
    while True:
        look = yield from context.page.looking(reads=reads, shows=what)
        if look.shown is wanted:
            return look
        if time.monotonic() + POLL > until:
            raise late()
        yield from pause(POLL)


def _was_cut(exchange: Exchange) -> bool:
    """The answer ended before its time. A page that has read enough may well cancel the rest: that is no cut."""
    return exchange.outcome == "failed" or (exchange.outcome == "cancelled" and exchange.chunks == 0)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.2)


def no_end(context: LaneContext, exchange: Exchange) -> Callable[[], HarnessError]:
    """What a wait raises when a reply does not end."""

    def no_end() -> HarnessError:
        context.recorder.message_ended("timeout", "timeout")
        seen = (
            "no answer at all"
            if exchange.status is None
            else f"status {exchange.status}, {exchange.chunks} chunks"
            + (f"; {TOO_LONG}" if exchange.too_long else "")
        )
        return NoReply(
            f"no complete reply within {context.profile.timeouts.reply:g} s ({seen})",
            hint="is the backend slow or stuck? (timeouts.reply; done in the wire rule, or reply in the profile)",
        )

    return no_end


def _how(profile: Profile) -> str:
    """The profile's rule for the end of a reply, in words."""
    rule = profile.reply
    parts = [
        "exchange finished" if rule.exchange_finished else "",
        f"{rule.gone} gone" if rule.gone else "",
        f"{rule.shown} shown" if rule.shown else "",
        f"text settled for {rule.text_stable_for:g} s" if rule.text_stable_for else "",
    ]
    return ", ".join(p for p in parts if p)


def _text_settled(
    context: LaneContext, seconds: float, deadline: float, late: Callable[[], HarnessError]
) -> Steps:
    last: tuple[str | None, float] = (None, time.monotonic())

    def settled() -> bool:
        nonlocal last
        text = context.page.look(reads=("messages",)).texts.get("messages")
        if text != last[0]:
            last = (text, time.monotonic())
        return time.monotonic() - last[1] >= seconds

    yield Wait(settled, _left(deadline) + seconds, late, min(seconds / 4, 0.1), asks_page=True)


def _label(context: LaneContext, look: Look | None) -> Steps:
    """Read the provider's label; ``look`` saw it at the reply's end."""
    if context.profile.screen.provider is None:
        return
    if look is None:
        look = yield from context.page.looking(reads=("provider",))
    shown = look.texts["provider"]
    if not shown:
        began = time.monotonic()

        def appeared() -> bool:
            nonlocal shown
            shown = context.page.look(reads=("provider",)).texts["provider"]
            return bool(shown) or time.monotonic() - began > LABEL_WAIT_S

        yield Wait(
            appeared,
            context.profile.timeouts.action,
            unreadable("the provider's label"),
            POLL,
            asks_page=True,
        )
    context.recorder.label(shown or None)
