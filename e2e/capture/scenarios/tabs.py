"""Two tabs of one browser: New Chat in one of them while the other is in the middle of a chat, in both directions."""

from __future__ import annotations

from e2e.capture.scenarios import opening, turns
from e2e.capture.scenarios.lane_context import LaneContext
from e2e.pages.waits import Steps


def two_tabs(context: LaneContext) -> Steps:
    """A chat here, New Chat there, a message here; then New Chat here, a message there."""
    yield from opening.new_chat(context)
    yield from turns.message(context)
    other = context.open_tab()
    try:
        other.recorder.begin_chat("load")
        yield from opening.open_page(other)
        yield from opening.quiet(other)
        yield from turns.message(other)
        other.recorder.end_chat()
        yield from _one_way(there=other, here=context)
        yield from _one_way(there=context, here=other)
        context.recorder.end_chat()
    finally:
        other.recorder.end_chat("lost", "its tab was closed")
        other.close()


def _one_way(*, there: LaneContext, here: LaneContext) -> Steps:
    """New Chat and a message ``there``, then the chat that is under way ``here`` goes on and ends."""
    yield from opening.new_chat(there)
    yield from turns.message(there)
    yield from turns.message(here, after="other-tab")
    here.recorder.end_chat()
