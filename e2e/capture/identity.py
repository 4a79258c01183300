"""Session IDs out of raw values, and what an ID looks like without saying what it is."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

import jmespath
from jmespath.exceptions import JMESPathTypeError

from e2e.capture.redaction import wordy_prefix

_PART = re.compile(r"[A-Za-z0-9]+|[ -/:-@\[-`{-~]+|[^ -~]+")  # a word, ASCII separators, anything else
_EPOCHS = {10: 1.0, 13: 1e-3, 16: 1e-6}  # digits of a present-day time in s, ms, µs -> seconds per unit
_BASE36 = re.compile(r"[0-9a-z]{8}")


class StoredId:
    """Reads the session ID out of a stored value: the value itself, a JMESPath into its JSON, or a regular expression on it."""

    def __init__(self, expression: str | None, regex: str | None = None) -> None:
        self._expression = jmespath.compile(expression) if expression else None
        self._regex = re.compile(regex) if regex else None

    def read(self, value: str | None) -> str | None:
        """The ID, or None when the value is absent, empty, no JSON, or has nothing at that place."""
        if not value:
            return None
        if self._regex is not None:
            match = self._regex.search(value)
            return unquote(match.group(1 if self._regex.groups else 0) or "") or None if match else None
        if self._expression is None:
            return unquote(value.strip()).strip('"') or None
        for text in (value, unquote(value)):  # cookies and addresses hold JSON percent-encoded
            try:
                return as_text(self._expression.search(json.loads(text)))
            except (ValueError, JMESPathTypeError):
                continue
        return None


def as_text(found: Any) -> str | None:
    """A JMESPath result as an ID or a name: text and numbers are, anything else (None, "", a list) is not there."""
    if isinstance(found, bool) or found is None:
        return None
    if isinstance(found, str):
        return found or None
    if isinstance(found, int | float):
        return str(found)
    return None


def shape(session_id: str) -> str:
    """The form of an ID, safe to write down: the wordy prefix and the separators kept, the rest as class and length.

    ``session_1763860000123_k3j9x0a1b`` -> ``session_{d13}_{x9}``; classes: d digits, h lower hex, w letters,
    x lower alphanumeric, X anything else.
    """
    prefix = wordy_prefix(session_id)
    return prefix + "".join(_form(part) for part in _PART.findall(session_id[len(prefix) :]))


def _form(part: str) -> str:
    if part.isascii() and part.isprintable() and not part[0].isalnum():
        return part
    if part.isdigit():
        kind = "d"
    elif re.fullmatch(r"[0-9a-f]+", part):
        kind = "h"
    elif part.isalpha():
        kind = "w"
    elif re.fullmatch(r"[0-9a-z]+", part):
        kind = "x"
    else:
        kind = "X"
    return f"{{{kind}{len(part)}}}"


def time_offset(session_id: str, written: float) -> float | None:
    """Seconds between a time found in the ID and the moment it was written, or None when no part is a time within a day of it."""
    best: float | None = None
    for part in _PART.findall(session_id):
        for seconds in _times(part):
            offset = seconds - written
            if abs(offset) < 86400 and (best is None or abs(offset) < abs(best)):
                best = offset
    return None if best is None else round(best, 3)


def _times(part: str) -> list[float]:
    if part.isascii() and part.isdigit() and len(part) in _EPOCHS:
        return [int(part) * _EPOCHS[len(part)]]
    if _BASE36.fullmatch(part):
        return [int(part, 36) * 1e-3]
    return []
