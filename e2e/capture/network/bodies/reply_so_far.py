"""What a reply carried so far, in memory only: its texts for the provider's regex, and its values, to find which IDs it issued."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

_MOST = 200_000
"""Characters kept of one reply: a reply of a million tokens must not fill the memory."""
_SHORTEST_ID = 6
"""Characters of an ID that may be looked for in texts: shorter ones are in half of them by chance."""


class ReplySoFar:
    """One reply as it comes. Texts are gathered by their place in it, so that words in small pieces make up sentences."""

    def __init__(self) -> None:
        self.sent_with = ""
        """What the payload carried: no reply issues what it was sent."""
        self._texts: dict[str, str] = defaultdict(str)
        self._carried: list[tuple[float, str]] = []
        """Time and text of each single value and header."""
        self._raw_ends: list[tuple[int, float]] = []
        """Length of the raw text after each piece, and the piece's time."""
        self._kept = 0
        self._whole: tuple[int, str] = (0, "")
        """Everything that was carried when there were so many `pieces`, in one text."""

    def add_value(self, t: float, value: Any) -> None:
        """A JSON value: an event, a frame, a line, a body."""
        for place, text in leaves(value):
            if self._room(text):
                self._texts[place] += text
                if len(text) >= _SHORTEST_ID:
                    self._carried.append((t, text))

    def add_text(self, t: float, text: str) -> None:
        """A piece of a body that is no stream of JSON values."""
        if self._room(text):
            self._texts[RAW] += text
            self._raw_ends.append((len(self._texts[RAW]), t))

    def add_headers(self, t: float, headers: Mapping[str, str]) -> None:
        self._carried += [(t, value) for value in headers.values() if len(value) >= _SHORTEST_ID]

    @property
    def body(self) -> str:
        """The body's own text, where it is no stream of values."""
        return self._texts.get(RAW, "")

    def texts(self) -> Iterator[str]:
        """The whole text of each place, the body's own first."""
        if RAW in self._texts:
            yield self._texts[RAW]
        yield from (text for place, text in self._texts.items() if place != RAW)

    @property
    def pieces(self) -> int:
        """How many values, headers and pieces of text have come: it grows when there is more to look in."""
        return len(self._carried) + len(self._raw_ends)

    def carried_at(self, session_id: str) -> float | None:
        """When this ID first came in the reply as a whole value or a whole word of one; None when it did not."""
        if len(session_id) < _SHORTEST_ID or session_id not in self._in_one_text():
            return None
        times = [t for t, text in self._carried if _has_word(text, session_id)][:1]
        raw = self.body
        at = _word_at(raw, session_id)
        if at is not None:
            end = at + len(session_id)
            times += [t for length, t in self._raw_ends if length >= end][:1]
        return min(times, default=None)

    def searched(self) -> None:
        """No ID is looked for in it any more."""
        self._whole = (0, "")

    def _in_one_text(self) -> str:
        """What an ID must be in: one look into it instead of one into each of hundreds of pieces."""
        if self._whole[0] != self.pieces:
            carried = "\n".join([self.body, *(text for _, text in self._carried)])
            decoded = (unquote(text) for _, text in self._carried if "%" in text)
            self._whole = self.pieces, "\n".join([carried, *decoded])
        return self._whole[1]

    def _room(self, text: str) -> bool:
        self._kept += len(text)
        return self._kept <= _MOST


RAW = "(body)"
"""The place of a body's own text."""


def leaves(value: Any, place: str = "") -> list[tuple[str, str]]:
    """``(place, text)`` of every text in a JSON value; the elements of a list share their place."""
    if isinstance(value, str):
        return [(place, value)]
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, int):
        return [(place, str(value))]
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in leaves(part, f"{place}.{key}")]
    if isinstance(value, list):
        return [leaf for part in value for leaf in leaves(part, place + "[]")]
    return []


def _has_word(text: str, word: str) -> bool:
    if _word_at(text, word) is not None:
        return True
    return "%" in text and _word_at(unquote(text), word) is not None


def _word_at(text: str, word: str) -> int | None:
    """Where ``word`` is in ``text`` with neither letter nor digit beside it: an ID may be the beginning of another one."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        if not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum()):
            return at
        at = text.find(word, at + 1)
    return None
