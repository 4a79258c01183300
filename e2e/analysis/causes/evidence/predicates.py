"""Predicates on one chat: each reads one fact from its evidence. The rules of the causes combine them."""

from __future__ import annotations

from collections.abc import Callable

from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.causes.evidence.rows_by_chat import LanePayloads
from e2e.records.records import SERVED_UNSEEN

Predicate = Callable[[ChatEvidence], bool]


def after_new_chat(c: ChatEvidence) -> bool:
    return c.before is not None


def started_by_page_load(c: ChatEvidence) -> bool:
    """The first chat of a browser, or of a tab."""
    return c.chat.via == "load" and (not c.earlier or c.chat.tab > 0)


def new_tab_generated_a_known_id(c: ChatEvidence) -> bool:
    """A new tab generated an ID that this browser had already."""
    if c.chat.tab == 0:
        return False
    return c.lane.regenerates_on_load or any(
        w.changes and w.session in c.old_ids and c.lane.generates(w) for w in c.writes
    )


def id_is_in_another_browser(c: ChatEvidence) -> bool:
    """Whichever browser had it first."""
    return bool(c.in_other_browsers)


def id_was_in_another_browser_before(c: ChatEvidence) -> bool:
    return bool(c.in_other_browsers & c.seen_earlier)


def old_id_was_restored(c: ChatEvidence) -> bool:
    return c.restoring_write() is not None


def old_id_was_generated_again(c: ChatEvidence) -> bool:
    """Removed and then generated with the same value, or overwritten with the same value by the generator."""
    if c.lane.regenerates_on_load and c.first in c.previous_ids:
        return True
    back = c.restoring_write()
    return c.regenerating_write() is not None or (back is not None and c.lane.generates(back))


def old_id_was_restored_by_other_code(c: ChatEvidence) -> bool:
    back = c.restoring_write()
    if back is None or c.lane.generator is None or c.lane.place(back.path) is None:
        return False
    return not c.lane.generates(back)


def shared_id_was_written_in_this_chat(c: ChatEvidence) -> bool:
    """This chat wrote the shared ID; where nothing is stored, no write can be seen and this holds too."""
    return (
        not c.lane.writes_seen
        or old_id_was_restored(c)
        or c.regenerating_write() is not None
        or generated_an_id_of_another_browser(c)
    )


def generated_an_id_of_another_browser(c: ChatEvidence) -> bool:
    return any(w.changes and w.session in c.in_other_browsers for w in c.writes)


def id_belongs_to_an_older_chat(c: ChatEvidence) -> bool:
    """The ID of an earlier chat, not of the previous one, in any tab."""
    before = c.earlier[-1] if c.earlier and c.ids_of_other_tabs else c.previous_ids
    session = c.chat.stored if c.chat.stored_seen else c.first
    return session is not None and session in c.old_ids and session not in before


def id_was_written_by_the_generator(c: ChatEvidence) -> bool:
    """Written by the code that wrote the first ID; where nothing is stored, another ID than the tab had sent last."""
    if not c.lane.writes_seen and not c.chat.stored_seen:
        return c.before is None or c.first != c.before.sent_before
    wrote = [w for w in c.writes if w.changes and w.session == c.chat.stored]
    return any(c.lane.generates(w) for w in wrote)


def writes_were_observed(c: ChatEvidence) -> bool:
    return c.lane.writes_seen


def no_write_changed_the_key(c: ChatEvidence) -> bool:
    return not any(w.changes for w in c.writes) and c.regenerating_write() is None


def store_kept_the_old_id(c: ChatEvidence) -> bool:
    return (
        c.before is not None
        and c.chat.stored_seen
        and c.chat.stored is not None
        and c.chat.stored == c.before.stored_before
    )


def store_kept_the_id_of_another_tab(c: ChatEvidence) -> bool:
    """Another tab had replaced the ID in the store that both share, before this tab's New Chat, and its ID was still there at the send."""
    if not store_kept_the_old_id(c) or c.before is None:
        return False
    return c.chat.stored in c.ids_of_other_tabs and c.chat.stored != c.before.sent_before


def store_got_no_id_after_the_first_payload(c: ChatEvidence) -> bool:
    return not any(w.changes and w.session is not None for w in c.later_writes)


def sent_ids_equal_stored_ids(c: ChatEvidence) -> bool:
    return all(m.sent == m.stored for m in c.running if m.stored_seen)


def sent_id_never_changed(c: ChatEvidence) -> bool:
    return len(set(c.sent)) <= 1


def store_dropped_the_old_id(c: ChatEvidence) -> bool:
    """A write removed or replaced it, and the store had no old ID when the first payload that must carry an ID was sent."""
    if c.before is None or c.changing_write() is None:
        return False
    first = next(iter(c.running), c.chat)
    old = first.stored is not None and (first.stored in c.old_ids or first.stored == c.before.sent_before)
    return first.stored_seen and not old


def first_payload_carried_the_previous_id(c: ChatEvidence) -> bool:
    return bool(c.sent) and c.before is not None and c.sent[0] is not None and c.sent[0] in c.previous_ids


def payloads_kept_the_last_sent_id(c: ChatEvidence) -> bool:
    """All of them carry the ID that the chat before had sent last."""
    return c.before is not None and c.before.sent_before is not None and set(c.sent) == {c.before.sent_before}


def messages_carried_fresh_ids(c: ChatEvidence) -> bool:
    return not set(c.sent) & c.old_ids


