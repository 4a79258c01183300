"""Texts of replies that arrived after their chat had been left, to find them where they must not be. Held in memory, never written."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

_WINDOW = 16  # characters: as much of a late text must reappear to be taken for it
_STEP = 5
_MOST = 20_000  # characters kept of a reply


class ReplyTexts:
    """What the replies of a lane said, by chat and by where in the answer it stood (parts of one text come one after the other)."""

    def __init__(self) -> None:
        self._late: dict[int, dict[str, str]] = defaultdict(lambda: defaultdict(str))
        self._own: dict[str, str] = defaultdict(str)
        self._own_chat: int | None = None

    def add(self, chat: int | None, current: int | None, value: Any) -> None:
        """A part of an answer of ``chat`` came while ``current`` was under way."""
        if chat is None or current is None:
            return
        if chat == current:
            if self._own_chat != current:
                self._own.clear()
                self._own_chat = current
            kept = self._own
        else:
            kept = self._late[chat]
        for place, text in _leaves(value):
            if len(kept[place]) < _MOST:
                kept[place] += text

    def forget(self) -> None:
        """A new play begins: nothing that came before it counts."""
        self._late.clear()
        self._own.clear()

    def found_in(self, text: str, current: int) -> int | None:
        """The latest other chat of which a late text stands in ``text``, and is no part of the chat's own reply."""
        seen = _plain(text)
        own = " ".join(map(_plain, self._own.values())) if self._own_chat == current else ""
        for chat in sorted(self._late, reverse=True):
            if chat != current and any(
                window in seen and window not in own
                for late in self._late[chat].values()
                for window in _windows(_plain(late))
            ):
                return chat
        return None


def _leaves(value: Any, place: str = "") -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(place, value)]
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in _leaves(part, f"{place}.{key}")]
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part, place + "[]")]
    return []


def _plain(text: str) -> str:
    return " ".join(text.split())


def _windows(text: str) -> list[str]:
    """Pieces of a text of words; names, IDs and single words are none."""
    found = [text[i : i + _WINDOW] for i in range(0, len(text) - _WINDOW + 1, _STEP)]
    return [window for window in found if window.strip().count(" ")]
