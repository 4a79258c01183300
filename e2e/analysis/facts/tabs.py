"""Whether a running chat kept its provider when another tab of its browser clicked New Chat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import MessageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of, plural


def provider_changes(run: Run) -> Mapping[ChatKey, str]:
    """The chats that another provider answered since another tab clicked New Chat, under the ID that they had: each in words."""

    def collect() -> dict[ChatKey, str]:
        if run.policy.affinity == "none":
            return {}
        return {
            key_of(
                m
            ): f"reply {m.number} came from {m.answered} after New Chat in the other tab, and from {before.answered} before"
            for before, m in _changes(run)
            if m.after == "other-tab"
        }

    return run.once("provider_changes", collect)


def ended_for_both(run: Run) -> str:
    """The running chats that were refused since New Chat in the other tab ended the session that both share, in words; or ``""``."""
    chats = {key_of(m) for m in run.every(MessageRow) if m.ended_elsewhere}
    if not chats or run.policy.tabs != "share":
        return ""
    verb = "was" if len(chats) == 1 else "were"
    return (
        f"{plural(len(chats), 'running chat')} {verb} refused after New Chat in the other tab had ended the session "
        "that the tabs share (policy.tabs)"
    )


def flapping(run: Run) -> frozenset[str]:
    """The runs in which a session changed its provider also where no other tab had clicked New Chat."""

    def collect() -> frozenset[str]:
        alone = {m.run_id for _, m in _changes(run) if m.after != "other-tab"}
        looked_up = {
            m.run_id
            for m in run.every(MessageRow)
            if None not in (m.backend_provider, m.answered)
            and m.backend_provider != m.answered
            and not m.served_by
        }
        return frozenset(alone | looked_up)

    return run.once("flapping", collect)


def _changes(run: Run) -> Iterator[tuple[MessageRow, MessageRow]]:
    """Neighbouring replies of one session in one chat whose providers differ."""
    chats: dict[ChatKey, list[MessageRow]] = defaultdict(list)
    for m in run.every(MessageRow):
        known = m.sent is not None and m.answered is not None and m.answered_by != "label"
        if m.chat_status == "observed" and known and not m.served_by:
            chats[key_of(m)].append(m)
    for messages in chats.values():
        for before, m in pairwise(messages):
            if before.sent == m.sent and before.answered != m.answered:
                yield before, m
