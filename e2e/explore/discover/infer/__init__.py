"""Infers the parts of a profile from the observations, each with evidence and a confidence. Pure: no browser, no file."""

from __future__ import annotations

from e2e.explore.discover.infer.findings import Findings
from e2e.explore.discover.infer.other_requests import find_other_requests
from e2e.explore.discover.infer.replies import find_reply, is_replied_to
from e2e.explore.discover.infer.request import (
    after_typing,
    condition_of,
    find_carriers,
    find_history,
    leave_with_each_message,
)
from e2e.explore.discover.infer.session import find_session
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.watcher import Watcher

__all__ = ["infer", "is_ambiguous"]

_SURE = 0.9
_POOR = 0.55  # below it, another request may have the session ID


def is_ambiguous(found: Findings) -> bool:
    """Whether a message after a reload could show more about the session ID."""
    guess = found.session
    return (
        guess is None or guess.confidence < _SURE or bool(guess.alternatives) or bool(found.suspected_fault)
    )


def infer(watcher: Watcher, observed: Observed) -> Findings:
    """Infer the request of a message, its session ID, its reply and the provider."""
    found = Findings()
    if not observed.turns:
        return found
    carriers = find_carriers(watcher, observed.turns)
    if not carriers:
        found.questions.append(
            "which request carries a message? No request or frame contained the typed text."
        )
        return found
    if len(carriers) > 1:  # a page may save the text too, or send it to have a title made
        carriers.sort(key=lambda c: -(c.score + is_replied_to(watcher, c.sent, observed)))
    sent, why = carriers[0].sent, carriers[0].reason
    pressed = after_typing(watcher, observed.turns, sent)
    if pressed is not None:
        sent, why = pressed, "it left when the message was sent; the text left before, while it was typed"
    found.sent, found.sent_reason = sent, why
    find_session(found, watcher, sent, observed)
    if found.session is None or found.session.confidence < _POOR:
        found = _session_elsewhere(found, watcher, observed)
        sent = found.sent or sent
    found.when = condition_of(watcher, sent)
    found.history = find_history(sent, observed.turns)
    find_reply(found, watcher, sent, observed)
    find_other_requests(found, watcher, observed, carriers)
    if found.session is None and not any("session ID" in q for q in found.questions):
        read = all(value is not None for value in sent.values)
        found.no_id = observed.chats > 1 and read and not found.suspected_fault
    if found.session is None and not found.no_id and not any("session ID" in q for q in found.questions):
        found.questions.append(
            "where is the session ID? No value was constant within each chat and different between the two chats."
            if observed.chats > 1
            else "where is the session ID? Only one chat was seen, and no value in it looks like one."
        )
    return found


def _session_elsewhere(found: Findings, watcher: Watcher, observed: Observed) -> Findings:
    """The findings with another request that leaves with each message, where that one has the session ID."""
    assert found.sent is not None
    best = found
    for other in leave_with_each_message(watcher, observed.turns, found.sent):
        mine = Findings(sent=other, sent_reason="it leaves once with each message")
        find_session(mine, watcher, other, observed)
        better = mine.session is not None and mine.session.confidence >= _POOR
        if better and (best.session is None or mine.session.confidence > best.session.confidence):  # type: ignore[union-attr]
            mine.sent_reason += f", and carries the session; the text is in {found.sent.url}"
            best = mine
    return best
