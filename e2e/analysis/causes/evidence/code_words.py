"""Predicates on the code words that chats were given: what a reply knows, and what its question carried."""

from __future__ import annotations

from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.model.schema import RecallRow


def reply_named_another_chats_word(c: ChatEvidence) -> bool:
    """It named the word that an earlier chat was given, in this browser or in another."""
    return bool(_named(c))


def question_carried_nothing_of_that_chat(c: ChatEvidence) -> bool:
    """Neither its word, nor other text of an earlier chat, nor an ID that another chat has: the page did not bring it along."""
    others = c.ids_of_chat_before | c.in_other_browsers
    return all(r.named_in_payload is False for r in _named(c)) and not any(
        not m.sent_seen or m.bleeds_from is not None or m.sent in others or m.sent in c.old_ids
        for m in c.messages
    )


def chat_did_not_know_its_word(c: ChatEvidence) -> bool:
    """The reply to a question in the chat that was given the word did not name it."""
    return bool(_lost(c))


def question_carried_the_word(c: ChatEvidence) -> bool:
    """The payload held the message that had given it."""
    return all(r.in_payload for r in _lost(c))


def session_stayed(c: ChatEvidence) -> bool:
    """The chat went on under its one ID, or by its one WebSocket, and its payloads carry no history: the backend holds the conversation."""
    if any(r.in_payload is not False or r.same_line is False for r in _lost(c)) or c.lane.sends_history:
        return False
    carrying = [m for m in c.messages if m.number not in c.without_id]
    ids = {m.sent for m in carrying}
    kept = len(ids) == 1 and None not in ids if carrying else all(r.same_line for r in _lost(c))
    return kept and all(m.sent_seen for m in c.messages)


def carried_an_id_of_another_chat(c: ChatEvidence) -> bool:
    """A payload carried the ID of an earlier chat or of another browser; or none at all, where the store held one."""
    sent = [m for m in c.messages if m.sent_seen]
    carried = [m.sent for m in sent if m.sent is not None]
    return any(i in c.old_ids or i in c.ids_of_chat_before for i in carried) or _never_sent(c)


def changed_its_id(c: ChatEvidence) -> bool:
    """The question carried another ID than the message that gave the word; or neither carried one, where the store held one."""
    sent = {m.number: m.sent for m in c.messages if m.sent_seen}
    questions = [r.message for r in _lost(c) if r.message is not None]
    changed = any(sent[n] != sent[n - 1] for n in questions if n in sent and n - 1 in sent)
    return changed or _never_sent(c)


def _never_sent(c: ChatEvidence) -> bool:
    return c.lane.never_sent and not any(m.sent for m in c.messages)


def _named(c: ChatEvidence) -> list[RecallRow]:
    """The questions to which a reply named another chat's word."""
    return [
        r for r in c.recalls if r.names is not None and (r.names_lane, r.names) != (c.key.lane, c.key.chat)
    ]


def _lost(c: ChatEvidence) -> list[RecallRow]:
    return [r for r in c.recalls if r.word_of == c.key.chat and r.knows is False]
