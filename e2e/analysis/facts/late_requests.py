"""Payloads without a message's text that came late, and those that one session has more of than its messages account for.

A read receipt, or an autosave, may leave some seconds after its reply, when two or three New Chats were clicked already. By its
session it is the older chat's, by its time the newer one's. Only a number tells: a session that everything sticks to has more of
them than its messages bring on this page.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.wording import key_of

_Kind = tuple[str, int, str]
"""Run, lane, wire rule."""


def may_be_late(run: Run, payload: Any) -> bool:
    """It may belong to the older chat whose session it carries. Evidence that does not tell about texts excuses nothing."""
    if payload.by_text is not False:
        return False
    return (payload.run_id, payload.lane, payload.rule, payload.session) not in _in_excess(run)


def _in_excess(run: Run) -> frozenset[tuple[str, int, str, str]]:
    """Lane, rule and session of which more came than is usual for as many messages."""

    def collect() -> frozenset[tuple[str, int, str, str]]:
        messages = _messages_by_session(run)
        came: dict[_Kind, Counter[str]] = defaultdict(Counter)
        for p in rows(run.payloads):
            if p.by_text is False and p.session is not None:
                came[p.run_id, p.lane, p.rule][p.session] += 1
        found: set[tuple[str, int, str, str]] = set()
        for (run_id, lane, rule), counts in came.items():
            sent = messages[run_id, lane]
            for session, n in counts.items():
                others = [counts[other] / m for other, m in sent.items() if other != session]
                if n > sent[session] * max(1.0, _usual(others)):
                    found.add((run_id, lane, rule, session))
        return frozenset(found)

    return run.once("payloads_in_excess", collect)


def _messages_by_session(run: Run) -> Mapping[tuple[str, int], Counter[str]]:
    """How many messages of a lane were of each session. One that carried no ID was of all that its chat had."""
    chats: dict[Any, list[Any]] = defaultdict(list)
    for m in rows(run.messages):
        chats[key_of(m)].append(m)
    found: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for key, messages in chats.items():
        own = [{i for i in (m.sent, m.issued) if i is not None} for m in messages]
        of_chat = set[str]().union(*own)
        for ids in own:
            found[key.run_id, key.lane].update(ids or of_chat)
    return found


def _usual(ratios: Sequence[float]) -> float:
    """What three of four sessions do not exceed: a few that all payloads stick to say nothing of what is usual."""
    ordered = sorted(ratios, reverse=True)
    return ordered[len(ordered) // 4] if ordered else 0.0
