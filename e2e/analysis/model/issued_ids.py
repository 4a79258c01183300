"""The session IDs that replies issued, by message."""

from __future__ import annotations

from collections.abc import Mapping

from e2e.records.records import RunRecords


def issued_ids(run: RunRecords) -> Mapping[tuple[int, int, int], str]:
    """``(lane, chat, message)`` -> the ID that the reply to it issued.

    Where nothing is stored, an ID comes up only when it is sent: after the message's record was made, so the events know more.
    """
    found = {(c.lane, c.chat, m.number): m.issued for c in run.chats for m in c.messages if m.issued}
    for event in run.events:
        session, message = event.data.get("session"), event.data.get("message")
        if event.kind == "issued" and session and message is not None and event.chat is not None:
            found.setdefault((event.lane, event.chat, message), session)
    return found
