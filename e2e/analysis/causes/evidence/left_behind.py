"""What replies do to the stored session: one that New Chat left behind, and one that names the chat a second time."""

from __future__ import annotations

from e2e.analysis.causes.evidence.chat_evidence import Clues


def its_id_came_into_the_chat(c: Clues) -> bool:
    """The reply issued its chat's ID after New Chat, and the new chat stored or sent it."""
    return any(one.late for one in c.foreign)


def its_end_wrote_the_old_id_back(c: Clues) -> bool:
    """The chat before was left while its reply streamed; the store had a fresh ID, and then got the old chat's again.

    A generator that makes the same ID anew never lets the store come to a fresh one.
    """
    if not c.follows_a_cut:
        return False
    fresh = False
    for w in (*c.writes, *c.afterwards):
        if w.op == "start":
            return False
        if fresh and w.changes and w.session is not None and w.session in c.previous:
            return True
        fresh = fresh or (w.changes and w.session is not None and w.session not in c.old)
    return False


def several_ids_were_stored(c: Clues) -> bool:
    """One over the other, with no New Chat between, where the backend issues them."""
    return len(c.several) > 1