def only_retries_carried_an_old_id(c: ChatEvidence) -> bool:
    """The store no longer holds it, and messages that were not sent again carried fresh IDs."""
    old = {p.session for p in c.resent_payloads}
    carried = [m for m in c.messages if m.sent_seen and (m.sent in c.old_ids or m.sent in old)]
    return (
        bool(old)
        and len(carried) <= len(c.resent_payloads)
        and all(m.sent in old and m.stored not in old for m in carried)
    )


def another_request_carried_an_old_id(c: ChatEvidence) -> bool:
    """Requests other than the messages carry an earlier chat's ID that the store no longer holds."""
    return (
        c.chat.via == "new_chat"
        and bool(c.secondary_payloads)
        and all(p.session in c.old_ids and p.session != c.chat.stored for p in c.secondary_payloads)
    )


def store_rotated_after_the_first_payload(c: ChatEvidence) -> bool:
    """The store got a fresh ID after the first payload was sent, and later payloads carried it, if there were any.

    What a server echoes into the store, and nobody sends, is no rotation.
    """
    fresh = [w for w in c.later_writes if w.changes and w.session is not None and w.session not in c.old_ids]
    sent = LanePayloads.of(c.sent_in_lane)
    moved = len(sent.last) > 1  # where nothing was sent later, other chats tell
    carried = any(sent.last.get(w.session or "", w.t) > w.t if sent.after(w.t) else moved for w in fresh)
    return carried and c.chat.scenario not in ("two-tabs", "return-to-chat")


def store_never_rotated(c: ChatEvidence) -> bool:
    """Neither before the first payload nor after it."""
    return not store_rotated_after_the_first_payload(c)


def rotation_came_after_the_first_payload(c: ChatEvidence) -> bool:
    """Later payloads show it, or the store does."""
    return later_payloads_carried_fresh_ids(c) or (
        sent_id_never_changed(c) and store_rotated_after_the_first_payload(c)
    )


def later_payloads_carried_fresh_ids(c: ChatEvidence) -> bool:
    later = set(c.sent[1:])
    return len(c.sent) > 1 and c.sent[0] not in later and not later & (c.seen_earlier | {None})


def payloads_are_one_chat_behind(c: ChatEvidence) -> bool:
    """All carry the ID that the store held before its last change, and in this run that ID changes from chat to chat."""
    if not c.lane.sends_one_behind or c.before is None or len(set(c.sent)) != 1:
        return False
    return c.sent[0] is not None and (c.sent[0] in c.previous_ids or c.sent[0] == c.id_before_the_last_change)


def several_fresh_ids_were_sent(c: ChatEvidence) -> bool:
    sent = {m.sent for m in c.messages if m.sent_seen and m.number not in c.without_id}
    known = (c.seen_earlier, c.ids_of_other_tabs, c.ids_of_later_chats)
    return len(sent) > 1 and not any(i is None or any(i in ids for ids in known) for i in sent)


def ids_change_without_user_action(c: ChatEvidence) -> bool:
    """Some chat of the run sent several IDs although the user only sent messages."""
    return c.lane.generates_often


def old_id_was_restored_without_a_page_load(c: ChatEvidence) -> bool:
    back = c.restoring_write()
    return back in c.writes_before_load


def screen_shows_text_of_an_older_reply(c: ChatEvidence) -> bool:
    return c.chat.shows_from is not None


def message_was_lost(c: ChatEvidence) -> bool:
    """The page accepted a message and never sent it, while others of the run were sent."""
    return c.lost_messages > 0


def reply_came_from_a_cache(c: ChatEvidence) -> bool:
    """From the browser's cache, or from a service worker that sent no request."""
    return any(m.served_by not in ("", SERVED_UNSEEN) for m in c.messages)


def one_fresh_id_was_sent(c: ChatEvidence) -> bool:
    return len(set(c.sent)) == 1 and not set(c.sent) & (c.seen_earlier | {None})


def another_fresh_id_was_stored(c: ChatEvidence) -> bool:
    stored = {m.stored for m in c.running if m.stored_seen}
    return len(stored) == 1 and not stored & (c.seen_earlier | {None}) and not stored & set(c.sent)


def first_payload_differed_from_the_store(c: ChatEvidence) -> bool:
    """Both IDs existed from the start. IDs that are generated one after the other agree at first."""
    first = next(iter(c.running), None)
    return (
        first is not None
        and first.stored_seen
        and None not in (first.sent, first.stored)
        and first.sent != first.stored
    )


def exactly_two_fresh_ids(c: ChatEvidence) -> bool:
    """Sent or stored during the whole chat, however often the two swap."""
    found = {m.sent for m in c.running} | {m.stored for m in c.running if m.stored_seen}
    return len(found) == 2 and not found & (c.seen_earlier | {None})


def payload_contains_text_of_an_earlier_chat(c: ChatEvidence) -> bool:
    return any(m.bleeds_from is not None for m in c.messages)


def wrong_labels_name_earlier_providers(c: ChatEvidence) -> bool:
    answered: list[str] = []
    wrong: list[bool] = []
    for m in c.messages:
        if None not in (m.label_provider, m.reply_provider) and m.label_provider != m.reply_provider:
            wrong.append(m.label_provider in answered or m.label_provider in c.earlier_providers)
        if m.reply_provider is not None:
            answered.append(m.reply_provider)
    return bool(wrong) and all(wrong)


def payloads_carried_no_id(c: ChatEvidence) -> bool:
    return any(m.sent_seen for m in c.messages) and not any(m.sent for m in c.messages)


def stored_id_was_never_sent(c: ChatEvidence) -> bool:
    """In no request, header, URL or frame of the run, in no encoding."""
    return c.lane.never_sent
