"""The page is loaded again, or left and come back to."""

from __future__ import annotations

from e2e.capture.scenarios import opening, turns
from e2e.capture.scenarios.lane_context import LaneContext
from e2e.pages.waits import Steps


def reload(context: LaneContext) -> Steps:
    """Reload inside a chat, and once more right after New Chat."""
    yield from opening.new_chat(context)
    yield from turns.message(context)
    yield from opening.reload(context)
    yield from turns.message(context, after="reload")
    context.recorder.end_chat()
    yield from opening.new_chat(context)
    yield from opening.reload(context)
    yield from turns.message(context, after="reload")
    context.recorder.end_chat()


def back_forward(context: LaneContext) -> Steps:
    """Leave the page inside a chat, come back by Back, and go on; then once more, by Forward and Back, right after New Chat."""
    yield from opening.new_chat(context)
    yield from turns.message(context)
    yield from opening.away_and_back(context)
    yield from turns.message(context, after="back")
    context.recorder.end_chat()
    yield from opening.new_chat(context)
    yield from opening.away_and_back(context, forward=True)
    yield from turns.message(context, after="back")
    context.recorder.end_chat()
