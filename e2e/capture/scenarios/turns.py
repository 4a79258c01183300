"""One turn of a conversation: a message and its reply, to the reply's end by the profile's rule."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator
from functools import partial

from e2e.capture.network.wire_rules import Exchange
from e2e.capture.recording.owners import nonce_of
from e2e.capture.scenarios.lane_context import ADVICE, LaneContext, refused, unreadable
from e2e.capture.target.backend_client import Asked
from e2e.errors import Blocked, CaptureIncomplete, HarnessError, MessageLost
from e2e.pages.chat_page import Look
from e2e.pages.waits import Steps, Wait
from e2e.profile.profile import Locate, Profile
from e2e.records.records import After

POLL = 0.015
_PRESS_EVERY = 0.8  # seconds after which a key that did nothing is pressed again
_LOOK_EVERY = 0.2  # seconds between looks for a sign of refusal while a payload is awaited
_RETRY_PATIENCE = 2.5
"""Seconds for a page to send a message again by itself; most wait 1 s or 2 s. Pages that never do are given less."""
_NOTICED = 1.0  # seconds without anything sent, after which a person sees that a page that was loaded has not got the message
_LABEL_PATIENCE = 0.5  # seconds for a label, or a refusal, to appear after everything else has ended

_WHY_REFUSED = (
    "was it for the session ID that was sent? The failed checks tell; else look at the backend's log"
)
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


def message(context: LaneContext, look: Look | None = None, *, after: After = "") -> Steps:
    """Send one message and wait for its reply's end, by the profile's rule. Raises `Blocked` or `CaptureIncomplete`.

    A refusal that says when to come back (``Retry-After``) is waited for once, within the profile's limit.
    """
    try:
        yield from _one_message(context, look, after)
    except Blocked as blocked:
        exchange = context.recorder.exchange
        pause = exchange.retry_after if exchange is not None else None
        if pause is None or pause > context.profile.limits.retry_after:
            raise
        context.pace.pause(pause)
        context.recorder.note("retry", seconds=round(pause, 3), why=blocked.what)
        yield from _one_message(context, None, after)


def _one_message(context: LaneContext, look: Look | None, after: After) -> Steps:
    yield from send(context, look, after)
    while (exchange := context.recorder.exchange) is not None:
        over = yield from _reply(context, exchange)
        if over:
            return


def send(context: LaneContext, look: Look | None = None, after: After = "", *, long: bool = False) -> Steps:
    """Send a message and wait for its payload only; a ``long`` one asks for a reply that takes its time."""
    recorder = context.recorder
    yield from _paced(context)
    text = f"{secrets.choice(_OPENERS)} ({secrets.token_hex(4)})"
    second = recorder.chat is not None and bool(recorder.chat.messages)
    if long and context.profile.steps.long_request:
        text = f"{context.profile.steps.long_request} ({text[-9:-1]})"
    recorder.begin_message(text, after=after)
    context.wire.seek(nonce_of(text))
    left = yield from _type_and_submit(context, text, look, second=second)
    if not left:
        yield from _type_again(context, text, second=second)


def _type_and_submit(
    context: LaneContext, text: str, look: Look | None = None, *, second: bool, again: bool = False
) -> Generator[Wait, None, bool]:
    """Returns whether the message left the page. False where the page was loaded anew, and took it along; not so ``again``."""
    loads = context.recorder.loads
    context.page.write(text, look or context.page.look(context.page.box(second=second)), second=second)
    yield from context.page.submit(second=second)
    return (yield from _left_the_page(context, text, loads, second=second, again=again))


def _type_again(context: LaneContext, text: str, *, second: bool) -> Generator[Wait, None, bool]:
    """In the page that was loaded: its box is empty, which a person notices. A page may also send after the load what it kept."""
    recorder, since = context.recorder, time.monotonic()
    yield from context.page.loaded_again()

    def decided() -> bool:
        idle = time.monotonic() - max(since, recorder.last_signal, context.wire.last_sent)
        recorder.settle_for(context.profile.timeouts.quiet)
        return recorder.exchange is not None or idle >= _NOTICED

    yield Wait(
        decided, context.profile.timeouts.reply, unreadable("the page that was loaded anew"), _LOOK_EVERY
    )
    if recorder.exchange is not None:
        return True
    if nonce_of(text) in (context.page.conversation() or "") or context.page.still_holds(text, second=second):
        return (yield from _left_the_page(context, text, recorder.loads - 1, second=second, again=True))
    recorder.note("typed_again")
    return (yield from _type_and_submit(context, text, second=second, again=True))


def _paced(context: LaneContext) -> Steps:
    """Wait for this message's turn, when the profile limits how many may leave."""
    at = context.pace.book()
    left = at - time.monotonic()
    if left > 0:
        yield Wait(lambda: time.monotonic() >= at, left + 60, unreadable("the clock"), left + 0.002)


