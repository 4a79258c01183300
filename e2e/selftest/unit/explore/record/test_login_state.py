"""The state after a sign-in is saved without the session of the chat, which would make all contexts share one."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from e2e.explore.discover.infer.findings import Guess
from e2e.explore.record.login_state import save_state, without_session

STATE: dict[str, Any] = {
    "cookies": [{"name": "auth", "value": "a"}, {"name": "sid", "value": "s"}],
    "origins": [
        {
            "origin": "https://x.example",
            "localStorage": [{"name": "user", "value": "u"}, {"name": "chat_7", "value": "s"}],
            "indexedDB": [
                {
                    "name": "db",
                    "stores": [
                        {"name": "kept", "records": [{"key": "session", "value": "s"}]},
                        {"name": "chats", "keyPath": "id", "records": [{"value": {"id": "session"}}, {"value": {"id": "other"}}]},
                    ],
                }
            ],
        }
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("store", "gone", "kept"),
    [
        ({"store": "cookie", "key": "sid"}, '"sid"', '"auth"'),
        ({"store": "localStorage", "key": "chat_7"}, "chat_7", '"user"'),
        ({"store": "localStorage", "key_pattern": "^chat_"}, "chat_7", '"user"'),
        ({"store": "indexedDB", "database": "db", "object_store": "kept", "key": "session"}, '"key": "session"', "other"),
        ({"store": "indexedDB", "database": "db", "object_store": "chats", "key": "session"}, '"id": "session"', "other"),
    ],
    ids=["cookie", "localStorage", "pattern", "indexedDB", "indexedDB-key-path"],
)  # fmt: skip
def test_the_sessions_entry_is_left_out(store: dict[str, Any], gone: str, kept: str) -> None:
    assert gone in json.dumps(STATE)
    text = json.dumps(without_session(STATE, store))
    assert gone not in text
    assert kept in text


def test_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = save_state(STATE, Guess({"store": "none"}, 0.6, ""), tmp_path / "auth" / "x.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == STATE
