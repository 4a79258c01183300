"""What a page load after New Chat brings: the old ID again (something keeps it), or another (the old one was in memory only)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

from e2e.analysis.facts.id_history import given_by_reply
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import IssuedRow, MessageRow, TransitionRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

_FORGOTTEN = "none"
"""In place of an ID: the loaded page sent none, and no reply to it was seen to issue one."""
Brings = Literal["", "same", "another"]
"""``""``: no such load was seen, or two of them differ."""


def brings(run: Run, run_id: str) -> Brings:
    """Over all chats of one run, those of the experiment included.

    Where the backend issues the ID, the page that was loaded sends none: the ID of that chat is the one in its reply.
    """
    return run.once("reloads", lambda: _collect(run)).get(run_id, "")


def _collect(run: Run) -> Mapping[str, Brings]:
    found: dict[str, set[Brings]] = defaultdict(set)
    for run_id, before, after, known in _loads(run):
        if before is not None and after is not None:
            if after == before:
                found[run_id].add("same")
            elif not known:
                found[run_id].add("another")
    return {run_id: next(iter(what)) for run_id, what in found.items() if len(what) == 1}


def _loads(run: Run) -> list[tuple[str, str | None, str | None, bool]]:
    """``(run, ID before, ID after, whether an earlier chat had sent that one)`` of every load that can tell."""
    found: list[tuple[str, str | None, str | None, bool]] = []
    for run_id, first, second in _of_the_experiment(run):
        found.append((run_id, first, second, False))
    sent: dict[tuple[str, int], set[str | None]] = defaultdict(set)
    last: dict[ChatKey, str | None] = {}
    issued = _issued(run)
    before = {key_of(t): t.sent_before for t in run.every(TransitionRow)}
    for m in sorted(run.every(MessageRow), key=lambda m: m.sent_at or 0.0):
        if not m.sent_seen:
            continue
        key, lane = key_of(m), (m.run_id, m.lane)
        after = _brought(run, m.sent, issued.get((*key, m.number)))
        if m.after == "reload" and m.number == 0 and key in before:
            found.append((m.run_id, before[key], after, after in sent[lane]))
        elif m.after == "reload" and key in last and run.policy.store == "none" and not run.policy.in_address:
            found.append((m.run_id, last[key], after, after in sent[lane]))
        last[key] = m.sent or issued.get((*key, m.number))
        sent[lane].add(m.sent)
    return found


def _of_the_experiment(run: Run) -> list[tuple[str, str | None, str | None]]:
    """``(run, ID before New Chat and the load, ID after both)``."""
    found = []
    for run_id in dict.fromkeys(c.run_id for c in run.side if c.experiment == "reload"):
        mine = [c for c in run.side if c.experiment == "reload" and c.run_id == run_id]
        mine = sorted(mine, key=lambda c: c.chat)[:2]
        if len(mine) < 2 or any(c.status != "observed" or not c.messages for c in mine):
            continue
        first, second = mine[0].messages[-1], mine[1].messages[0]
        if first.sent_seen and second.sent_seen:
            after = _brought(run, second.sent, second.issued)
            found.append((run_id, first.sent or first.issued, after))
    return found


def _brought(run: Run, sent: str | None, issued: str | None) -> str | None:
    """The ID of a chat after a page load: the sent one, or where the backend issues it and none was sent, the one of the reply.

    Where nothing is stored either, a page that sends none has forgotten the old ID, whichever the reply brings.
    """
    if sent is not None or not given_by_reply(run):
        return sent
    return issued or (_FORGOTTEN if run.policy.store == "none" else None)


def _issued(run: Run) -> Mapping[tuple[object, ...], str]:
    """``(run, lane, chat, message)`` -> the ID that the reply issued."""
    return {
        (i.run_id, i.lane, i.chat, i.message): i.session
        for i in run.every(IssuedRow)
        if i.session is not None
    }