def _left_the_page(
    context: LaneContext, text: str, loads: int, *, second: bool, again: bool
) -> Generator[Wait, None, bool]:
    """Wait for the message's payload, or for the page to say that it will not send it. Returns whether it left.

    A page that is not ready yet may ignore the key: as long as the text stands in its box it is pressed again. False: the page
    was loaded anew since, when ``loads`` were counted; where it was typed ``again`` already that is waited for no more.
    """
    recorder = context.recorder
    shown: Blocked | None = None
    looked = pressed = time.monotonic()

    def loaded_anew() -> bool:
        return not again and recorder.loads > loads

    def sent_or_refused() -> bool:
        nonlocal shown, looked, pressed
        now = time.monotonic()
        recorder.settle_for(context.profile.timeouts.quiet)
        if recorder.exchange is None and now - looked >= _LOOK_EVERY:
            shown, looked = context.refusal(), now
            if (
                shown is None
                and now - pressed >= _PRESS_EVERY
                and context.page.still_holds(text, second=second)
            ):
                pressed = now
                context.page.press_again(second=second)
        return recorder.exchange is not None or shown is not None or loaded_anew()

    yield Wait(
        sent_or_refused, context.profile.timeouts.action, _unsent(context, text, loads, second), _LOOK_EVERY
    )
    context.habits.in_the_clear |= recorder.exchange is not None and bool(context.wire.carried)
    if recorder.exchange is not None:
        return True
    if shown is not None:
        raise shown
    return False


def _reply(context: LaneContext, exchange: Exchange) -> Generator[Wait, None, bool]:
    """Wait for the end of the reply. False when the message has got another payload meanwhile: a better one, or a retry."""
    recorder = context.recorder
    deadline = time.monotonic() + context.profile.timeouts.reply
    late = no_end(context, exchange)
    asked = yield from _answered(context, exchange, deadline, late)
    if recorder.exchange is exchange and _may_be_retried(exchange):
        yield from _retry(context, exchange)
    if recorder.exchange is not exchange:
        return False
    if exchange.status is not None and exchange.status >= 400:
        recorder.message_ended("exchange finished", "http_error")
        yield from _not_taken(context, exchange, exchange.status)
        return True
    if not _was_cut(exchange):
        yield from _on_the_screen(context, exchange, deadline, late)
        if recorder.exchange is exchange and _may_be_retried(exchange):  # cut after all
            yield from _retry(context, exchange)
    if recorder.exchange is not exchange:
        return False
    yield from _ended(context, exchange, asked)
    return True


def _answered(
    context: LaneContext, exchange: Exchange, deadline: float, late: Callable[[], HarnessError]
) -> Generator[Wait, None, Asked | None]:
    """Wait for the exchange, as far as the profile's rule does. Returns the backend's look-up that was started meanwhile."""
    recorder = context.recorder

    def replaced() -> bool:
        return recorder.exchange is not exchange

    yield Wait(lambda: exchange.ended or exchange.status is not None or replaced(), _left(deadline), late)
    # Asked while the reply still streams: by its end the answer is here.
    taken = exchange.status is not None and exchange.status < 400 and not replaced()
    asked = context.backend.ask(recorder.sent_id) if context.backend and taken else None
    if context.profile.reply.exchange_finished or not taken:
        yield Wait(lambda: exchange.ended_at is not None or replaced(), _left(deadline), late)
    return asked


def _on_the_screen(
    context: LaneContext, exchange: Exchange, deadline: float, late: Callable[[], HarnessError]
) -> Steps:
    """Wait for the reply's end as a person sees it, and read the label."""
    rule = context.profile.reply
    for what, wanted in ((rule.gone, False), (rule.shown, True)):
        if what is not None:
            until = partial(_is_shown, context, what, wanted)
            yield Wait(until, _left(deadline), late, POLL, asks_page=True)
    if rule.settled is not None:
        yield from _text_settled(context, rule.settled, deadline, late)
    yield from _label(context)
    if rule.exchange_finished:  # its last bytes may still be on their way to us
        yield Wait(lambda: exchange.ended, context.profile.timeouts.action, late)


