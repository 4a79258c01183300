"""Tells what an ID stands for by when it changes: over two chats with two messages each, and over a reload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from e2e.explore.discover.observed import Turn

Kind = Literal["session", "issued", "constant", "message", "one_chat", "one_chat_issued", ""]

OverReload = Literal["kept", "changed", "not seen"]


@dataclass(frozen=True, slots=True)
class Change:
    """When an ID changes."""

    kind: Kind
    """``session``: constant in each chat, different between them. ``issued``: the same, but no ID in the first message of each chat.

    ``constant``: the same everywhere. ``message``: different in each message. ``one_chat``: constant in the only chat that was seen.
    ``""``: none of these.
    """
    first: str = ""
    """Its value in the first chat."""
    second: str = ""
    """Its value in the second chat."""
    over_reload: OverReload = "not seen"


def change_of(values: Sequence[str | None], turns: Sequence[Turn]) -> Change:
    """When a field with these values changes; ``values`` and ``turns`` belong together."""
    one = [v for v, turn in zip(values, turns, strict=True) if turn.chat == 0]
    two = [v for v, turn in zip(values, turns, strict=True) if turn.chat == 1 and not turn.reloaded]
    after = [v for v, turn in zip(values, turns, strict=True) if turn.reloaded]
    if len(one) < 2:
        return Change("")
    first = _constant(one)
    if not two:
        if first is not None:
            return Change("one_chat", first)
        issued = _constant(one[1:]) if one[0] is None else None
        return (
            Change("one_chat_issued", issued)
            if issued is not None
            else Change("message" if _varies(one) else "")
        )
    if len(two) < 2:
        # The second chat ended early: its one message shows only whether the ID is another one.
        if first is not None and two[0] is not None:
            return Change("session" if two[0] != first else "constant", first, two[0])
        return Change("message" if _varies(one) else "")
    second = _constant(two)
    if first is not None and second is not None:
        over = _over_reload(after, second)
        return Change("constant" if first == second else "session", first, second, over)
    if one[0] is None and two[0] is None:
        first, second = _constant(one[1:]), _constant(two[1:])
        if first is not None and second is not None and first != second:
            over = _over_reload(after, second)
            return Change("issued", first, second, over)
    return Change("message" if _varies(one) and _varies(two) else "")


def _over_reload(after: Sequence[str | None], value: str) -> OverReload:
    if not after:
        return "not seen"
    return "kept" if after[0] == value else "changed"


def _constant(values: Sequence[str | None]) -> str | None:
    return values[0] if values and values[0] and all(v == values[0] for v in values) else None


def _varies(values: Sequence[str | None]) -> bool:
    return len({v for v in values if v}) > 1
