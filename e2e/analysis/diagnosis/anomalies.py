"""What is odd about a chat that fits no rule, in words: a lead for whoever reads the evidence, and not a cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from e2e.analysis.causes.evidence.chat_evidence import Clues
from e2e.analysis.model.wording import plural

Messages = Sequence[Any]
"""Those of the chat that are to carry an ID."""

_ODDITIES: tuple[tuple[str, Callable[[Clues, Messages], bool]], ...] = (
    (
        "sent no session ID while the store held one",
        lambda _, sent: any(m.sent is None and m.stored for m in sent),
    ),
    ("sent no session ID", lambda _, sent: any(m.sent is None for m in sent)),
    (
        "sent the ID of an earlier chat",
        lambda c, sent: any(m.sent in c.old and m.sent in c.known for m in sent),
    ),
    ("sent an ID that another browser had", lambda c, sent: any(m.sent in c.elsewhere for m in sent)),
    ("sent several session IDs", lambda _, sent: len({m.sent for m in sent}) > 1),
    (
        "sent another ID than the store held",
        lambda _, sent: any(m.stored_seen and m.stored and m.sent != m.stored for m in sent),
    ),
    (
        "left no session ID in the store",
        lambda c, _: bool(c.chat.stored_seen) and c.chat.stored is None and not c.excused,
    ),
    ("left the ID of an earlier chat in the store", lambda c, _: c.chat.stored in c.old and not c.excused),
)
"""In the order in which they are asked: the first that holds is told."""


def oddity(chat: Clues) -> str:
    """The most telling thing about its session IDs, or ``""`` where these are in order."""
    return next((words for words, holds in _ODDITIES if holds(chat, chat.running)), "")


def in_common(chats: Sequence[Clues]) -> str:
    """``9 of 12 chats sent no session ID``: what most of them show, or ``""`` where nothing is odd about their IDs."""
    counts = Counter(words for chat in chats if (words := oddity(chat)))
    if not counts:
        return ""
    words, n = counts.most_common(1)[0]
    return f"{n} of {plural(len(chats), 'chat')} {words}"