def _ended(context: LaneContext, exchange: Exchange, asked: Asked | None) -> Steps:
    """The reply is over: say how. Raises `Blocked` where the environment ended it."""
    recorder = context.recorder
    if exchange.refused:
        recorder.message_ended("exchange finished", "failed")
        raise refused(exchange.refused, "the answer is that of a refusal")
    if exchange.said_no and recorder.chats.answered:
        recorder.message_ended("exchange finished", "refused")
        yield from _sign_of_refusal(context)
        if recorder.refused_for_another_tab():
            return
        said = "the chat's backend took no message: its answer says that it failed"
        context.rejected(refused("", said, _WHY_REFUSED))
        return
    if _was_cut(exchange):
        recorder.message_ended("exchange finished", "failed")
        raise Blocked(
            f"the reply was cut: {exchange.error or exchange.outcome}",
            hint="is the backend or the network down?",
        )
    recorder.message_ended(_how(context.profile), "ok")
    if asked is not None:
        no_answer = partial(CaptureIncomplete, "the backend's look-up did not end")
        yield Wait(asked.done, context.profile.timeouts.action, no_answer)
        recorder.backend(*asked.answer())


def _may_be_retried(exchange: Exchange) -> bool:
    """It failed in a way that a page may want to try again: nobody retries at a login wall or a captcha."""
    if exchange.refused not in ("", "rate-limited", "backend-down"):
        return False
    refused_it = (exchange.status or 0) >= 400 or exchange.said_no or exchange.refused != ""
    return refused_it or _was_cut(exchange)


def sent_again(context: LaneContext, exchange: Exchange) -> Generator[Wait, None, bool]:
    """Where this payload failed: wait whether the page sends the message again by itself. Returns whether it did."""
    if context.recorder.exchange is exchange and _may_be_retried(exchange):
        yield from _retry(context, exchange)
    return context.recorder.exchange is not exchange


def _retry(context: LaneContext, exchange: Exchange) -> Steps:
    """Wait until the page sends the message again by itself, as long as this page may take for that.

    A page that was seen to do so is given twice the time that it took; one that let a failure rest, only a quiet time.
    """
    recorder, quiet = context.recorder, context.profile.timeouts.quiet
    began, habit = time.monotonic(), recorder.chats.retries
    patience = habit.patience(exchange, quiet, min(_RETRY_PATIENCE, context.profile.timeouts.reply))

    def decided() -> bool:
        return recorder.exchange is not exchange or time.monotonic() - began >= patience

    if patience > 0:
        yield Wait(
            decided,
            patience + context.profile.timeouts.action,
            unreadable("the page"),
            max(patience / 5, POLL),
        )
    habit.learn(exchange, time.monotonic() - began if recorder.exchange is not exchange else None)


def _not_taken(context: LaneContext, exchange: Exchange, status: int) -> Steps:
    """The backend did not take the message. Raises `Blocked` where that is the environment's doing.

    A message with an ended session's ID, or none, may be answered so while others are taken: then the chat goes on, because
    the ID that it sent is what the run is about. Its verdict says whose fault it is.
    """
    condition = exchange.refused or _condition(status)
    if not condition:
        yield from _sign_of_refusal(context)
    answers = 400 <= status < 500 and condition in ("", "login-wall") and not exchange.refused
    if answers and context.recorder.refused_for_another_tab():
        return  # no environment's doing, and by the policy no fault
    error = refused(condition, f"the chat's backend answered {status}", _advice(status))
    if condition or not 400 <= status < 500 or not context.recorder.chats.answered:
        raise error
    context.rejected(refused("", error.what, _WHY_REFUSED))


def _sign_of_refusal(context: LaneContext) -> Steps:
    """Raises `Blocked` when the page shows one soon."""
    if not any(sign.screen is not None or sign.url is not None for sign in context.profile.blocked):
        return
    shown, began = context.refusal(), time.monotonic()

    def seen() -> bool:
        nonlocal shown
        shown = context.refusal()
        return shown is not None or time.monotonic() - began > _LABEL_PATIENCE

    if shown is None:
        yield Wait(
            seen, context.profile.timeouts.action, unreadable("the page's refusal"), POLL, asks_page=True
        )
    if shown is not None:
        raise shown


def _is_shown(context: LaneContext, what: Locate, wanted: bool) -> bool:
    return context.page.shows(what) is wanted


