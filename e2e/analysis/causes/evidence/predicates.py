"""What may be said of one chat: each condition reads one fact off its clues. `rules` puts them together."""

from __future__ import annotations

from collections.abc import Callable

from e2e.analysis.causes.evidence.chat_evidence import Clues

Condition = Callable[[Clues], bool]


def after_new_chat(c: Clues) -> bool:
    return c.before is not None


def began_with_a_load(c: Clues) -> bool:
    """The first chat of its browser, or of a tab."""
    return c.chat.via == "load" and (not c.earlier or c.chat.tab > 0)


def tab_minted_what_the_browser_had(c: Clues) -> bool:
    """A new tab made an ID, and it came out as one of this browser's."""
    if c.chat.tab == 0:
        return False
    return c.lane.remakes or any(w.changes and w.session in c.old and c.lane.mints(w) for w in c.writes)


def another_browser_has_the_id(c: Clues) -> bool:
    """Whichever of them had it first."""
    return bool(c.elsewhere)


def another_browser_had_the_id(c: Clues) -> bool:
    return bool(c.elsewhere & c.known)


def old_id_came_back(c: Clues) -> bool:
    return c.came_back() is not None


def old_id_was_made_anew(c: Clues) -> bool:
    """Removed and minted again to the same value, or minted over itself."""
    if c.lane.remakes and c.first in c.previous:
        return True
    back = c.came_back()
    return c.minted_again() is not None or (back is not None and c.lane.mints(back))


def old_id_came_back_from_elsewhere(c: Clues) -> bool:
    back = c.came_back()
    if back is None or c.lane.mint is None or c.lane.place(back.path) is None:
        return False
    return not c.lane.mints(back)


def it_or_another_browser_wrote_it(c: Clues) -> bool:
    """The shared ID was written afresh in this chat (or the ID never enters a store, so that no write could be seen)."""
    return not c.lane.watched or old_id_came_back(c) or c.minted_again() is not None or minted_known(c)


def minted_known(c: Clues) -> bool:
    return any(w.changes and w.session in c.elsewhere for w in c.writes)


def id_is_of_an_older_chat(c: Clues) -> bool:
    """Of an earlier chat, and not of the one just before: in whichever tab that was."""
    before = c.earlier[-1] if c.earlier and c.beside else c.previous
    session = c.chat.stored if c.chat.stored_seen else c.first
    return session is not None and session in c.old - before


def its_writing_was_a_minting(c: Clues) -> bool:
    """Seen as a write where the first ID was written; where nothing is stored, as another ID than the tab had sent last."""
    if not c.lane.watched and not c.chat.stored_seen:
        return c.before is None or c.first != c.before.sent_before
    wrote = [w for w in c.writes if w.changes and w.session == c.chat.stored]
    return any(c.lane.mints(w) for w in wrote)


def writes_are_watched(c: Clues) -> bool:
    return c.lane.watched


def no_write_changed_the_key(c: Clues) -> bool:
    return not any(w.changes for w in c.writes) and c.minted_again() is None


def store_kept_the_old_id(c: Clues) -> bool:
    return (
        c.before is not None
        and bool(c.chat.stored_seen)
        and c.chat.stored is not None
        and c.chat.stored == c.before.stored_before
    )


def payloads_follow_the_store(c: Clues) -> bool:
    return all(m.sent == m.stored for m in c.running if m.stored_seen)


def payloads_never_changed(c: Clues) -> bool:
    return len(set(c.sent)) <= 1


def store_let_go_of_the_old_id(c: Clues) -> bool:
    """Seen as a write, and as what the store held when the first payload left that is to carry an ID."""
    if c.before is None or c.change() is None:
        return False
    first = next(iter(c.running), c.chat)
    return bool(first.stored_seen) and first.stored not in c.old | {c.before.sent_before} - {None}


def first_payload_carried_the_previous_id(c: Clues) -> bool:
    return bool(c.sent) and c.before is not None and c.sent[0] is not None and c.sent[0] in c.previous


def payloads_went_on_with_what_was_sent(c: Clues) -> bool:
    """All of them carry what the chat before had sent last."""
    return c.before is not None and c.before.sent_before is not None and set(c.sent) == {c.before.sent_before}


def messages_were_fresh(c: Clues) -> bool:
    return not set(c.sent) & c.old


def only_retries_carried_an_old_id(c: Clues) -> bool:
    """The store does not hold it any more, and what the page had not to send again was fresh."""
    old = {p.session for p in c.retried}
    carried = [m for m in c.messages if m.sent_seen and m.sent in c.old | old]
    return (
        bool(old)
        and len(carried) <= len(c.retried)
        and all(m.sent in old and m.stored not in old for m in carried)
    )


def another_request_went_on_with_an_old_id(c: Clues) -> bool:
    """What is sent besides the messages carries an earlier chat's ID, which the store does not hold any more."""
    return (
        c.chat.via == "new_chat"
        and bool(c.besides)
        and all(p.session in c.old and p.session != c.chat.stored for p in c.besides)
    )


def store_rotated_too_late(c: Clues) -> bool:
    """The store got a fresh ID when the first payload had left already, and later payloads carried it, as far as there were any.

    What a server echoes into the store, and nobody sends, is no rotation.
    """
    fresh = [w for w in c.afterwards if w.changes and w.session is not None and w.session not in c.old]
    moved = len({i for _, i in c.sent_in_lane}) > 1  # where nothing was sent later, other chats tell
    carried = any(
        w.session in later if (later := [i for t, i in c.sent_in_lane if t > w.t]) else moved for w in fresh
    )
    return carried and c.chat.scenario not in ("two-tabs", "return-to-chat")


