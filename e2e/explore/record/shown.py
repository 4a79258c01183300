"""What a user showed: actions, messages, and what was seen in between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from e2e.explore.discover.observed import Turn
from e2e.explore.discover.watcher import Stores
from e2e.explore.record.inputs import Act

_SHORTEST = 4
"""Characters of the longest word of a message: shorter words stand in other traffic by chance."""
_PLAIN = re.compile(r"[\w .,!?':-]+", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9]+")


@dataclass(slots=True)
class Shown:
    """All that the user showed, in order."""

    acts: list[Act] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    sent_by: list[Act] = field(default_factory=list)
    """What sent each message."""
    new_chat: list[Act] = field(default_factory=list)
    """What was done between the first chat's end and the second chat's first message."""
    started: int = 0
    """How many of these acts there were when the new chat was seen; the others opened it again."""
    clicked: Stores | None = None
    loads: list[float] = field(default_factory=list)
    signed_in: bool = False
    state: dict[str, object] | None = None
    """Cookies and stores before the first message, where the user signed in."""
    new_chat_loaded: bool = False
    address: str = ""
    """Of the page at the first message."""
    not_seen: bool = False
    """Nothing on the page showed that a new chat began."""
    reported_started: bool = False
    """The user pressed the panel's button instead of the suite seeing the new chat."""
    refusals: list[str] = field(default_factory=list)
    """CAPTCHAs and login pages that were seen."""


def nonce_of(text: str, earlier: Sequence[str]) -> str | None:
    """The part of a message by which it is found in traffic: a word that no earlier message has, else the text. None: there is none.

    A word of letters and digits survives JSON, forms and addresses as it is. A whole text does that only if it is plain.
    """
    words: list[str] = [
        w for w in _WORD.findall(text) if len(w) >= _SHORTEST and not any(w in e for e in earlier)
    ]
    if words:
        return max(words, key=lambda w: (any(c.isdigit() for c in w), len(w)))
    plain = len(text) >= 2 * _SHORTEST and _PLAIN.fullmatch(text) is not None
    return text if plain and not any(text in e or e in text for e in earlier) else None
