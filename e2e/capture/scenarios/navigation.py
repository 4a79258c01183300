"""The page is loaded again, or left and come back to."""

from __future__ import annotations

from e2e.capture.scenarios import opening, turns
from e2e.capture.scenarios.lane_context import Cast
from e2e.pages.waits import Steps


def reload(cast: Cast) -> Steps:
    """Reload inside a chat, and once more right after New Chat."""
    yield from opening.new_chat(cast)
    yield from turns.message(cast)
    yield from opening.reload(cast)
    yield from turns.message(cast, after="reload")
    cast.recorder.end_chat()
    yield from opening.new_chat(cast)
    yield from opening.reload(cast)
    yield from turns.message(cast, after="reload")
    cast.recorder.end_chat()


def back_forward(cast: Cast) -> Steps:
    """Leave the page inside a chat, come back by Back, and go on; then once more, by Forward and Back, right after New Chat."""
    yield from opening.new_chat(cast)
    yield from turns.message(cast)
    yield from opening.away_and_back(cast)
    yield from turns.message(cast, after="back")
    cast.recorder.end_chat()
    yield from opening.new_chat(cast)
    yield from opening.away_and_back(cast, forward=True)
    yield from turns.message(cast, after="back")
    cast.recorder.end_chat()
