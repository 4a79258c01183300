"""What was seen of IDs outside the places that the profile names: a wrong profile is no wrong product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from e2e.records.records import Chat, Message, RunRecords
from e2e.records.selection import of_kind

ELSEWHERE = "the session ID is in "
"""Begins the reason that a message shows no ID, where the profile is wrong."""


def without_wrong_places(run: RunRecords) -> RunRecords:
    """``run``, where an ID was found elsewhere than the profile says: then "no ID" is not a value, it was not seen.

    A rule is meant only where it found no ID in the whole run; a store, where it held none.
    """
    found = [e.data for e in of_kind(run.events, "sighting") if e.data.get("place")]
    places = {d.get("rule"): _place(d) for d in found if d.get("layer", "sent") == "sent"}
    stores = any(data.get("layer") == "stored" for data in found)
    if not places and not stores:
        return run
    rule_of = {(e.lane, e.data.get("request")): e.data.get("rule") for e in of_kind(run.events, "payload")}

    def message(chat: Chat, m: Message) -> Message:
        rule = rule_of.get((chat.lane, m.request))
        if m.sent is None and rule in places:
            m = replace(m, sent_seen=False, unreadable=m.unreadable or places[rule])
        return replace(m, stored_seen=False) if stores and m.stored is None else m

    def seen(chat: Chat) -> Chat:
        messages = tuple(message(chat, m) for m in chat.messages)
        blind = stores and chat.stored is None
        return replace(chat, messages=messages, stored_seen=chat.stored_seen and not blind)

    return replace(run, chats=tuple(seen(chat) for chat in run.chats))


def _place(sighting: Mapping[str, Any]) -> str:
    form = f" ({sighting['form']})" if sighting.get("form") else ""
    return f"{ELSEWHERE}{sighting['place']}{form}, and the profile's wire rule names another place"
