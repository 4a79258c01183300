"""What was seen of IDs outside the places that the profile names: a wrong profile is no wrong product."""

from __future__ import annotations

from dataclasses import replace

from e2e.capture.records import Chat, Message, RunRecords


def without_wrong_places(run: RunRecords) -> RunRecords:
    """``run``, where an ID was found elsewhere than the profile says: then "no ID" is not a value, it was not seen.

    A rule is meant only where it found no ID in the whole run; a store, where it held none.
    """
    found = [e.data for e in run.events if e.kind == "sighting" and e.data.get("place")]
    rules = {data.get("rule") for data in found if data.get("layer", "sent") == "sent"}
    stores = any(data.get("layer") == "stored" for data in found)
    if not rules and not stores:
        return run
    rule_of = {(e.lane, e.data.get("request")): e.data.get("rule") for e in run.events if e.kind == "payload"}

    def message(chat: Chat, m: Message) -> Message:
        if m.sent is None and rule_of.get((chat.lane, m.request)) in rules:
            m = replace(m, sent_seen=False)
        return replace(m, stored_seen=False) if stores and m.stored is None else m

    def seen(chat: Chat) -> Chat:
        messages = tuple(message(chat, m) for m in chat.messages)
        blind = stores and chat.stored is None
        return replace(chat, messages=messages, stored_seen=chat.stored_seen and not blind)

    return replace(run, chats=tuple(seen(chat) for chat in run.chats))
