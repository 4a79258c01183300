"""`record --from`: a profile from a trace or a HAR file, and open questions for what those do not show."""

from __future__ import annotations

import json
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from e2e.cli.main import main
from e2e.explore.record.shown import nonce_of
from e2e.explore.record.trace import acts_of
from e2e.selftest.unit.explore.har.builders import START, har, message, write

IDS = ("session_04f2a91c7be8d", "session_b51e0d88a2f43")
BOX = 'internal:role=textbox[name="Message"i]'
NEW = 'internal:role=button[name="New chat"i]'
OPTIONS = {
    "type": "context-options", "version": 8, "wallTime": START * 1000, "monotonicTime": 1000, "playwrightVersion": "1.65.1",
    "browserName": "chromium",
}  # fmt: skip
UNREACHABLE = "http://127.0.0.1:9/"


def act(at: float, method: str, selector: str = "", **params: Any) -> dict[str, Any]:
    where = {"selector": selector} if selector else {}
    return {
        "type": "before", "callId": f"call@{at}", "startTime": 1000 + at * 1000, "class": "Frame", "method": method,
        "params": {**where, **params},
    }  # fmt: skip


def turn(at: float, text: str) -> list[dict[str, Any]]:
    return [act(at, "fill", BOX, value=text), act(at + 0.5, "press", BOX, key="Enter")]


def trace(path: Path, acts: Sequence[dict[str, Any]], entries: Sequence[dict[str, Any]]) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("trace.trace", "\n".join(map(json.dumps, [OPTIONS, *acts])))
        lines = [json.dumps({"type": "resource-snapshot", "snapshot": e}) for e in entries]
        packed.writestr("trace.network", "\n".join(lines))
    return path


