"""Earlier names of profile keys. A profile that uses one is refused with the present name."""

from __future__ import annotations

from typing import Any

RENAMED = {
    "accepted": "known_issues",
    "where.start.patience": "where.start.startup_timeout",
    "wire[].unfold": "wire[].parse_nested_json",
    "reply.settled": "reply.text_stable_for",
    "policy.bearer": "policy.id_is_secret",
    "timeouts.quiet": "timeouts.idle",
}
"""Old path -> new path. ``[]`` is an item of a list, ``*`` is any key."""


def new_name(loc: tuple[Any, ...]) -> str | None:
    """The present name of the key at ``loc``, a path such as ``("wire", 0, "unfold")``; None if it was never renamed."""
    for old, new in RENAMED.items():
        if matches(old, loc):
            return new.rpartition(".")[2]
    return None


def matches(pattern: str, loc: tuple[Any, ...]) -> bool:
    """Whether ``loc`` is a path that ``pattern`` describes."""
    parts = pattern.replace("[]", ".[]").split(".")
    return len(parts) == len(loc) and all(
        isinstance(key, int) if part == "[]" else part in ("*", key)
        for part, key in zip(parts, loc, strict=True)
    )
