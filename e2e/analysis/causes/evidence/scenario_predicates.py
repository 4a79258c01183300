"""Predicates on what a chat shows after a reload, Back, New Chat in another tab, or a return to it."""

from __future__ import annotations

from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence


def sent_id_follows_the_other_tab(c: ChatEvidence) -> bool:
    """After New Chat in another tab the payloads carry an ID that a chat of that tab has sent."""
    bled = [m for m in c.after("other-tab") if m.sent != c.first]
    return bool(bled) and all(m.sent in c.ids_of_other_tabs for m in bled)


def provider_follows_the_other_tab(c: ChatEvidence) -> bool:
    """The ID stayed, and New Chat in another tab changed the provider: the shared session was ended at the backend."""
    return c.other_tab_changed_provider


def older_chat_sends_a_newer_id(c: ChatEvidence) -> bool:
    """After the user returned to a chat, its payloads carry the ID of a chat that began later."""
    lost = [m for m in c.after("return") if m.sent != c.first]
    return bool(lost) and all(m.sent in c.ids_of_later_chats for m in lost)


def page_load_restored_an_ended_id(c: ChatEvidence) -> bool:
    """After a reload or Back the payloads carry the ID of an earlier chat, which New Chat had ended."""
    for m in c.after("reload", "back"):
        if m.sent in c.old_ids:
            if m.number:
                return m.sent != c.first
            return store_rotated_before_the_page_load(c) or c.lane.restores_on_load
    return False


def store_rotated_before_the_page_load(c: ChatEvidence) -> bool:
    """New Chat had removed the old ID from the store before the page was loaded again."""
    changes = [w for w in c.writes_before_load if w.changes]
    return c.page_was_loaded and bool(changes) and changes[-1].session not in c.old_ids


def leaving_ended_the_session(c: ChatEvidence) -> bool:
    """The page removed the chat's ID between a reply's end and the following page load or Back, and continued without it."""
    return c.write_at_leave is not None


def page_load_began_a_session(c: ChatEvidence) -> bool:
    """After a reload or Back the payloads carry an ID that no chat had before, and leaving the page ended nothing."""
    own = c.first
    others = (c.seen_earlier, c.old_ids, c.ids_of_other_tabs, c.ids_of_later_chats)
    loaded = [m for m in c.after("reload", "back") if m.number and m.sent != own]
    begun = bool(loaded) and not any(m.sent is None or any(m.sent in ids for ids in others) for m in loaded)
    return begun and own is not None and c.write_at_leave is None