EARLIER = {"role": "user", "content": "what was sent before"}
TEXTS = ("Hello number 00", "Hello number 01", "Hello number 10", "Hello number 11")
MESSAGES = [message(10 * n + 0.6, IDS[n // 2], text, ("Oak", "Elm")[n // 2]) for n, text in enumerate(TEXTS)]
START_ACTS = [act(-1, "goto", url=UNREACHABLE)]
TURNS = [turn(10 * n, text) for n, text in enumerate(TEXTS)]
FOUR = [*START_ACTS, *TURNS[0], *TURNS[1], act(15, "click", NEW), *TURNS[2], *TURNS[3]]


def recorded(file: Path, tmp_path: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    out = tmp_path / "found.toml"
    code = main(["record", UNREACHABLE, "--from", str(file), "--out", str(out), *more])
    text = out.read_text(encoding="utf-8")
    return code, tomllib.loads(text), text


class TestTrace:
    @pytest.fixture(autouse=True)
    def no_proof(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("e2e.explore.recording._proved", lambda *_: 0)

    def test_script_with_two_chats_gives_a_whole_profile(self, tmp_path: Path) -> None:
        code, profile, text = recorded(trace(tmp_path / "t.zip", FOUR, MESSAGES), tmp_path)
        assert code == 0
        assert profile["steps"]["message_box"] == {"role": "textbox", "name": "Message"}
        assert profile["steps"]["new_chat"] == [{"click": {"role": "button", "name": "New chat"}}]
        assert profile["wire"][0]["session"] == "session_id"
        assert profile["wire"][0]["provider"] == "provider"
        assert "QUESTION: where does the page store the session? A trace does not record stores." in text
        assert not any(i in text for i in IDS), "IDs are masked"

    def test_clicks_after_the_page_load_open_the_chat(self, tmp_path: Path) -> None:
        opened = [*START_ACTS, act(-0.5, "click", 'internal:role=button[name="Chat with us"i]'), *FOUR[1:]]
        _, profile, _ = recorded(trace(tmp_path / "t.zip", opened, MESSAGES), tmp_path)
        assert "Chat with us" in json.dumps(profile["steps"]["open"])

    def test_one_chat_leaves_the_session_and_new_chat_open(self, tmp_path: Path) -> None:
        acts = [*START_ACTS, *TURNS[0], *TURNS[1]]
        code, profile, text = recorded(trace(tmp_path / "t.zip", acts, MESSAGES[:2]), tmp_path)
        assert code == 1
        assert "new_chat" not in profile["steps"]
        assert "two messages in each of two chats show it" in text

    def test_clicks_without_a_name_for_it_are_a_question(self, tmp_path: Path) -> None:
        acts = [a if a.get("params", {}).get("selector") != NEW else act(15, "click", "#b7") for a in FOUR]
        _, _, text = recorded(trace(tmp_path / "t.zip", acts, MESSAGES), tmp_path)
        assert "QUESTION: does this start a new chat?" in text

    def test_typed_password_is_a_question_and_is_not_written(self, tmp_path: Path) -> None:
        acts = [act(-2, "fill", 'internal:label="Password"i', value="hunter2secret"), *FOUR]
        _, _, text = recorded(trace(tmp_path / "t.zip", acts, MESSAGES), tmp_path)
        assert "QUESTION: how does a lane sign in?" in text
        assert "hunter2secret" not in text

    def test_frames_of_the_script_are_the_profiles_frames(self, tmp_path: Path) -> None:
        inside = "iframe#chat >> internal:control=enter-frame >> "
        acts = json.loads(json.dumps(FOUR))
        for one in acts:
            if "selector" in one["params"]:
                one["params"]["selector"] = inside + one["params"]["selector"]
        _, profile, _ = recorded(trace(tmp_path / "t.zip", acts, MESSAGES), tmp_path)
        assert profile["where"]["frame"] == ["iframe#chat"]
        assert profile["steps"]["new_chat"] == [{"click": {"role": "button", "name": "New chat"}}]

    def test_script_that_sends_nothing_is_a_question(self, tmp_path: Path) -> None:
        code, _, text = recorded(trace(tmp_path / "t.zip", START_ACTS, MESSAGES), tmp_path)
        assert code == 1
        assert "QUESTION: which action sends a message?" in text

    def test_failed_actions_and_older_lines_are_read(self) -> None:
        failed = act(1, "click", "#a")
        older = {"type": "action", "metadata": {**act(2, "click", "#b"), "method": "click"}}
        end = {"type": "after", "callId": failed["callId"], "error": {"message": "timeout"}}
        assert [a.selector for a in acts_of([OPTIONS, failed, end, older])] == ["#b"]


class TestHar:
    def test_requests_are_known_and_locators_are_questions(self, tmp_path: Path) -> None:
        entries = [
            message(10 * n, IDS[n // 2], text, body={"history": [EARLIER] * (n % 2 * 2)})
            for n, text in enumerate(TEXTS)
        ]
        code, profile, text = recorded(write(tmp_path / "a.har", har(*entries)), tmp_path)
        assert code == 1
        assert profile["wire"][0]["session"] == "session_id"
        assert "message_box" not in profile["steps"]
        assert "ready" not in profile["where"]
        assert "A HAR file records no clicks" in text
        assert not any(i in text for i in IDS)

    def test_without_a_sign_of_a_new_chat_the_session_is_a_question(self, tmp_path: Path) -> None:
        entries = [message(10 * n, IDS[n // 2], t) for n, t in enumerate(TEXTS)]
        _, profile, text = recorded(write(tmp_path / "a.har", har(*entries)), tmp_path)
        assert "QUESTION: is session_id the session ID?" in text
        assert "new_chat" not in profile["steps"]
        assert not any(i in text for i in IDS), "no ID marks a message"
        assert "QUESTION: where does a new chat begin?" in text


@pytest.mark.parametrize(
    ("text", "earlier", "expected"),
    [
        ("Hello dear 4f2a91", [], "4f2a91"),
        ("hi", [], None),
        ("Hello again", ["Hello"], "again"),
        ("Hello number 01", ["Hello number 00"], "Hello number 01"),
        ("Hello", ["Hello"], None),
        ('say "x" {y}', [], None),
    ],
)
def test_message_is_found_in_traffic_by_a_word_of_its_own(
    text: str, earlier: list[str], expected: str | None
) -> None:
    assert nonce_of(text, earlier) == expected


def test_without_a_display_the_command_is_refused_with_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["record", "http://127.0.0.1:9/", "--out", str(tmp_path / "a.toml")]) == 2
    printed = capsys.readouterr().err
    assert "no display for a browser window" in printed
    assert "python -m e2e record --from FILE" in printed


@pytest.mark.parametrize("arguments", [[], ["nowhere"]], ids=["none", "no-address"])
def test_command_needs_an_address(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", *arguments]) == 2
    assert "python -m e2e record https://chat.example.org/" in capsys.readouterr().err
