"""Saves the state after a sign-in without the session of the chat: each context must begin with a chat of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from e2e.explore.discover.infer.findings import Guess
from e2e.profile.values.bounded import Pattern


def save_state(state: Mapping[str, Any], store: Guess | None, path: Path) -> Path:
    """Write ``state`` (Playwright's storage state) to ``path``, readable by its owner only. Returns the path."""
    kept = without_session(state, store.value if store is not None else {})
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(kept), encoding="utf-8")
    return path


def without_session(state: Mapping[str, Any], store: Mapping[str, Any]) -> dict[str, Any]:
    """The state without the entry of the session's store, as the profile's table ``[session]`` names it."""
    kind = store.get("store")

    def is_session(name: object) -> bool:
        if "key_pattern" in store:
            return Pattern(str(store["key_pattern"]), "session.key_pattern").search(str(name)) is not None
        return "key" in store and name == store["key"]

    cookies = [c for c in state.get("cookies", ()) if not (kind == "cookie" and is_session(c.get("name")))]
    origins = [_origin(o, kind, store, is_session) for o in state.get("origins", ())]
    return {**state, "cookies": cookies, "origins": origins}


def _origin(
    origin: Mapping[str, Any], kind: object, store: Mapping[str, Any], is_session: Any
) -> dict[str, Any]:
    kept = dict(origin)
    if kind == "localStorage":
        kept["localStorage"] = [e for e in origin.get("localStorage", ()) if not is_session(e.get("name"))]
    if kind == "indexedDB":
        kept["indexedDB"] = [
            {**base, "stores": [_records(s, store) for s in base.get("stores", ())]}
            if base.get("name") == store.get("database")
            else base
            for base in origin.get("indexedDB", ())
        ]
    return kept


def _records(objects: Mapping[str, Any], store: Mapping[str, Any]) -> dict[str, Any]:
    """An object store without the session's record, whether its key is beside the value or in it."""
    if objects.get("name") != store.get("object_store"):
        return dict(objects)
    path = objects.get("keyPath")

    def key_of(record: Mapping[str, Any]) -> object:
        value = record.get("value")
        inside = value.get(path) if isinstance(value, dict) and isinstance(path, str) else None
        return record.get("key", inside)

    return {
        **objects,
        "records": [r for r in objects.get("records", ()) if str(key_of(r)) != str(store.get("key"))],
    }
