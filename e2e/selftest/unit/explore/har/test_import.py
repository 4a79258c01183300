"""`python -m e2e import har`: which chats shared a session, which provider replied, and what a HAR cannot show."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from e2e.analysis.checks.registry import CHECKS
from e2e.analysis.model.run import assemble
from e2e.analysis.model.verdict import Verdict
from e2e.cli.main import main
from e2e.errors import HarnessError
from e2e.explore.har.judge_har import Options, import_har
from e2e.records.evidence import read_run
from e2e.selftest.unit.explore.har.builders import START, WIRE, entry, har, message, profile, write

IDS = tuple(f"session_{n}4f2a91c7b{n}e8d" for n in range(6))
TOPICS = (
    "what is a bowler",
    "and for ladies?",
    "repair my boots",
    "which glue?",
    "do you ship abroad",
    "to Peru",
)
HISTORY = WIRE + 'history = "history"\n'
REQUEST = 'new_chat_request = { method = "POST", url = "/api/sessions$" }\n'
START_CHAT: tuple[str, str, Any, Any] = ("POST", "https://x.example/api/sessions", {}, {"ok": True})
CHECK = {check.name: check for check in CHECKS}


class Imported:
    def __init__(
        self,
        folder: Path,
        *entries: dict[str, Any],
        wire: str = WIRE,
        steps: str = "",
        gap: float | None = None,
    ) -> None:
        text = io.StringIO()
        options = Options(
            write(folder / "a.har", har(*entries)), profile(folder, wire, steps), folder / "out", gap
        )
        self.folder = import_har(options, Console(file=text, width=200, highlight=False))
        self.output = text.getvalue()
        self.records = read_run(self.folder)
        self._run = assemble([self.records])

    def verdict(self, check: str) -> Verdict:
        return CHECK[check](self._run)

    def outcome(self, check: str) -> str:
        return self.verdict(check).outcome


def with_history(at: float, session: str, text: str, earlier: int, provider: str = "Oak") -> dict[str, Any]:
    return message(at, session, text, provider, body={"history": ["x"] * earlier})


def test_new_chats_by_history_with_fresh_ids_pass(tmp_path: Path) -> None:
    found = Imported(
        tmp_path,
        with_history(0, IDS[0], "hello there", 0),
        with_history(5, IDS[0], "and again", 2),
        with_history(60, IDS[1], "hello once more", 0, "Elm"),
        wire=HISTORY,
    )
    assert len(found.records.chats) == 2
    assert found.outcome("rotation.sent_id_is_fresh") == "pass"
    assert found.outcome("rotation.one_id_per_chat") == "pass"
    assert "Elm" in found.output


def test_chat_that_begins_anew_with_the_old_id_fails(tmp_path: Path) -> None:
    found = Imported(
        tmp_path,
        with_history(0, IDS[0], "hello there", 0),
        with_history(5, IDS[0], "and again", 2),
        with_history(60, IDS[0], "a new question", 0),
        wire=HISTORY,
    )
    assert found.outcome("rotation.sent_id_is_fresh") == "fail"
    assert len(found.records.chats) == 2


def test_later_messages_with_a_shared_id_stay_in_their_chat(tmp_path: Path) -> None:
    lengths = (0, 2, 0, 2, 0, 2)
    found = Imported(
        tmp_path,
        *(with_history(10 * n, IDS[0], TOPICS[n], k) for n, k in enumerate(lengths)),
        wire=HISTORY,
    )
    assert [len(c.messages) for c in found.records.chats] == [2, 2, 2]


def test_chats_of_one_message_with_one_id_are_several_chats(tmp_path: Path) -> None:
    texts = (("hello there", 0), ("tell me more", 2), ("what is a bowler", 0), ("and for ladies?", 0))
    found = Imported(
        tmp_path,
        *(with_history(20 * n, IDS[0], text, k) for n, (text, k) in enumerate(texts)),
        wire=HISTORY,
    )
    assert found.verdict("rotation.sent_id_is_fresh").headline.startswith("2 of 2 new chats")


@pytest.mark.parametrize("text", ["hello there", "hello there, friend"], ids=["regenerated", "edited"])
def test_first_message_once_more_is_not_judged_as_a_new_chat(text: str, tmp_path: Path) -> None:
    found = Imported(
        tmp_path,
        with_history(0, IDS[0], "hello there", 0),
        with_history(10, IDS[0], "tell me more", 2),
        with_history(20, IDS[0], text, 0),
        wire=HISTORY,
    )
    assert found.outcome("rotation.sent_id_is_fresh") == "inconclusive"
    assert "may be the first message of the chat before once more" in found.output


def test_list_that_never_grows_shows_no_new_chat(tmp_path: Path) -> None:
    texts = ("hello there", "what is a bowler", "and for ladies?")
    found = Imported(
        tmp_path, *(with_history(20 * n, IDS[0], t, 0) for n, t in enumerate(texts)), wire=HISTORY
    )
    assert len(found.records.chats) == 1
    assert found.outcome("rotation.sent_id_is_fresh") == "inconclusive"


def test_list_that_gets_shorter_far_from_its_start_is_a_window(tmp_path: Path) -> None:
    lengths = (8, 10, 12, 6, 8)
    found = Imported(
        tmp_path,
        *(with_history(10 * n, IDS[0], f"question {n}", k) for n, k in enumerate(lengths)),
        wire=HISTORY,
    )
    assert not [c for c in found.records.chats if c.via == "new_chat"]


def test_return_to_an_older_chat_is_no_change_of_the_id(tmp_path: Path) -> None:
    found = Imported(
        tmp_path,
        with_history(0, IDS[0], "first chat", 0),
        with_history(10, IDS[1], "second chat", 0),
        with_history(20, IDS[0], "back in the first", 2),
        wire=HISTORY,
    )
    assert [len(c.messages) for c in found.records.chats] == [2, 1]
    assert found.outcome("rotation.one_id_per_chat") == "pass"


def test_new_chats_by_the_profiles_request(tmp_path: Path) -> None:
    entries = [
        message(0, IDS[0], "hello there"),
        entry(10, *START_CHAT),
        message(12, IDS[0], "in the new chat"),
        entry(20, *START_CHAT),
        message(22, IDS[1], "in the third chat"),
    ]
    found = Imported(tmp_path, *entries, steps=REQUEST)
    verdict = found.verdict("rotation.sent_id_is_fresh")
    assert verdict.headline.startswith("1 of 2 new chats")
    assert "also in chats" in found.output


def test_new_chat_with_an_old_id_is_unclear_where_a_user_can_return(tmp_path: Path) -> None:
    entries = [message(0, IDS[0], "hello"), entry(10, *START_CHAT), message(12, IDS[0], "again, or back")]
    returns = REQUEST + 'return_to_chat = [{ click = { role = "link", name = "{message}" } }]\n'
    found = Imported(tmp_path, *entries, steps=returns)
    assert found.outcome("rotation.sent_id_is_fresh") == "inconclusive"
    assert "may have gone on with an older chat" in found.output


def test_without_a_sign_of_new_chats_the_rotation_checks_are_inconclusive(tmp_path: Path) -> None:
    found = Imported(tmp_path, *(message(10 * n, IDS[n // 2], f"question {n}") for n in range(6)))
    assert [len(c.messages) for c in found.records.chats] == [2, 2, 2]
    for check in ("rotation.sent_id_is_fresh", "rotation.one_id_per_chat"):
        assert found.outcome(check) == "inconclusive"
        assert "steps.new_chat_request" in found.verdict(check).headline
    assert found.outcome("provider.persists") == "pass"


def test_messages_without_an_id_are_not_taken_for_one_chat(tmp_path: Path) -> None:
    providers = enumerate(("Oak", "Elm", "Oak"))
    found = Imported(tmp_path, *(message(10 * n, None, f"question {n}", p) for n, p in providers))
    assert [len(c.messages) for c in found.records.chats] == [1, 1, 1]
    assert found.outcome("provider.persists") == "inconclusive"


def test_provider_that_changes_within_a_session_fails(tmp_path: Path) -> None:
    providers = enumerate(("Oak", "Oak", "Elm", "Oak"))
    found = Imported(tmp_path, *(message(10 * n, IDS[0], f"question {n}", p) for n, p in providers))
    assert found.outcome("provider.persists") == "fail"


def test_pause_is_a_new_chat_only_if_the_caller_states_it(tmp_path: Path) -> None:
    entries = [message(0, IDS[0], "morning"), message(5000, IDS[0], "evening")]
    (tmp_path / "a").mkdir()
    assert len(Imported(tmp_path / "a", *entries).records.chats) == 1
    found = Imported(tmp_path, *entries, gap=60)
    assert found.outcome("rotation.sent_id_is_fresh") == "fail"


def test_what_a_har_cannot_show_is_inconclusive_with_that_reason(tmp_path: Path) -> None:
    found = Imported(tmp_path, message(0, IDS[0], "hello"), message(9, IDS[0], "again"))
    for check, reason in {
        "smoke": "stores",
        "rotation.stored_id_is_fresh": "stores",
        "rotation.sent_equals_stored": "stores",
        "rotation.rapid_send": "clicks",
        "rotation.return_to_chat": "clicks",
        "chat.starts_empty": "shows",
        "provider.label_is_true": "shows",
        "backend.assigns": "API",
    }.items():
        assert found.outcome(check) == "inconclusive", check
        assert reason in found.verdict(check).headline, check


def test_id_from_the_first_reply_belongs_to_the_same_chat(tmp_path: Path) -> None:
    def issued(at: float, session: str) -> dict[str, Any]:
        return message(at, None, f"first at {at}", reply={"session_id": session})

    found = Imported(
        tmp_path,
        issued(0, IDS[0]),
        message(5, IDS[0], "second"),
        issued(20, IDS[1]),
        message(25, IDS[1], "fourth"),
        wire=WIRE + '\n[policy]\nrotation = "on_first_reply"\n',
    )
    assert [len(c.messages) for c in found.records.chats] == [2, 2]
    assert found.records.chats[0].messages[0].issued == found.records.chats[0].messages[1].sent


def test_failed_message_that_is_sent_again_is_one_message(tmp_path: Path) -> None:
    found = Imported(
        tmp_path,
        message(0, IDS[0], "hello", status=503),
        message(1, IDS[0], "hello"),
        message(9, IDS[0], "more"),
    )
    assert [len(c.messages) for c in found.records.chats] == [2]


def test_request_without_a_response_is_no_reply(tmp_path: Path) -> None:
    found = Imported(tmp_path, message(0, IDS[0], "hello"), message(5, IDS[0], "cut", status=0))
    assert [m.outcome for m in found.records.chats[0].messages] == ["ok", "failed"]


def test_export_without_cookies_is_not_read_as_no_session(tmp_path: Path) -> None:
    wire = WIRE.replace('"session_id"', '{ cookie = "sid" }')
    found = Imported(tmp_path, message(0, None, "hello"), message(9, None, "again"), wire=wire)
    assert not any(m.sent_seen for c in found.records.chats for m in c.messages)
    assert found.outcome("rotation.one_id_per_chat") == "inconclusive"
    assert "no cookies" in found.output


def test_missing_replies_are_noted(tmp_path: Path) -> None:
    one = message(0, IDS[0], "hello")
    del one["response"]["content"]["text"]
    assert "1 of 2 replies have no body" in Imported(tmp_path, one, message(9, IDS[0], "again")).output


def test_events_of_an_event_stream_are_read(tmp_path: Path) -> None:
    stream = 'data: {"text": "I "}\n\ndata: {"text": "heard", "provider": "Elm"}\n\n'
    one = entry(0, "POST", "https://x.example/api/chat", {"session_id": IDS[0]}, stream, reply_type="text/event-stream")  # fmt: skip
    found = Imported(tmp_path, one)
    assert found.records.chats[0].messages[0].reply_provider == "Elm"


def test_stream_of_replies_without_times_is_not_attributed(tmp_path: Path) -> None:
    wire = WIRE.replace('provider = "provider"', 'answered_by = "events"')
    wire += '[[wire]]\nname = "events"\ndirection = "received"\nurl = "/events$"\nprovider = "provider"\n'
    stream = "".join(f'data: {{"provider": "{p}"}}\n\n' for p in ("Oak", "Elm"))
    events = entry(-5, "GET", "https://x.example/events", None, stream, reply_type="text/event-stream", kind="eventsource")  # fmt: skip
    entries = [events, message(0, IDS[0], "hello"), message(9, IDS[1], "again")]
    found = Imported(tmp_path, *entries, wire=wire)
    assert all(m.reply_provider is None for c in found.records.chats for m in c.messages)
    assert "have no times" in found.output
    times = [
        {"time": START + 0.5 + 9 * n, "eventName": "message", "data": json.dumps({"provider": p})}
        for n, p in enumerate(("Oak", "Elm"))
    ]
    (tmp_path / "b").mkdir()
    timed = Imported(
        tmp_path / "b", {**events, "_eventSourceMessages": times, "time": 20_000}, *entries[1:], wire=wire
    )
    assert [m.reply_provider for c in timed.records.chats for m in c.messages] == ["Oak", "Elm"]


def test_no_session_id_text_or_cookie_is_written(tmp_path: Path) -> None:
    headers = {"cookie": "auth=topsecretvalue", "authorization": "Bearer abcdef123456"}
    one = message(0, IDS[0], "my private question", headers=headers)
    found = Imported(tmp_path, one, message(9, IDS[1], "another"))
    written = "".join(p.read_text() for p in found.folder.iterdir()) + found.output
    for secret in (*IDS[:2], "my private question", "topsecretvalue", "abcdef123456"):
        assert secret not in written


def test_recording_of_another_site_is_refused_with_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no request in it matches a wire rule") as caught:
        Imported(tmp_path, entry(0, "POST", "https://other.example/graphql?token=secret", {"q": 1}, {}))
    assert "POST https://other.example/graphql (1)" in caught.value.where
    assert "secret" not in str(caught.value)


def test_recording_without_request_bodies_is_refused_with_how_to_export_them(tmp_path: Path) -> None:
    socket = entry(0, "GET", "wss://x.example/api/chat", kind="websocket", status=101)
    wire = WIRE + 'transport = "websocket"\n'
    with pytest.raises(HarnessError, match="no frames") as caught:
        Imported(tmp_path, socket, wire=wire)
    assert "Export HAR (with sensitive data)" in caught.value.hint


def test_command_prints_verdicts_and_returns_1_for_a_failed_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = (message(9 * n, IDS[0], f"q {n}", p) for n, p in enumerate(("Oak", "Elm")))
    file = write(tmp_path / "a.har", har(*entries))
    target = profile(tmp_path)
    assert main(["import", "har", str(file), "--target", target, "--out", str(tmp_path / "out")]) == 1
    output = capsys.readouterr().out
    assert "provider.persists" in output
    assert "--from-evidence" in output
    (run,) = (tmp_path / "out" / "evidence").iterdir()
    assert main(["summary", str(run)]) == 0
