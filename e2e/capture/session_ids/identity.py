"""Session IDs out of raw values, compared after decoding, and what an ID looks like without saying what it is."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

from e2e.profile.values.bounded import Expression, Pattern

_PREFIX = re.compile(r"[A-Za-z]{2,16}[_\-.:]")
_HEX_ONLY = re.compile(r"[0-9a-fA-F]+[_\-.:]")
_PART = re.compile(r"[A-Za-z0-9]+|[ -/:-@\[-`{-~]+|[^ -~]+")  # a word, ASCII separators, anything else
_EPOCHS = {10: 1.0, 13: 1e-3, 16: 1e-6}  # digits of a present-day time in s, ms, µs -> seconds per unit
_BASE36 = re.compile(r"[0-9a-z]{8}")


class StoredId:
    """Reads the session ID out of a stored value: the value itself, a JMESPath into its JSON, or a regular expression on it."""

    def __init__(self, expression: str | None, regex: str | None = None) -> None:
        self._expression = Expression(expression, "session.id") if expression else None
        self._regex = Pattern(regex, "session.regex") if regex else None
        self.form = ""
        """How the ID that was read last was encoded, or ``""``."""

    def read(self, value: str | None) -> str | None:
        """The ID, or None when the value is absent, empty, no JSON, or has nothing at that place."""
        if not value:
            return None
        if self._regex is not None:
            match = self._regex.search(value)
            return self._as_id(match.group(1 if self._regex.groups else 0) if match else None)
        if self._expression is None:
            return self._as_id(value.strip())
        for text in (value, unquote(value)):  # cookies and addresses hold JSON percent-encoded
            try:
                return self._as_id(as_text(self._expression.search(json.loads(text))))
            except (ValueError, RecursionError):
                continue
        return None

    def _as_id(self, found: str | None) -> str | None:
        session, self.form = canonical(found or "")
        return session or None


def as_text(found: Any) -> str | None:
    """A JMESPath result as an ID or a name: text and numbers are, anything else (None, "", a list) is not there."""
    if isinstance(found, bool) or found is None:
        return None
    if isinstance(found, str):
        return found or None
    if isinstance(found, int | float):
        return str(found)
    return None


_ENCODERS = ("!'()*", "", "-_.!~*'();/?:@&=+$,#", "@*_+-./")
"""Characters besides letters, digits and ``-_.~`` that ``encodeURIComponent``, a form, ``encodeURI`` and ``escape`` leave as they are."""
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_MOST_LAYERS = 4
_TWICE = ("", "", " twice", " three times", " four times")


def canonical(raw: str) -> tuple[str, str]:
    """``(ID, form)``: the ID without what encoded it for its place, and what that was (``percent-encoded twice``), or ``""``.

    Stored and sent IDs are compared in this form. Only what an encoder would have written is decoded: percent-encoding that leaves
    out nothing an encoder escapes, and a JSON string in its quotes. ``a%41`` therefore stays as it is: no encoder escapes an ``A``.
    """
    found, layers = raw, list[str]()
    while len(layers) < _MOST_LAYERS:
        if (inner := _unquoted(found)) is not None:
            layers.append("in quotes")
        elif (inner := _percent_decoded(found)) is not None:
            layers.append("percent-encoded")
        else:
            break
        found = inner
    return found, ", ".join(f"{form}{_TWICE[layers.count(form)]}" for form in dict.fromkeys(layers))


def forms(sent: str, stored: str) -> str:
    """How the forms of a sent and a stored ID differ, or ``""`` where they do not."""
    if sent == stored:
        return ""
    return ", ".join(
        f"{form} {where}" for form, where in ((sent, "in the payload"), (stored, "in the store")) if form
    )


def _unquoted(text: str) -> str | None:
    """The text in ``"…"``, JSON's escapes undone; None when there are no quotes or nothing in them."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return None
    try:
        inner = json.loads(text)
    except ValueError:
        return None
    return inner if isinstance(inner, str) else None


def _percent_decoded(text: str) -> str | None:
    """What an encoder made ``text`` of; None when none did."""
    if _ESCAPED.search(text) is None:
        return None
    try:
        inner = unquote(text, errors="strict")
    except UnicodeDecodeError:
        return None
    if not inner.isprintable():
        return None
    same = _ESCAPED.sub(lambda found: found[0].upper(), text)
    return inner if any(quote(inner, safe=safe) == same for safe in _ENCODERS) else None


class KnownIds:
    """The IDs of a run: an encoding that looks like any other ID is recognised by what it decodes to.

    Base64 (also of the URL alphabet) and a UUID without its dashes are IDs in their own right, unless the ID that they decode to
    was seen as well. The form that was seen first stands for both.
    """

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        """A form -> the ID that stands for it."""
        self._decoded: dict[str, str] = {}
        """What a known ID decodes to -> that ID."""

    def resolve(self, session: str) -> str:
        """The ID that ``session`` is a form of; itself when it is new."""
        known = self._known.get(session)
        if known is not None:
            return known
        inner = list(hidden_in(session))
        found = next((self._known[text] for text in inner if text in self._known), None) or self._decoded.get(
            session
        )
        self._known[session] = found = found or session
        for text in inner:
            self._decoded.setdefault(text, found)
        return found


_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}|[A-Za-z0-9_-]{8,}={0,2}")
_BARE_UUID = re.compile(r"[0-9a-f]{32}|[0-9A-F]{32}")


def hidden_in(session: str) -> Iterator[str]:
    """What ``session`` might be an encoding of: a guess, to be believed only where that is known as an ID."""
    if _BARE_UUID.fullmatch(session):
        yield "-".join((session[:8], session[8:12], session[12:16], session[16:20], session[20:]))
    if _BASE64.fullmatch(session):
        bare = session.rstrip("=").replace("-", "+").replace("_", "/")
        try:
            inner = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
            text = inner.decode("utf-8")
        except (binascii.Error, ValueError):
            return
        # the last digit may hold bits that no encoder sets
        if len(text) >= 4 and text.isprintable() and base64.b64encode(inner).rstrip(b"=").decode() == bare:
            yield text


def word_prefix(session_id: str) -> str:
    """``session_`` of ``session_1763_ab``: a leading word and its separator; ``""`` when hexadecimal or the whole ID."""
    prefix = _PREFIX.match(session_id)
    return prefix.group() if prefix and not _HEX_ONLY.fullmatch(prefix.group()) else ""


def shape(session_id: str) -> str:
    """The form of an ID, safe to write down: the wordy prefix and the separators kept, the rest as class and length.

    ``session_1763860000123_k3j9x0a1b`` -> ``session_{d13}_{x9}``; classes: d digits, h lower hex, w letters,
    x lower alphanumeric, X anything else.
    """
    prefix = word_prefix(session_id)
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
