"""A message that the backend did not take: the environment's doing, or part of the run."""

from __future__ import annotations

import time

from e2e.capture.network.exchange import Exchange
from e2e.capture.scenarios.lane_context import ADVICE, LaneContext, refused, unreadable
from e2e.capture.scenarios.sending import POLL
from e2e.pages.waits import Steps, Wait

LABEL_WAIT_S = 0.5  # seconds for a label, or a refusal, to appear after everything else has ended
WHY_REFUSED = (
    "was it for the session ID that was sent? The failed checks show it; else look at the backend's log"
)


def not_taken(context: LaneContext, exchange: Exchange, status: int) -> Steps:
    """The backend did not take the message. Raises `Blocked` where that is the environment's doing.

    A message with an ended session's ID, or none, may be answered so while others are taken: then the chat goes on, because
    the ID that it sent is what the run is about. Its verdict says whose fault it is.
    """
    condition = exchange.refused or _condition(status)
    if not condition:
        yield from sign_of_refusal(context)
    answers = 400 <= status < 500 and condition in ("", "login-wall") and not exchange.refused
    if answers and context.recorder.refused_for_another_tab():
        return  # no environment's doing, and by the policy no fault
    error = refused(condition, f"the chat's backend answered {status}", _advice(status))
    if condition or not 400 <= status < 500 or not context.recorder.chats.answered:
        raise error
    context.rejected(refused("", error.what, WHY_REFUSED))


def sign_of_refusal(context: LaneContext) -> Steps:
    """Raises `Blocked` when the page shows one soon."""
    if not any(sign.screen is not None or sign.url is not None for sign in context.profile.blocked):
        return
    shown, began = context.refusal(), time.monotonic()

    def seen() -> bool:
        nonlocal shown
        shown = context.refusal()
        return shown is not None or time.monotonic() - began > LABEL_WAIT_S

    if shown is None:
        yield Wait(
            seen, context.profile.timeouts.action, unreadable("the page's refusal"), POLL, asks_page=True
        )
    if shown is not None:
        raise shown


def _condition(status: int) -> str:
    """The usual meaning of a status, where the profile says none."""
    if status == 429:
        return "rate-limited"
    return "login-wall" if status in (401, 403, 407) else ""


def _advice(status: int) -> str:
    return ADVICE.get(_condition(status), "look at the backend's log")
