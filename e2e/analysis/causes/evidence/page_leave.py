"""What a page does to its session when the user leaves it: by a reload, or for another page and Back."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import attrgetter

from e2e.analysis.causes.evidence.lane_history import Write, write_of
from e2e.analysis.ids.writes import OwnWrite
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow

_time = attrgetter("t")
_LEAVES = ("reload", "back")


def leave_write(
    run: Run, writes: Sequence[OwnWrite], chat: ChatRow, messages: Sequence[MessageRow]
) -> Write | None:
    """The write by which the page, when it was left, removed the chat's ID from the store, where the next page continued without it.

    ``writes`` are those of the lane, in order of time. Between a reply's end and the start of the next page the only event is the
    leaving. A page from the back/forward cache does not start again; there the interval lasts until the next payload.
    """
    for before, m in zip((None, *messages), messages, strict=False):
        if m.after not in _LEAVES or not m.sent_seen:
            continue
        # Left right after New Chat: the lost ID is the one that the page from the back/forward cache continues with.
        own, since = (m.sent, chat.began) if before is None else (before.sent, before.ended_at)
        if own is None or since is None or (m.sent == own and (not m.stored_seen or m.stored == own)):
            continue
        until = m.sent_at if m.sent_at is not None else chat.ended
        here = range(bisect_left(writes, since, key=_time), bisect_right(writes, until, key=_time))
        mine = [w for n in here if (w := writes[n]).tab == chat.tab]
        start = next((n for n, w in enumerate(mine) if w.op == "start"), len(mine))
        gone = next(
            (w for w in reversed(mine[:start]) if w.by == "page" and w.previous == own and w.session != own),
            None,
        )
        held = mine[start].session if start < len(mine) else m.stored
        if gone is not None and held != own:
            return write_of(run, gone)
    return None
