"""The code around a position, to be shown in a report: of a source, or of a bundle that is one long line. Without secrets."""

from __future__ import annotations

import re

Excerpt = tuple[tuple[int, str], ...]
"""``(line, text)``, the line counting from 1."""

LINES = 3
"""Shown before and after the place."""
_WIDTH = 200
_AROUND = 80
"""Characters shown on both sides of the column, in a line that is longer than ``_WIDTH``."""

_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`")
_TOKEN = re.compile(r"[A-Za-z0-9_+/=-]{16,}")


def around(content: list[str] | None, line: int) -> Excerpt:
    """Source lines around ``line`` (from 0)."""
    if content is None:
        return ()
    first, last = max(0, line - LINES), min(len(content), line + LINES + 1)
    return tuple((n + 1, content[n].rstrip()[:_WIDTH]) for n in range(first, last))


def of_script(script: str | None, line: int, column: int) -> Excerpt:
    """The served script around a position (both from 1), with what may be a secret left out; empty where it has no such place.

    A long line of a document is not shown: it may hold a user's data.
    """
    lines = (script or "").split("\n")
    if script is None or not 1 <= line <= len(lines):
        return ()
    text = lines[line - 1]
    if len(text) <= _WIDTH:
        return tuple((n, masked(t)) for n, t in around(lines, line - 1))
    if script.lstrip()[:1] == "<" or column > len(text):
        return ()
    # masked before it is cut: half a secret would not be recognised
    begin, end = max(0, column - 1 - _AROUND), min(len(text), column - 1 + _AROUND)
    kept = _same_length(text[max(0, begin - 4 * _WIDTH) : end + 4 * _WIDTH])
    shift = max(0, begin - 4 * _WIDTH)
    shown = kept[begin - shift : end - shift]
    shown = re.sub("\x00+", "…", shown).strip()
    return ((line, f"{'…' if begin else ''}{shown}{'…' if end < len(text) else ''}"),)


def masked(text: str) -> str:
    """``text`` without strings and words that may be secrets: an ID, a key, a token. Names in it stay."""
    return re.sub("\x00+", "…", _same_length(text))


def _same_length(text: str) -> str:
    """Secrets replaced by as many NUL characters, so that columns stay where they are."""

    def in_string(match: re.Match[str]) -> str:
        inner = match.group()[1:-1]
        if (len(inner) >= 8 and any(c.isdigit() for c in inner)) or len(inner) > 60:
            return match.group()[0] + "\x00" * len(inner) + match.group()[-1]
        return match.group()

    def word(match: re.Match[str]) -> str:
        found = match.group()
        mixed = any(c.isdigit() for c in found) and any(c.isalpha() for c in found)
        return "\x00" * len(found) if mixed else found

    return _TOKEN.sub(word, _STRING.sub(in_string, text))
