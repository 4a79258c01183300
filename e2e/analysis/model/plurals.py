"""Counted words. A module of its own: the report of a run that is judged already loads no pandas."""

from __future__ import annotations


def plural(n: int, word: str, many: str = "") -> str:
    """``1 chat``, ``2 chats``."""
    return f"{n} {word if n == 1 else many or word + 's'}"
