"""Anomalies in the session IDs of chats that fit no rule: a lead for whoever reads the evidence, not a cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.model.schema import MessageRow
from e2e.analysis.model.wording import plural

Messages = Sequence[MessageRow]
"""The chat's messages that must carry an ID."""

_ANOMALIES: tuple[tuple[str, Callable[[ChatEvidence, Messages], bool]], ...] = (
    (
        "sent no session ID while the store held one",
        lambda _, sent: any(m.sent is None and m.stored for m in sent),
    ),
    ("sent no session ID", lambda _, sent: any(m.sent is None for m in sent)),
    (
        "sent the ID of an earlier chat",
        lambda c, sent: any(m.sent in c.old_ids and m.sent in c.seen_earlier for m in sent),
    ),
    ("sent an ID that another browser had", lambda c, sent: any(m.sent in c.in_other_browsers for m in sent)),
    ("sent several session IDs", lambda _, sent: len({m.sent for m in sent}) > 1),
    (
        "sent another ID than the store held",
        lambda _, sent: any(m.stored_seen and bool(m.stored) and m.sent != m.stored for m in sent),
    ),
    (
        "left no session ID in the store",
        lambda c, _: c.chat.stored_seen and c.chat.stored is None and not c.without_id,
    ),
    (
        "left the ID of an earlier chat in the store",
        lambda c, _: c.chat.stored in c.old_ids and not c.without_id,
    ),
    (
        "asked for a code word in a payload without the message that had given it",
        lambda c, _: any(
            r.knows is False and r.word_of == c.key.chat and r.in_payload is False for r in c.recalls
        ),
    ),
)
"""The first that holds is reported."""


def anomaly(chat: ChatEvidence) -> str:
    """The first anomaly of its session IDs, or ``""``."""
    return next((words for words, holds in _ANOMALIES if holds(chat, chat.running)), "")


def in_common(chats: Sequence[ChatEvidence]) -> str:
    """``9 of 12 chats sent no session ID``: the most frequent anomaly, or ``""`` where there is none."""
    counts = Counter(words for chat in chats if (words := anomaly(chat)))
    if not counts:
        return ""
    words, n = counts.most_common(1)[0]
    return f"{n} of {plural(len(chats), 'chat')} {words}"
