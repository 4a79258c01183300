"""Predicates for replies that change the stored session: one that still streams at New Chat, one that issues a second ID."""

from __future__ import annotations

from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence


def issued_id_arrived_in_the_new_chat(c: ChatEvidence) -> bool:
    """After New Chat the old reply issued the ID of its own chat, and the new chat stored or sent it."""
    return any(one.late for one in c.foreign_ids)


def stream_end_restored_the_old_id(c: ChatEvidence) -> bool:
    """The store had a fresh ID, then the end of the old chat's reply stored the old ID again.

    With a generator that returns the same ID the store never holds a fresh one.
    """
    if not c.follows_an_aborted_reply:
        return False
    fresh = False
    for w in (*c.writes, *c.later_writes):
        if w.op == "start":
            return False
        if fresh and w.changes and w.session is not None and w.session in c.previous_ids:
            return True
        fresh = fresh or (w.changes and w.session is not None and w.session not in c.old_ids)
    return False


def several_ids_were_stored_in_the_chat(c: ChatEvidence) -> bool:
    """The backend issues the IDs, and the chat stored several of them, one over the other, without New Chat between."""
    return len(c.stored_one_after_another) > 1