def _condition(status: int) -> str:
    """The usual meaning of a status, where the profile says none."""
    if status == 429:
        return "rate-limited"
    return "login-wall" if status in (401, 403, 407) else ""


def _was_cut(exchange: Exchange) -> bool:
    """The answer ended before its time. A page that has read enough may well cancel the rest: that is no cut."""
    return exchange.outcome == "failed" or (exchange.outcome == "cancelled" and exchange.chunks == 0)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.2)


def _unsent(context: LaneContext, text: str, loads: int, second: bool) -> Callable[[], HarnessError]:
    """What the wait for a payload raises: the page lost the message, or the suite cannot tell where it is."""

    def unsent() -> HarnessError:
        nonce = nonce_of(text)
        within = f"within {context.profile.timeouts.action:g} s of sending"
        profile = f"[[wire]] of profile {context.profile.name!r}"
        if context.wire.carried:
            return CaptureIncomplete(
                "the message left the page in a request that no wire rule names",
                where=f"{context.recorder.clean(context.wire.carried[0])}; {profile}",
                hint="add it to the profile as a wire rule",
            )
        accepted = context.page.took(text, nonce, second=second)
        if accepted and not (why := _why_not_lost(context, loads)):
            context.recorder.message_lost(accepted)
            number = len(context.recorder.chat.messages) - 1 if context.recorder.chat else 0
            return MessageLost(
                f"message {number} was accepted by the page ({accepted}) and never sent: nothing of it left {within}"
            )
        seen = ", ".join(context.recorder.clean(r) for r in context.wire.recent[-4:]) or "none at all"
        return CaptureIncomplete(
            f"no payload that a wire rule names was seen {within}" + (f" ({why})" if accepted else ""),
            where=f"{profile}; requests seen: {seen}",
            hint="does the wire rule name the chat's request, and was the message really sent?",
        )

    return unsent


def _why_not_lost(context: LaneContext, loads: int) -> str:
    """Why a message that the page took, and that was not seen to leave, may not be called lost; or ``""``."""
    if context.recorder.loads > loads:
        return "the page was loaded anew after it was typed: another page than this one took it"
    rules = [rule for rule in context.wire.exchanges.rules if not rule.received]
    if not context.habits.in_the_clear:
        return "no message of this run was seen to leave as text that can be searched"
    if context.wire.unread:
        return f"the body of {context.recorder.clean(context.wire.unread[0])} could not be searched"
    if all(rule.transport == "websocket" for rule in rules) and not any(
        rule.names_url(url) for rule in rules for url in context.wire.sockets.values()
    ):
        return "the page has no open WebSocket to send it by"
    if context.page.alerts():
        return "the page shows an alert: name it in [[blocked]] if it is a refusal"
    return ""


def no_end(context: LaneContext, exchange: Exchange) -> Callable[[], HarnessError]:
    """What a wait raises when a reply does not end."""

    def no_end() -> HarnessError:
        context.recorder.message_ended("timeout", "timeout")
        said = (
            "no answer at all"
            if exchange.status is None
            else f"status {exchange.status}, {exchange.chunks} chunks"
        )
        return NoReply(
            f"no complete reply within {context.profile.timeouts.reply:g} s ({said})",
            hint="is the backend slow or stuck? (timeouts.reply, or reply in the profile)",
        )

    return no_end


def _how(profile: Profile) -> str:
    """The profile's rule for the end of a reply, in words."""
    rule = profile.reply
    parts = [
        "exchange finished" if rule.exchange_finished else "",
        f"{rule.gone} gone" if rule.gone else "",
        f"{rule.shown} shown" if rule.shown else "",
        f"text settled for {rule.settled:g} s" if rule.settled else "",
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


def _label(context: LaneContext) -> Steps:
    if context.profile.screen.provider is None:
        return
    shown = context.page.look(reads=("provider",)).texts["provider"]
    if not shown:
        began = time.monotonic()

        def appeared() -> bool:
            nonlocal shown
            shown = context.page.look(reads=("provider",)).texts["provider"]
            return bool(shown) or time.monotonic() - began > _LABEL_PATIENCE

        yield Wait(
            appeared,
            context.profile.timeouts.action,
            unreadable("the provider's label"),
            POLL,
            asks_page=True,
        )
    context.recorder.label(shown or None)


def _advice(status: int) -> str:
    return ADVICE.get(_condition(status), "look at the backend's log")
