"""Texts of replies that arrived after their chat had been left, to find them where they must not be. Held in memory, never written.

Only letters and digits are compared: what the page makes of a text on its way to the screen (Markdown, elements, white space,
typographic quotes) changes the rest.
"""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from e2e.capture.network.bodies.reply_so_far import leaves

_WINDOW = 14  # letters and digits: as much of a late text must reappear to be taken for it
_STEP = 5
_MOST = 60_000  # characters kept of a reply
_CHATS = 4  # chats back of which texts are kept

_STRUCTURED = re.compile(r"\s*(?:[A-Za-z0-9]{1,5}:\s*)?(?=[\[{\"])")
_KEYED = re.compile(r'\s*"[^"]*"\s*:')
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)("|\\?\Z)', re.DOTALL)
_HIDDEN = re.compile(r"<(script|style|template)\b.*?(</\1\s*>|\Z)|<!--.*?(-->|\Z)", re.DOTALL | re.IGNORECASE)
_INLINE = re.compile(r"</?(?:a|abbr|b|code|em|i|mark|s|small|span|strong|sub|sup|u)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*(?:>|\Z)")
_NO_TEXT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]+"
)  # of a body that is binary, or compressed by the application


@dataclass(slots=True)
class _Body:
    """A reply's body as text, and where in it the chat had been left."""

    text: str = ""
    late_from: int | None = None


class ReplyTexts:
    """What the replies of a lane contained, by chat and by where in the reply it stood (parts of one text come one after the other)."""

    def __init__(self) -> None:
        self._late: dict[int, dict[str, str]] = defaultdict(lambda: defaultdict(str))
        self._own: dict[int, dict[str, str]] = defaultdict(lambda: defaultdict(str))
        self._bodies: dict[int, dict[str, _Body]] = defaultdict(lambda: defaultdict(_Body))
        self._typed: dict[int, list[str]] = defaultdict(list)
        self._read: tuple[object, list[tuple[int, list[str]]]] = (None, [])
        """The windows of the late texts of each chat, and what they were made of."""
        self._size = 0

    def add(self, chat: int | None, current: int | None, value: Any, reply: str = "") -> None:
        """A value in a ``reply`` to ``chat`` came while ``current`` was under way."""
        if chat is None or current is None:
            return
        kept = (self._own if chat == current else self._late)[chat]
        for at, text in leaves(value):
            place = f"{reply} {at}"
            if len(kept[place]) < _MOST:
                kept[place] += text
                self._size += len(text)
        self._forget_before(current)

    def add_text(self, chat: int | None, current: int | None, text: str, reply: str) -> None:
        """A piece of a reply's body that is no stream of values."""
        if chat is None or current is None:
            return
        body = self._bodies[chat][reply]
        if chat != current and body.late_from is None:
            body.late_from = len(body.text)
        if len(body.text) < _MOST:
            body.text += text
            self._size += len(text)
        self._forget_before(current)

    def typed(self, chat: int, text: str) -> None:
        """The user's own message: a reply that repeats it says nothing of its own."""
        self._typed[chat].append(text)

    def forget(self) -> None:
        """A new play begins: nothing that came before it counts."""
        for kept in (self._late, self._own, self._bodies, self._typed):
            kept.clear()
        self._read = (None, [])

    def followed(self, chat: int) -> bool:
        """Text of a reply to ``chat`` was read that would be recognised elsewhere."""
        typed = _joined(self._typed.get(chat, ()))
        found = [*self._own.get(chat, {}).values(), *self._late.get(chat, {}).values()]
        found += [text for body in self._bodies.get(chat, {}).values() for text in texts_in(body.text)]
        return any(window not in typed for text in found for window in _windows(text))

    def found_in(self, text: str, current: int) -> int | None:
        """The latest other chat whose late text is in ``text`` and is neither the chat's own reply nor its message."""
        late = self._late_windows()
        if not late:
            return None
        seen, own = _joined([text]), None
        for chat, windows in late:
            if chat == current:
                continue
            for window in windows:
                if window in seen:
                    own = self._texts_of(current) if own is None else own
                    if window not in own:
                        return chat
        return None

    def _texts_of(self, chat: int) -> str:
        bodies = (text for body in self._bodies.get(chat, {}).values() for text in texts_in(body.text))
        return _joined([*self._typed.get(chat, ()), *self._own.get(chat, {}).values(), *bodies])

    def _late_windows(self) -> list[tuple[int, list[str]]]:
        state = (self._size, len(self._late), len(self._bodies))
        if self._read[0] != state:
            found: list[tuple[int, list[str]]] = []
            for chat in sorted(self._late.keys() | self._bodies.keys(), reverse=True):
                texts = list(self._late.get(chat, {}).values())
                for body in self._bodies.get(chat, {}).values():
                    if body.late_from is not None:
                        texts += texts_in(body.text, body.late_from)
                if windows := [w for text in texts for w in _windows(text)]:
                    found.append((chat, windows))
            self._read = (state, found)
        return self._read[1]

    def _forget_before(self, current: int) -> None:
        for kept in (self._own, self._bodies, self._typed):
            for chat in [c for c in kept if c < current - _CHATS]:
                del kept[chat]