def store_never_rotated(c: Clues) -> bool:
    """Neither before the first payload nor after it."""
    return not store_rotated_too_late(c)


def rotation_came_after_the_first_payload(c: Clues) -> bool:
    """Seen in what was sent later, or in the store."""
    return later_payloads_were_fresh(c) or (payloads_never_changed(c) and store_rotated_too_late(c))


def later_payloads_were_fresh(c: Clues) -> bool:
    later = set(c.sent[1:])
    return len(c.sent) > 1 and c.sent[0] not in later and not later & (c.known | {None})


def payloads_are_one_behind(c: Clues) -> bool:
    """All carry what the store held before its last change, and somewhere in this run that moved along."""
    if not c.lane.lags or c.before is None or len(set(c.sent)) != 1:
        return False
    return c.sent[0] is not None and (c.sent[0] in c.previous or c.sent[0] == c.one_behind)


def several_fresh_ids_were_sent(c: Clues) -> bool:
    sent = {m.sent for m in c.messages if m.sent_seen and m.number not in c.excused}
    return len(sent) > 1 and not sent & (c.known | c.beside | c.later | {None})


def it_happens_undisturbed(c: Clues) -> bool:
    """Also in a chat in which nothing but messages had happened."""
    return c.lane.mints_often


def sent_follows_the_other_tab(c: Clues) -> bool:
    """After New Chat in another tab of the browser the payloads carry what a chat of that tab has sent."""
    bled = [m for m in c.after("other-tab") if m.sent != c.first]
    return bool(bled) and all(m.sent in c.beside for m in bled)


def provider_follows_the_other_tab(c: Clues) -> bool:
    """The ID stayed, and New Chat in another tab changed who answers: the shared session was ended at the backend."""
    return c.other_tab_moved_it


def older_chat_sends_a_newer_id(c: Clues) -> bool:
    """After going back to a chat its payloads carry what a chat that began later has sent."""
    lost = [m for m in c.after("return") if m.sent != c.first]
    return bool(lost) and all(m.sent in c.later for m in lost)


def loading_brought_an_ended_id_back(c: Clues) -> bool:
    """After a reload, or Back, the payloads carry an ID of an earlier chat, which New Chat had ended."""
    for m in c.after("reload", "back"):
        if m.sent in c.old:
            if m.number:
                return bool(m.sent != c.first)
            return store_had_rotated_before_the_load(c) or c.lane.restores
    return False


def store_had_rotated_before_the_load(c: Clues) -> bool:
    """When the page was loaded again, New Chat had taken the old ID out of the store."""
    changes = [w for w in c.before_load if w.changes]
    return c.loaded and bool(changes) and changes[-1].session not in c.old


def it_came_back_without_a_load(c: Clues) -> bool:
    back = c.came_back()
    return back in c.before_load


def late_text_is_on_the_screen(c: Clues) -> bool:
    return c.chat.shows_from is not None


def leaving_ended_the_session(c: Clues) -> bool:
    """The page took its own ID out of the store between a reply's end and the page load (or Back) that followed, and lost it."""
    return c.left is not None


def a_message_was_lost(c: Clues) -> bool:
    """The page accepted one and never sent it, while others of the run were sent."""
    return c.lost > 0


def a_cache_answered(c: Clues) -> bool:
    """An answer came from a cache, or from a service worker that asked nobody."""
    return any(m.served_by for m in c.messages)


def one_fresh_id_was_sent(c: Clues) -> bool:
    return len(set(c.sent)) == 1 and not set(c.sent) & (c.known | {None})


def another_fresh_id_was_stored(c: Clues) -> bool:
    stored = {m.stored for m in c.running if m.stored_seen}
    return len(stored) == 1 and not stored & (c.known | {None}) and not stored & set(c.sent)


def first_payload_differed_from_the_store(c: Clues) -> bool:
    """The two IDs were there from the beginning; several made one after the other agree at first."""
    first = next(iter(c.running), None)
    return (
        first is not None
        and bool(first.stored_seen)
        and None not in (first.sent, first.stored)
        and first.sent != first.stored
    )


def two_fresh_ids_in_all(c: Clues) -> bool:
    """Sent and stored over the whole chat, however often they change places."""
    found = {m.sent for m in c.running} | {m.stored for m in c.running if m.stored_seen}
    return len(found) == 2 and not found & (c.known | {None})


def payload_had_text_of_an_earlier_chat(c: Clues) -> bool:
    return any(m.bleeds_from is not None for m in c.messages)


def wrong_labels_name_earlier_providers(c: Clues) -> bool:
    answered = list(c.answered)
    wrong: list[bool] = []
    for m in c.messages:
        if None not in (m.label_provider, m.reply_provider) and m.label_provider != m.reply_provider:
            wrong.append(m.label_provider in answered)
        if m.reply_provider is not None:
            answered.append(m.reply_provider)
    return bool(wrong) and all(wrong)


def its_payloads_carried_no_id(c: Clues) -> bool:
    return any(m.sent_seen for m in c.messages) and not any(m.sent for m in c.messages)


def stored_ids_stand_nowhere(c: Clues) -> bool:
    """In no request, header, URL or frame of the run, in no form."""
    return c.lane.never_sent
