"""Whether the page's address holds an ID that New Chat does not change: the profile may then read the wrong ID."""

from __future__ import annotations

from collections import defaultdict

from e2e.analysis.facts.freshness import Place, contexts
from e2e.analysis.ids.payloads import payloads_at_once
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import PayloadRow, TransitionRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

ADDRESS_KEEPS_AN_ID = (
    "the page's address holds an ID per browser that New Chat does not change, and the sent ID is another one; "
    "if the ID in the address is the session ID, read it with session = { page = ... } in the wire rule"
)


def address_kept_an_id(run: Run) -> bool:
    """Each browser context has one ID in its addresses through all its plain New Chats, and each context another one."""
    if not payloads_at_once(run).addresses:
        return False
    first: dict[ChatKey, str | None] = {}
    for p in run.every(PayloadRow):
        if p.chat is not None:
            first.setdefault(key_of(p), p.address)
    found: dict[Place, set[str | None]] = defaultdict(set)
    places = contexts(run)
    for t in run.every(TransitionRow):
        if t.scenario != "plain":
            continue
        key = key_of(t)
        before = ChatKey(key.run_id, key.lane, t.chat_before)
        found[places[key]] |= {first.get(before), first.get(key)}
    kept = [next(iter(ids)) for ids in found.values() if len(ids) == 1 and None not in ids]
    return len(found) > 1 and len(kept) == len(found) == len(set(kept))
