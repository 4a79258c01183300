"""What the providers show of a chat that sends no session ID: nothing says whether New Chat began another session at the backend."""

from __future__ import annotations

from collections import Counter

from e2e.analysis.checks.variation import expected_shares
from e2e.analysis.facts.freshness import Place, contexts
from e2e.analysis.facts.sessions import sessions
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of
from e2e.analysis.stats import significance

NO_ID_NOTE = (
    "this chat sends no session ID, so nothing shows whether the page or the backend kept, or changed, the session"
    ' (policy.affinity = "none" if each message may reach another provider)'
)


def holds(_: Run) -> bool:
    """No session that is kept, or lost, by the page looks like this."""
    return True


def chats_without_id(run: Run) -> frozenset[ChatKey] | None:
    """All chats of a run whose chats send no session ID; None where they send one.

    There a session that the backend keeps over New Chat keeps its provider, and no ID shows that it is one session.
    """
    return None if run.policy.sends_id else frozenset(key_of(chat) for chat in run.every(ChatRow))


def one_provider_in_all_browsers(run: Run) -> bool:
    """The first sessions of the browsers are enough for it: no page can keep a session over several browsers."""
    first: dict[Place, str] = {}
    for session in sessions(run).values():
        if session.provider is not None:
            first.setdefault(contexts(run)[session.chats[0]], session.provider)
    counts = Counter(first.values())
    return significance.spread(counts.values(), expected_shares(run), run.alpha).decision == "pinned"
