"""Conditions about an ID that the page keeps in its memory: with no store at all, or stored again from there by the send."""

from __future__ import annotations

from e2e.analysis.causes.evidence.chat_evidence import Clues
from e2e.analysis.causes.evidence.lane_history import Write
from e2e.analysis.facts.code_locations import functions


def nothing_is_stored(c: Clues) -> bool:
    """By the profile: the ID lives in the page's memory."""
    return not c.lane.stores


def a_reload_brought_another(c: Clues) -> bool:
    """A page load after New Chat led to a fresh ID: what was sent before it was kept in memory, and by nothing else."""
    return c.lane.reload == "another"


def the_send_stored_it_again(c: Clues) -> bool:
    """The store was empty, and the path of the next send put the old ID back.

    Without a reload that shows it, only where the send itself wrote: a function that only the write went through may generate.
    """
    write = _published(c)
    if write is None or c.lane.reload == "same":
        return False
    return c.lane.reload == "another" or not functions(write.path) - functions(c.send)


def _published(c: Clues) -> Write | None:
    """The write that brought the old ID back, if it was made on the path of the send and not on that of New Chat."""
    back, change = c.came_back(), c.change()
    if back is None:
        return None
    shared = functions(back.path) & functions(c.send)
    if change is not None and change is not back:
        shared -= functions(change.path)
    return back if shared else None


def the_address_holds_the_id(c: Clues) -> bool:
    """By the profile: what counts as sent is read from the page's address."""
    return c.lane.in_address