def texts_in(body: str, late_from: int = 0) -> list[str]:
    """The texts in a body from ``late_from`` on: of its JSON values, line by line (also those under ``data:`` or ``0:``), and the rest.

    JSON is read from its beginning, because a piece of it does not show whether it is inside a string. Its keys and values are
    texts of their own: a text made of both would be the form of all bodies alike.
    """
    places: dict[str, str] = defaultdict(str)
    plain: list[str] = []
    loose: list[str] = []
    at = 0
    for line in body.split("\n"):
        end = at + len(line)
        if end >= late_from:
            cut = max(late_from - at, 0)
            start = _STRUCTURED.match(line)
            value = _json(line[start.end() :]) if start else None
            if start and value is not None:
                for place, text in leaves(value):
                    places[line[: start.end()] + place] += text
            elif start and (line[start.end()] in "[{" or _KEYED.match(line)):
                loose += list(_literals(line, cut))
            else:
                plain.append(line[cut:])
        at = end + 1
    return [*places.values(), *loose, _shown("\n".join(plain))]


def _literals(line: str, cut: int) -> Iterator[str]:
    """The strings in a line of JSON that may not have come to its end; of one that goes over ``cut`` what comes after it."""
    for found in _LITERAL.finditer(line):
        if found.end() > cut:
            inner = line[max(found.start(1), cut) : found.end(1)]
            value = _json(f'"{inner}"')
            yield value if isinstance(value, str) else inner


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _shown(text: str) -> str:
    """A text without its markup, as far as it has any."""
    if "<" not in text and "&" not in text:
        return text
    return html.unescape(_TAG.sub("\n", _INLINE.sub("", _HIDDEN.sub("\n", text))))


def _joined(texts: Any) -> str:
    """The letters of these texts, with a break between each two."""
    return "|".join(_letters(text)[0] for text in texts)


def _letters(text: str) -> tuple[str, list[int]]:
    """The letters and digits of a text, and how many words have begun up to each of them."""
    found: list[str] = []
    begun: list[int] = []
    words = 0
    for word in text.split():
        words += 1
        for letter in word:
            if letter.isalnum():
                words += ord(letter) >= 0x2E80  # scripts without spaces: each letter counts as a word
                found.append(letter)
                begun.append(words)
    return "".join(found), begun


def _windows(text: str) -> Iterator[str]:
    """Pieces of a text of words; names, IDs and single words are none."""
    for part in _NO_TEXT.split(text):
        letters, begun = _letters(part)
        last = len(letters) - _WINDOW
        for at in sorted({*range(0, last + 1, _STEP), max(last, 0)}) if last >= 0 else ():
            if begun[at] != begun[at + _WINDOW - 1]:
                yield letters[at : at + _WINDOW]
