"""Predicates for an ID in the page's memory: nothing is stored, or the send stores it again from memory."""

from __future__ import annotations

from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.causes.evidence.lane_history import Write
from e2e.analysis.facts.code_locations import functions


def profile_names_no_store(c: ChatEvidence) -> bool:
    """The profile has ``store = "none"``: the ID is in memory only."""
    return not c.lane.stores


def reload_brought_another_id(c: ChatEvidence) -> bool:
    """A page load after New Chat led to a fresh ID, so nothing but memory had kept the old one."""
    return c.lane.reload_brings == "another"


def send_stored_the_old_id_again(c: ChatEvidence) -> bool:
    """The store was empty, and the code of the next send stored the old ID again.

    Where no reload shows that memory held it, the whole path of the write must belong to the send: a function outside may be a
    generator that returns the same ID.
    """
    write = _write_by_the_send(c)
    if write is None or c.lane.reload_brings == "same":
        return False
    return c.lane.reload_brings == "another" or not functions(write.path) - functions(c.send_path)


def _write_by_the_send(c: ChatEvidence) -> Write | None:
    """The write that restored the old ID, where its path is that of the send and not that of New Chat."""
    back, change = c.restoring_write(), c.changing_write()
    if back is None:
        return None
    shared = functions(back.path) & functions(c.send_path)
    if change is not None and change is not back:
        shared -= functions(change.path)
    return back if shared else None


def page_address_holds_the_id(c: ChatEvidence) -> bool:
    """The profile reads the sent ID from the page's address."""
    return c.lane.in_address
