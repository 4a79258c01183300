"""Which write to the key a cause is about."""

from __future__ import annotations

from e2e.analysis.causes.evidence.chat_evidence import Clues
from e2e.analysis.causes.evidence.lane_history import Write


def write_that_dropped_the_old_id(c: Clues) -> Write | None:
    """The first write after the click that changed the stored ID; else that of an earlier chat which emptied the store."""
    return c.change()


def write_of_the_old_id(c: Clues) -> Write | None:
    """The write that restored the old ID, or that generated it again."""
    return c.came_back() or c.minted_again()


def write_of_the_stored_id(c: Clues) -> Write | None:
    """The write that stored the ID which the chat has in the store."""
    return next((w for w in c.writes if w.session is not None and w.session == c.chat.stored), None)


def write_at_page_leave(c: Clues) -> Write | None:
    """The write by which the page, when it was left, removed the chat's ID."""
    return c.left


def removal_before_restore(c: Clues, restoring: Write | None) -> Write | None:
    """The write by which New Chat, or an earlier chat, had removed what was restored."""
    return next((w for w in c.writes if w.changes and w is not restoring), c.emptied)


def write_of_another_own_id(c: Clues) -> Write | None:
    """It stored another ID of the chat's own over one that the chat had."""
    if not c.several:
        return None
    return next((w for w in c.afterwards if w.session == c.several[-1]), None)
