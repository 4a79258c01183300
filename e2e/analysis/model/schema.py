"""The columns of a run's frames, with their dtypes."""

from __future__ import annotations

from e2e.analysis.model.columns import Columns

_LANE: Columns = {"run_id": "string", "mask_key": "string", "lane": "Int64", "chat": "Int64"}

CHATS: Columns = _LANE | {
    "order": "Int64",  # rank by begin over all runs
    "scenario": "string",
    "via": "string",
    "context": "Int64",
    "tab": "Int64",  # 0 is the lane's own, others were opened beside it
    "status": "string",
    "reason": "string",
    "began": "Float64",
    "ended": "Float64",
    "stored_before": "string",
    "stored_seen": "boolean",
    "stored": "string",
    "sent_seen": "boolean",  # of the first message
    "sent": "string",
    "provider": "string",  # who answered first
    "screen_messages": "Int64",
    "screen_seen": "boolean",  # searched for late text of earlier chats
    "shows_from": "Int64",  # the chat whose late text was found
    "cut": "boolean",  # left while its reply was streaming
    "screen_compared": "boolean",  # its first screen was compared with the texts of earlier chats
    "screen_from": "Int64",  # the earlier chat whose text it showed
    "reply_followed": "boolean",  # the text of the reply that was left behind could be read
    "messages": "Int64",
}

MESSAGES: Columns = _LANE | {
    "order": "Int64",
    "chat_status": "string",
    "scenario": "string",
    "number": "Int64",
    "after": "string",  # what happened since the message before: reload, other-tab, back, return, or ""
    "after_reload": "boolean",
    "loaded": "boolean",  # the page was loaded anew between the message before (or New Chat) and this one
    "sent_at": "Float64",
    "ended_at": "Float64",
    "first_chunk_at": "Float64",
    "stored_seen": "boolean",
    "stored": "string",
    "sent_seen": "boolean",
    "sent": "string",
    "reply_provider": "string",
    "backend_provider": "string",
    "label_provider": "string",
    "answered": "string",  # the provider, by the first layer of the policy's that names one
    "answered_by": "string",  # that layer: reply, backend, label
    "status": "Int64",
    "outcome": "string",
    "chunks": "Int64",
    "bleeds_from": "Int64",
    "seen_on_screen": "boolean",
    "request": "string",
    "served_by": "string",  # what answered in the network's place, or ""
    "unreadable": "string",  # why the body could not be decoded, or ""
    "accepted": "string",  # how the page showed that it took an unsent message, or ""
    "issued": "string",  # the session ID that the server made and issued in the reply
    "ended_elsewhere": "boolean",  # refused for a session that another tab's New Chat had just ended
}

TRANSITIONS: Columns = (
    _LANE
    | {
        "order": "Int64",
        "scenario": "string",
        "context": "Int64",
        "tab": "Int64",
        "chat_before": "Int64",
        "began": "Float64",
        "stored_before": "string",  # just before the click
        "stored_seen": "boolean",
        "stored": "string",
        "sent_before": "string",  # the last one of the chat before: sent, or issued in the reply where none was sent
        "sent_seen": "boolean",
        "sent": "string",
    }
)

_SEEN: Columns = _LANE | {"seq": "Int64", "t": "Float64", "tab": "Int64"}

STORAGE: Columns = _SEEN | {
    "own": "boolean",  # a write to the profile's key; of other keys only the name is known
    "store": "string",
    "op": "string",
    "key": "string",
    "session": "string",
    "previous": "string",
    "same_value": "boolean",
    "shape": "string",
    "time_offset": "Float64",
    "by": "string",
    "stack": "object",
}

MINTED: Columns = _SEEN | {"session": "string", "features": "object"}

PAYLOADS: Columns = _SEEN | {
    "rule": "string",
    "transport": "string",
    "method": "string",
    "url": "string",
    "session": "string",
    "message": "Int64",
    "bleeds_from": "Int64",
    "history": "Int64",
    "request": "string",
    "judged": "boolean",  # NA in evidence from before payloads had an owner: not judged besides messages
    "form": "string",  # how the ID was encoded, or ""
    "retry": "boolean",  # the page sent this message again by itself
    "by_text": "boolean",  # a message's text stands in it; NA in evidence that does not tell
    "unreadable": "string",
    "address": "string",  # hash of what looks like an ID in the page's address, or NA
    "stack": "object",
}

PLAYS: Columns = _SEEN | {
    "scenario": "string",
    "what": "string",  # why it was not seen to its end; NA at its beginning
    "where": "string",
}

ISSUED: Columns = _SEEN | {"session": "string", "rule": "string", "request": "string", "message": "Int64"}

SIGHTINGS: Columns = _SEEN | {
    "session": "string",
    "place": "string",  # "": it was looked for, and stands nowhere
    "url": "string",
    "form": "string",
    "layer": "string",  # what the profile lacks: the place of the sent ID, or of the stored one
    "rule": "string",
    "searched": "Int64",  # requests and frames
    "unread": "Int64",  # those of them whose body could not be read
}

BACKEND: Columns = _SEEN | {
    "question": "string",
    "probe": "string",
    "pattern": "string",
    "session": "string",
    "provider": "string",
    "status": "Int64",
    "found": "boolean",
    "active": "Int64",
    "distribution": "object",
}

PROBLEMS: Columns = _LANE | {
    "t": "Float64",
    "kind": "string",
    "what": "string",
    "where": "string",
    "hint": "string",
}
