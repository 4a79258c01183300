"""Discovery in the browser, on several kinds of chats: its proposal works without an edit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from e2e.errors import HarnessError
from e2e.explore.discovery import Options, discover_chat
from e2e.profile.profile import SUITE, Profile, load
from e2e.selftest.lab.app import Lab
from fixtures.reference_chat.launcher import ReferenceChat


def discover(url: str, file: Path) -> tuple[int, str]:
    """The command in a process of its own: it starts Playwright, and these tests may have one running."""
    done = subprocess.run(
        [sys.executable, "-m", "e2e", "discover", url, "--out", str(file)],
        cwd=SUITE,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"transport": "sse", "reply_ms": 40, "chunk_ms": 20}, id="sse", marks=pytest.mark.long),
        pytest.param(
            {"transport": "json", "store": "sessionStorage", "id_format": "bare"},
            id="json-sessionStorage",
            marks=pytest.mark.long,
        ),
        pytest.param(
            {"transport": "websocket", "store": "cookie", "rotation": "on_first_message"},
            id="websocket-cookie",
        ),
        pytest.param({"transport": "sse", "store": "indexedDB"}, id="indexedDB"),
        pytest.param({"transport": "json", "store": "none"}, id="none", marks=pytest.mark.long),
    ],
)
def test_variant_of_the_reference_chat_is_described_correctly(
    options: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "found.toml"
    with ReferenceChat.start(**options) as chat:
        code, output = discover(chat.url, file)
    assert code == 0, output
    profile = load(str(file))
    store = options.get("store", "localStorage")
    assert profile.id_store.store == store
    assert profile.id_store.key == (None if store in ("url", "none") else "chat_session")
    assert profile.id_store.id == (
        "sessionId" if store not in ("url", "none") and options.get("id_format") != "bare" else None
    )
    assert profile.policy.rotation == (options.get("rotation", "on_click") if store != "none" else "on_click")
    assert profile.wire[0].session is not None
    assert profile.wire[0].session.json_ == "session_id"
    assert profile.wire[0].transport == ("websocket" if options["transport"] == "websocket" else "http")
    # The list of chats shows the first message too, as a title: that is not the conversation.
    assert profile.screen.messages is not None
    assert profile.screen.messages.test_id == "message"
    assert "the profile works" in output
    assert "a failed check is a finding" not in output


class TestFunctionsOverOneSocket:
    """A chat with function names in frames, an unrelated sessionId at the connect, a menu on hover, an icon for Send, a dialog, a toast."""

    def found(self, tmp_path: Path, **query: str) -> tuple[Profile, str]:
        file = tmp_path / "found.toml"
        with Lab.start() as lab:
            code, output = discover(lab.url("convex", **query), file)
        assert code == 0, output
        return load(str(file)), output + file.read_text(encoding="utf-8")

    def test_healthy_chat_is_described_correctly(self, tmp_path: Path) -> None:
        profile, _ = self.found(tmp_path)
        assert (profile.id_store.key, profile.id_store.id) == ("chat_state", "session.id")
        [rule] = profile.wire
        assert rule.transport == "websocket"
        assert rule.when == "udfPath == 'chat:sendMessage'"
        assert rule.session is not None
        assert rule.session.json_ == "args[0].sessionId"
        assert rule.provider is not None
        assert (rule.provider.json_, rule.reply_to) == ("result.provider.id", "requestId")
        verbs = [
            next(k for k in ("hover", "click", "wait_gone") if getattr(a, k)) for a in profile.steps.new_chat
        ]
        assert verbs[:3] == ["hover", "click", "click"]

    @pytest.mark.long
    def test_stale_session_is_reported(self, tmp_path: Path) -> None:
        _, output = self.found(tmp_path, bug="stale")
        assert "seems to continue an ended session" in output
        assert "stale-state" in output


def test_session_ids_are_masked(tmp_path: Path) -> None:
    file = tmp_path / "found.toml"
    with ReferenceChat.start(id_pattern="uuid") as chat:
        _, output = discover(chat.url, file)
        stored = [entry["session_id"] for entry in chat.requests() if "session_id" in entry]
    text = output + file.read_text(encoding="utf-8")
    assert stored
    assert not any(session in text for session in stored)


def test_unreachable_page_ends_with_an_error_and_no_traceback(tmp_path: Path) -> None:
    code, output = discover("http://127.0.0.1:9/", tmp_path / "x.toml")
    assert code != 0
    assert "could not be opened" in output
    assert "Traceback" not in output


def test_existing_file_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(HarnessError, match="already exists"):
        discover_chat(Options("http://127.0.0.1:9/", file))
    assert file.read_text(encoding="utf-8") == "mine"


def test_invalid_url_is_refused() -> None:
    with pytest.raises(HarnessError, match="not an http or https URL"):
        discover_chat(Options("chat.example.org"))
