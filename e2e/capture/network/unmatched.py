"""Frames and bodies at the address of a rule that no rule accepted: how many, and the form of one. For an error message."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from e2e.framings.base.decoder import UNDECODED, Message

_WORD = re.compile(r"[A-Za-z]{1,24}(?:[_.:/-][A-Za-z]{1,24}){0,3}")
_KIND = re.compile(
    r"(?i)type|event|kind|action|op|operation_?name|method|target|topic|command|cmd|\w*path|role|status"
)
_MOST = 300  # characters of the form that is shown
_ITEMS, _DEEPEST = 12, 6


class Unmatched:
    """Counts what was read in vain; keeps the form of the largest message, and no value of it."""

    def __init__(self) -> None:
        self._count = 0
        self._undecoded = 0
        self._place = ""
        self._form = ""

    def add(self, what: str, url: str, framing: str, message: Message) -> None:
        """``message`` was decoded by the ``framing`` of a rule that names ``url``."""
        self._count += 1
        if message.name == UNDECODED:
            self._undecoded += 1
            size = next(iter(message.value.items()))
            form = f"({size[1]} {'bytes' if size[0] == 'binary' else 'characters'})"
        else:
            form = json.dumps(masked(message.value), ensure_ascii=False)
        if len(form) >= len(self._form) or self._form.startswith("("):
            self._place, self._form = f"{what} {_without_query(url)}, framing {framing!r}", form

    def __str__(self) -> str:
        """One sentence, or ``""`` when there was nothing."""
        if not self._count:
            return ""
        cut = self._form if len(self._form) <= _MOST else f"{self._form[: _MOST - 1]}…"
        undecoded = f", of which {self._undecoded} could not be decoded" if self._undecoded else ""
        frames = "1 frame or body" if self._count == 1 else f"{self._count} frames or bodies"
        return f"{frames} at the rule's URL met no rule{undecoded}; one of them is {cut} ({self._place})"


def masked(value: Any, key: str = "", depth: int = _DEEPEST) -> Any:
    """The form of a JSON value: keys stay, and words that say what kind of message it is; any other text is its length."""
    if isinstance(value, dict):
        shown = {_key(name): masked(item, name, depth - 1) for name, item in list(value.items())[:_ITEMS]}
        return shown if depth else "{…}"
    if isinstance(value, list):
        return [masked(item, "", depth - 1) for item in value[:3]] if depth else "[…]"
    if isinstance(value, str):
        is_kind = _KIND.fullmatch(key) and _WORD.fullmatch(value)
        return value if is_kind else f"<{len(value)} characters>"
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
