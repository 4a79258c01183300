"""Sending one message: typed, submitted, and seen to leave the page."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator

from e2e.capture.recording.owners import nonce_of
from e2e.capture.scenarios.lane_context import LaneContext, unreadable
from e2e.errors import Blocked, CaptureIncomplete, HarnessError, MessageLost
from e2e.pages.chat_page import Look
from e2e.pages.waits import Steps, Wait
from e2e.records.records import After

POLL = 0.015
_PRESS_EVERY = 0.8  # seconds after which a key that did nothing is pressed again
_LOOK_EVERY = 0.2  # seconds between looks for a sign of refusal while a payload is awaited
_NOTICED = 1.0  # seconds without anything sent, after which a user sees that a page that was loaded has not got the message
_OPENERS = (
    "Hello there",
    "Good morning",
    "A short question",
    "Could you help me",
    "Just checking in",
    "One more thing",
)


def send(
    context: LaneContext, look: Look | None = None, after: After = "", *, long: bool = False, text: str = ""
) -> Steps:
    """Send a message and wait for its payload only; a ``long`` one requests a long reply, ``text`` is what one is to say."""
    recorder = context.recorder
    yield from _paced(context)
    text = f"{text or secrets.choice(_OPENERS)} ({secrets.token_hex(4)})"
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
    if look is None:
        look = yield from context.page.looking(context.page.box(second=second))
    yield from context.page.send(text, look, second=second)
    return (yield from _left_the_page(context, text, loads, second=second, again=again))


def _type_again(context: LaneContext, text: str, *, second: bool) -> Generator[Wait, None, bool]:
    """In the page that was loaded: its box is empty, which a user notices. A page may also send after the load what it kept."""
    recorder, since = context.recorder, time.monotonic()
    yield from context.page.loaded_again()

    def decided() -> bool:
        idle = time.monotonic() - max(since, recorder.last_signal, context.wire.last_sent)
        recorder.settle_for(context.profile.timeouts.idle)
        return recorder.exchange is not None or idle >= _NOTICED

    yield Wait(
        decided, context.profile.timeouts.reply, unreadable("the page that was loaded anew"), _LOOK_EVERY
    )
    if recorder.exchange is not None:
        return True
    if nonce_of(text) in (context.page.conversation() or "") or context.page.still_holds(text, second=second):
        return (yield from _left_the_page(context, text, recorder.loads - 1, second=second, again=True))
    recorder.note("typed_again")
    if (
        context.windows()
    ):  # they take what is typed: the text was lost in 3 of 40 runs of the chaos fault `page-popups`
        yield from context.page.to_front()
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

    A page that is not ready yet may ignore the key: as long as the text is in its box it is pressed again. False: the page
    was loaded anew since, when ``loads`` were counted, or the text never arrived in the box; where it was typed ``again``
    already that is waited for no more.
    """
    recorder = context.recorder
    shown: Blocked | None = None
    missed = False
    looked = pressed = time.monotonic()

    def loaded_anew() -> bool:
        return not again and recorder.loads > loads

    def sent_or_refused() -> bool:
        nonlocal shown, looked, pressed, missed
        now = time.monotonic()
        recorder.settle_for(context.profile.timeouts.idle)
        if recorder.exchange is None and now - looked >= _LOOK_EVERY:
            shown, looked = context.refusal(), now
            if shown is None and now - pressed >= _PRESS_EVERY:
                if context.page.still_holds(text, second=second):
                    pressed = now
                    context.page.press_again(second=second)
                elif not again:  # a user sees the empty box and types again
                    missed = context.page.arrived(text, second=second) is False
        return recorder.exchange is not None or shown is not None or missed or loaded_anew()

    yield Wait(
        sent_or_refused, context.profile.timeouts.action, _unsent(context, text, loads, second), _LOOK_EVERY
    )
    context.habits.in_the_clear |= recorder.exchange is not None and bool(context.wire.carried)
    if recorder.exchange is not None:
        return True
    if shown is not None:
        raise shown
    return False


def _unsent(context: LaneContext, text: str, loads: int, second: bool) -> Callable[[], HarnessError]:
    """What the wait for a payload raises: the page lost the message, or the suite cannot know where it is."""

    def unsent() -> HarnessError:
        nonce = nonce_of(text)
        within = f"within {context.profile.timeouts.action:g} s of sending"
        profile = f"[[wire]] of profile {context.profile.name!r}"
        in_vain = context.recorder.clean(str(context.wire.unmatched), limit=600)
        if context.wire.carried and context.wire.unmatched.has(context.wire.carried[0]):
            return CaptureIncomplete(
                "the message left the page at the URL of a wire rule that did not accept it",
                where=f"{profile}; {in_vain}",
                hint="compare framing and when of the rule with what is shown",
            )
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
        if context.page.arrived(text, second=second) is False:
            windows = context.windows()
            return CaptureIncomplete(
                "the text was typed and never arrived in the message box"
                + (f": the page opened {windows} windows, which take what is typed" if windows else ""),
                where=f"steps.message_box of profile {context.profile.name!r}",
                hint="is the box covered or replaced, or does the page move the focus while it is typed?",
            )
        seen = ", ".join(context.recorder.clean(r) for r in context.wire.recent[-4:]) or "none at all"
        return CaptureIncomplete(
            f"no payload that a wire rule names was seen {within}" + (f" ({why})" if accepted else ""),
            where=f"{profile}; requests seen: {seen}" + (f"; {in_vain}" if in_vain else ""),
            hint="does the wire rule name the chat's request, and was the message really sent?",
        )

    return unsent


def _why_not_lost(context: LaneContext, loads: int) -> str:
    """Why a message that the page took, and that was not seen to leave, may not be called lost; or ``""``."""
    if context.recorder.loads > loads:
        return "the page was loaded anew after it was typed: another page than this one took it"
    if context.wire.blind:
        beside = context.recorder.clean(context.wire.blind[0])
        return f"{beside} runs beside the page, and what it sends cannot be seen by this source of the wire"
    rules = [rule for rule in context.wire.exchanges.rules if not rule.received]
    if all(rule.transport == "websocket" for rule in rules) and not any(
        rule.names_url(url) for rule in rules for url in context.wire.sockets.values()
    ):
        return "the page has no open WebSocket to send it by"
    if not context.habits.in_the_clear:
        failed = "".join(f"; {context.recorder.clean(one)}" for one in context.wire.failures[-1:])
        return f"no message of this run was seen to leave as text that can be searched{failed}"
    if context.wire.unread:
        return f"the body of {context.recorder.clean(context.wire.unread[0])} could not be searched"
    if context.page.alerts():
        return "the page shows an alert: name it in [[blocked]] if it is a refusal"
    return ""
