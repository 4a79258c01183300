"""Whether the page's address holds what looks like the chat's ID, and keeps it over New Chat: then the profile names another one."""

from __future__ import annotations

from collections import defaultdict

from e2e.analysis.facts.freshness import Place, contexts
from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

KEPT = (
    "the page's address held an ID that New Chat did not change, one per browser, while another ID was sent: "
    "where that is the chat's own, session = { page = ... } in the wire rule reads it"
)


def address_kept_an_id(run: Run) -> bool:
    """In every browser context one, through all its plain New Chats; and another in each context."""
    first: dict[ChatKey, str | None] = {}
    for p in rows(run.payloads):
        if p.chat is not None:
            first.setdefault(key_of(p), p.address)
    found: dict[Place, set[str | None]] = defaultdict(set)
    places = contexts(run)
    for t in rows(run.plain_transitions):
        key = key_of(t)
        before = ChatKey(key.run_id, key.lane, t.chat_before)
        found[places[key]] |= {first.get(before), first.get(key)}
    kept = [next(iter(ids)) for ids in found.values() if len(ids) == 1 and None not in ids]
    return len(found) > 1 and len(kept) == len(found) == len(set(kept))
