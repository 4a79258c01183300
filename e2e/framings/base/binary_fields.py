"""Values of binary fields as texts: what is no text is its hexadecimal digits, so that IDs can be compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

_LINE_BREAKS = "\t\n\r"


class TextOrMessage(str):
    """A text whose bytes are also a whole message: the path in the profile decides which of both it is.

    JMESPath reads a field by `get`, so a path that goes on below it finds the fields of the message.
    """

    __slots__ = ("message",)

    message: Mapping[str, Any]

    @classmethod
    def of(cls, text: str, message: Mapping[str, Any]) -> TextOrMessage:
        found = cls(text)
        found.message = message
        return found

    def get(self, field: str, default: Any = None) -> Any:
        """The field of the message."""
        return self.message.get(field, default)


def printable(data: bytes) -> str | None:
    """``data`` as a text for people, or None: it has no control characters, but may have joiners, as emojis do."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if any(unicodedata.category(c) == "Cc" and c not in _LINE_BREAKS for c in text) else text


def text_or_digits(data: bytes) -> str:
    """``data`` as a text for people, else its hexadecimal digits."""
    text = printable(data)
    return data.hex() if text is None else text
