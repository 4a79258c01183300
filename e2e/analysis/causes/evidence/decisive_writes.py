"""Which write to the key a cause is about."""

from __future__ import annotations

from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.causes.evidence.lane_history import Write


def write_that_dropped_the_old_id(c: ChatEvidence) -> Write | None:
    """The first write after the click that changed the stored ID; else that of an earlier chat which emptied the store."""
    return c.changing_write()


def write_of_the_old_id(c: ChatEvidence) -> Write | None:
    """The write that restored the old ID, or that generated it again."""
    return c.restoring_write() or c.regenerating_write()


def write_of_the_stored_id(c: ChatEvidence) -> Write | None:
    """The write that stored the ID which the chat has in the store."""
    return next((w for w in c.writes if w.session is not None and w.session == c.chat.stored), None)


def write_at_page_leave(c: ChatEvidence) -> Write | None:
    """The write by which the page, when it was left, removed the chat's ID."""
    return c.write_at_leave


def removal_before_restore(c: ChatEvidence, restoring: Write | None) -> Write | None:
    """The write by which New Chat, or an earlier chat, had removed what was restored."""
    return next((w for w in c.writes if w.changes and w is not restoring), c.earlier_removal)


def write_of_another_issued_id(c: ChatEvidence) -> Write | None:
    """It stored another ID of the chat's own over one that the chat had."""
    if not c.stored_one_after_another:
        return None
    return next((w for w in c.later_writes if w.session == c.stored_one_after_another[-1]), None)
