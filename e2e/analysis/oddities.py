"""What is odd about a chat that fits no rule, in words: a lead for whoever reads the evidence, and not a cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from e2e.analysis.clues import Clues
from e2e.analysis.wording import plural

_ODDITIES: tuple[tuple[str, Callable[[Clues], bool]], ...] = (
    (
        "sent no session ID while the store held one",
        lambda c: any(m.sent is None and m.stored for m in c.running),
    ),
    ("sent no session ID", lambda c: None in c.sent),
    (
        "sent the ID of an earlier chat",
        lambda c: any(sent in c.old and sent in c.known for sent in c.sent),
    ),
    ("sent an ID that another browser had", lambda c: any(sent in c.elsewhere for sent in c.sent)),
    ("sent several session IDs", lambda c: len(set(c.sent)) > 1),
    (
        "sent another ID than the store held",
        lambda c: any(m.stored_seen and m.stored and m.sent != m.stored for m in c.running),
    ),
    ("left no session ID in the store", lambda c: bool(c.chat.stored_seen) and c.chat.stored is None),
    ("left the ID of an earlier chat in the store", lambda c: c.chat.stored in c.old),
)
"""In the order in which they are asked: the first that holds is told."""


def oddity(chat: Clues) -> str:
    """The most telling thing about its session IDs, or ``""`` where these are in order."""
    return next((words for words, holds in _ODDITIES if holds(chat)), "")


def in_common(chats: Sequence[Clues]) -> str:
    """``9 of 12 chats sent no session ID``: what most of them show, or ``""`` where nothing is odd about their IDs."""
    counts = Counter(words for chat in chats if (words := oddity(chat)))
    if not counts:
        return ""
    words, n = counts.most_common(1)[0]
    return f"{n} of {plural(len(chats), 'chat')} {words}"
