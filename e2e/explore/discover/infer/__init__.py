"""Infers the parts of a profile from the observations, each with evidence and a confidence. Pure: no browser, no file."""

from __future__ import annotations

from e2e.explore.discover.infer.findings import Findings
from e2e.explore.discover.infer.replies import find_reply
from e2e.explore.discover.infer.request import condition_of, find_history, find_sent_messages
from e2e.explore.discover.infer.session import find_session
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.watcher import Watcher

__all__ = ["infer"]


def infer(watcher: Watcher, observed: Observed) -> Findings:
    """Infer the request of a message, its session ID, its reply and the provider."""
    found = Findings()
    sent, why = find_sent_messages(watcher, observed.turns)
    found.sent, found.sent_reason = sent, why
    if sent is None:
        found.questions.append(
            "which request carries a message? No request or frame contained the typed text."
        )
        return found
    found.when = condition_of(watcher, sent)
    find_session(found, watcher, sent, observed)
    found.history = find_history(sent, observed.turns)
    find_reply(found, watcher, sent, observed)
    if found.session is None:
        found.questions.append(
            "where is the session ID? No value was constant within each chat and different between the two chats."
        )
    if found.provider is None:
        found.questions.append(
            "where is the provider? No field or header of the replies looks like a provider's name."
        )
    return found
