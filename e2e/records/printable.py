"""Texts that a target chose, as they may stand in a report, a terminal or a table: nothing in them acts on what shows them."""

from __future__ import annotations

import hashlib
import re

_LONGEST_NAME = 200
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters: escape sequences of a terminal, NUL
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they turn the direction of the text around them
    "\u2028\u2029"  # line breaks that a reader of lines does not expect
    "\ud800-\udfff\ufeff\ufffe\uffff]"  # no characters, and no UTF-8
)


def printable(text: str) -> str:
    """``text`` with each character that acts instead of being shown written as its escape, such as ``\\x1b``."""
    if text.isprintable():
        return text
    return _ACTING.sub(lambda found: ascii(found[0])[1:-1], text)


def as_name(text: str) -> str:
    """A name on one line, of a length that a table takes; names that differ stay different."""
    shown = printable(text).replace("\n", "\\n").replace("\t", "\\t")
    if len(shown) <= _LONGEST_NAME:
        return shown
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{shown[: _LONGEST_NAME - 40]}… ({len(text):,} characters, {digest})"
