"""From a watched conversation to the parts of a profile, each with its evidence and a confidence. Pure: no browser, no file."""

from __future__ import annotations

from e2e.explore.discover.infer.answer import read_answer
from e2e.explore.discover.infer.common import Findings
from e2e.explore.discover.infer.request import condition_of, find_history, find_sending
from e2e.explore.discover.infer.session import find_session
from e2e.explore.discover.said import Said
from e2e.explore.discover.watch import Watcher

__all__ = ["infer"]


def infer(watcher: Watcher, said: Said) -> Findings:
    """Find the chat's request, its session, its answer and what else a profile says."""
    found = Findings()
    sending, why = find_sending(watcher, said.turns)
    found.sending, found.sending_why = sending, why
    if sending is None:
        found.questions.append("which request carries a message? None was seen with the typed text in it.")
        return found
    found.when = condition_of(watcher, sending)
    find_session(found, watcher, sending, said)
    found.history = find_history(sending, said.turns)
    read_answer(found, watcher, sending, said)
    if found.session is None:
        found.questions.append("where is the session ID? No value of the payloads is one in both chats.")
    if found.provider is None:
        found.questions.append("who answers? No field or header of the replies looks like a provider's name.")
    return found
