"""Chats without a message, and older ones that are gone back to."""

from __future__ import annotations

from typing import Any

from e2e.capture.scenarios import opening, turns
from e2e.capture.scenarios.lane_context import Cast
from e2e.pages.waits import Steps
from e2e.profile.profile import Action


def empty_chat(cast: Cast) -> Steps:
    """Click New Chat, send nothing, click it again, and only then send."""
    yield from opening.new_chat(cast)
    yield from opening.quiet(cast)
    cast.recorder.drop_chat()
    yield from opening.new_chat(cast)
    yield from opening.quiet(cast)
    yield from turns.message(cast)
    yield from turns.message(cast)
    cast.recorder.end_chat()


def return_to_chat(cast: Cast) -> Steps:
    """Have two chats, and go on with the first one."""
    recorder = cast.recorder
    yield from opening.new_chat(cast)
    yield from turns.message(cast)
    first, text = recorder.pause_chat(), recorder.last_text
    yield from opening.new_chat(cast)
    yield from turns.message(cast)
    recorder.end_chat()
    yield from go_back_to(cast, text)
    recorder.resume_chat(first)
    yield from opening.quiet(cast)
    yield from turns.message(cast, after="return")
    recorder.end_chat()


def go_back_to(cast: Cast, text: str) -> Steps:
    """Go back to the older chat that began with ``text``."""
    yield from cast.page.run(_named(cast.profile.steps.return_to_chat, text), "steps.return_to_chat")


def _named(actions: tuple[Action, ...], message: str) -> tuple[Action, ...]:
    """The actions with ``{message}`` replaced by the chat's first message."""

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{message}", message)
        if isinstance(value, dict):
            return {key: filled(part) for key, part in value.items()}
        return [filled(part) for part in value] if isinstance(value, list | tuple) else value

    return tuple(
        Action.model_validate(filled(a.model_dump(exclude_none=True, by_alias=True))) for a in actions
    )
