"""The reference chat's profile for each store, ID format and rotation that the chat supports."""

from __future__ import annotations

from typing import Any

from e2e.profile.profile import Profile, Session

STORES = ("localStorage", "sessionStorage", "cookie", "url", "indexedDB", "none")
ID_FORMATS = ("blob", "bare")
ROTATIONS = ("on_click", "on_first_message")

_KEY = "chat_session"


def reference_variant(profile: Profile, *, store: str, id_format: str, rotation: str) -> Profile:
    """``profile`` of the reference chat, adapted to the options with which the chat is started."""
    changes: dict[str, Any] = {}
    if (store, id_format) != ("localStorage", "blob"):
        changes["session"] = _session(store, id_format)
    policy = {"rotation": rotation} if rotation != "on_click" else {}
    if store == "none":
        policy["reload"] = "rotates"  # an ID in memory is lost on reload
    if store in ("sessionStorage", "url", "none"):
        policy["tabs"] = "own"
    if policy:
        changes["policy"] = profile.policy.model_copy(update=policy)
    return profile.model_copy(update=changes) if changes else profile


def _session(store: str, id_format: str) -> Session:
    session: dict[str, Any] = {"store": store}
    if store == "url":
        session["regex"] = "#/c/([^/?&]+)"
    elif store != "none":
        session["key"] = _KEY
        if id_format == "blob":
            session["id"] = "sessionId"
    if store == "indexedDB":
        session |= {"database": "reference_chat", "object_store": "kv"}
    return Session.model_validate(session)
