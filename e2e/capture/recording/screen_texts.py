"""What a new chat shows before anything is sent, held against what earlier chats sent and got. Held in memory, never written.

A greeting is no content of an earlier chat. Only the text of an earlier chat's messages and replies is, unless the page showed it
before anything was sent at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from e2e.capture.recording.owners import Typed

_CHATS = 8  # chats whose replies are kept
_MOST = 20_000  # characters kept of a reply
_PIECE, _STEP = 40, 10  # characters: as much of a longer reply must be on the screen
_SHORTEST = 16  # characters of a reply that is recognised as a whole


class ScreenTexts:
    """The replies of a lane's last chats, by chat and by where in the answer they stood, and what is shown without any."""

    def __init__(self) -> None:
        self._replies: dict[int, dict[str, str]] = {}
        self._shown: deque[str] = deque(maxlen=_CHATS)
        """What was shown before a first message, and was no text of an earlier chat."""

    def add_reply(self, chat: int, request: str, value: Any) -> None:
        """A part of the reply to a message of ``chat``."""
        kept = self._replies.setdefault(chat, {})
        for place, text in _leaves(value, request):
            known = kept.get(place, "")
            if len(known) < _MOST:
                kept[place] = known + text
        while len(self._replies) > _CHATS:
            del self._replies[min(self._replies)]

    def greets(self, shown: str) -> None:
        """The page showed this before a first message, and nothing of an earlier chat."""
        text = _plain(shown)
        if text and text not in self._shown:
            self._shown.append(text)

    def earlier(self, shown: str, chat: int, typed: Iterable[Typed]) -> int | None:
        """The latest earlier chat of which a message or a reply is in ``shown``; ``typed`` are the messages found there."""
        seen = _plain(shown)
        sent = [one.chat for one in typed if one.chat < chat]
        replied = [
            c
            for c, replies in self._replies.items()
            if c < chat and any(self._has(seen, r) for r in replies.values())
        ]
        return max([*sent, *replied], default=None)

    def _has(self, seen: str, reply: str) -> bool:
        return any(
            piece in seen and not any(piece in greeting for greeting in self._shown)
            for piece in _pieces(_plain(reply))
        )


def _pieces(text: str) -> Iterator[str]:
    """Texts of several words, long enough to be no coincidence: a short reply as a whole, a longer one in parts."""
    if len(text) <= _PIECE:
        starts = [0] if len(text) >= _SHORTEST else []
    else:
        starts = [*range(0, len(text) - _PIECE, _STEP), len(text) - _PIECE]
    for start in starts:
        piece = text[start : start + _PIECE]
        if piece.count(" ") >= 2:  # IDs and names have fewer
            yield piece


def _leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{place}.{key}")
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part, place + "[]")


def _plain(text: str) -> str:
    return " ".join(text.split())
