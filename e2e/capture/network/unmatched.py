"""Frames and bodies at the address of a rule that no rule accepted: how many, and the form of one. For an error message."""

from __future__ import annotations

import json
import re
from collections import deque
from itertools import islice
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from e2e.framings.base.decoder import UNDECODED, Message

_WORD = re.compile(r"[A-Za-z]{1,24}(?:[_.:/-][A-Za-z]{1,24}){0,3}")
_KIND = re.compile(
    r"(?i)type|event|kind|action|op|operation_?name|method|target|topic|command|cmd|\w*path|role|status"
)
_MOST = 300  # characters of the form that is shown
_KEPT = 8  # messages of which the one with the longest form is shown
_NODES, _DEEPEST = 60, 6  # values of a message that are looked at: a page's whole state may come in one frame


class Unmatched:
    """Counts what was read in vain; shows the form of one message, and no value of it."""

    def __init__(self) -> None:
        self._count = 0
        self._undecoded = 0
        self._last: deque[tuple[str, str, Message]] = deque(maxlen=_KEPT)
        self._places: set[str] = set()

    def add(self, what: str, url: str, framing: str, message: Message) -> None:
        """``message`` was decoded by the ``framing`` of a rule that names ``url``."""
        self._count += 1
        self._undecoded += message.name == UNDECODED
        place = f"{what} {_without_query(url)}"
        self._places.add(place)
        self._last.append((place, framing, message))

    def has(self, place: str) -> bool:
        """Something was read in vain there: ``POST https://chat.example.org/api/chat``."""
        return place in self._places

    def __str__(self) -> str:
        """One sentence, or ``""`` when there was nothing."""
        if not self._count:
            return ""
        forms = [(_form(message), place, framing) for place, framing, message in self._last]
        form, place, framing = max(forms, key=lambda one: (not one[0].startswith("("), len(one[0])))
        cut = form if len(form) <= _MOST else f"{form[: _MOST - 1]}…"
        undecoded = f", of which {self._undecoded} could not be decoded" if self._undecoded else ""
        frames = "1 frame or body" if self._count == 1 else f"{self._count} frames or bodies"
        return f"{frames} at the rule's URL met no rule{undecoded}; one of them is {cut} ({place}, framing {framing!r})"


def _form(message: Message) -> str:
    if message.name == UNDECODED:
        kind, size = next(iter(message.value.items()))
        return f"({size} {'bytes' if kind == 'binary' else 'characters'})"
    return json.dumps(_Masking().of(message.value), ensure_ascii=False)


class _Masking:
    """The form of a JSON value: keys stay, and words that say what kind of message it is; any other text is its length."""

    def __init__(self) -> None:
        self._left = _NODES

    def of(self, value: Any, key: str = "", depth: int = _DEEPEST) -> Any:
        self._left -= 1
        if isinstance(value, dict | list) and (depth == 0 or self._left <= 0):
            return "…"
        if isinstance(value, dict):
            items = islice(value.items(), max(0, self._left))
            return {_key(str(name)): self.of(item, str(name), depth - 1) for name, item in items}
        if isinstance(value, list):
            return [self.of(item, "", depth - 1) for item in value[:3]]
        if isinstance(value, str):
            is_kind = _KIND.fullmatch(key) and _WORD.fullmatch(value)
            return str(value) if is_kind else f"<{len(value)} characters>"
        return value if value is None or isinstance(value, bool) else 0


def _key(key: str) -> str:
    """A key may be an ID too."""
    return (
        key
        if len(key) <= 40 and not (len(key) > 12 and re.search(r"\d", key))
        else f"<{len(key)} characters>"
    )


def _without_query(url: str) -> str:
    try:
        return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
    except ValueError:
        return "(no address)"
