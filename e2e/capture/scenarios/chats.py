"""Chats without a message, and older ones that are gone back to."""

from __future__ import annotations

from typing import Any

from e2e.capture.scenarios import opening, turns
from e2e.capture.scenarios.lane_context import LaneContext
from e2e.pages.waits import Steps
from e2e.profile.profile import Action


def empty_chat(context: LaneContext) -> Steps:
    """Click New Chat, send nothing, click it again, and only then send."""
    yield from opening.new_chat(context)
    yield from opening.quiet(context)
    context.recorder.drop_chat()
    yield from opening.new_chat(context)
    yield from opening.quiet(context)
    yield from turns.message(context)
    yield from turns.message(context)
    context.recorder.end_chat()


def return_to_chat(context: LaneContext) -> Steps:
    """Have two chats, and go on with the first one."""
    recorder = context.recorder
    yield from opening.new_chat(context)
    yield from turns.message(context)
    first, text = recorder.pause_chat(), recorder.last_text
    yield from opening.new_chat(context)
    yield from turns.message(context)
    recorder.end_chat()
    yield from go_back_to(context, text)
    recorder.resume_chat(first)
    yield from opening.quiet(context)
    yield from turns.message(context, after="return")
    recorder.end_chat()


def go_back_to(context: LaneContext, text: str) -> Steps:
    """Go back to the older chat that began with ``text``."""
    yield from context.page.run(_named(context.profile.steps.return_to_chat, text), "steps.return_to_chat")


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
