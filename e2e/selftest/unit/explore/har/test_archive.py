"""Reading HAR files, zips and traces: what is in them, and a clear error for what cannot be read."""

from __future__ import annotations

import base64
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.capture.network.har import archive
from e2e.capture.network.har.archive import InvalidRecording, read_archive
from e2e.capture.network.har.playback import RecordedChannel
from e2e.selftest.unit.explore.har.builders import START, entry, har, message, write


def refused(path: Path) -> str:
    with pytest.raises(InvalidRecording) as caught:
        read_archive(path)
    assert caught.value.hint, "every error says what to do"
    assert path.name in caught.value.what, "every error names its file"
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "the file is empty"),
        ("<html>login</html>", "not JSON"),
        (json.dumps(har(message(0, "s-1", "hello")))[:300], "it is truncated"),
        ("[1, 2]", "it has no object log"),
        ('{"entries": []}', "log\n  got 'entries': not a HAR"),
        ('{"log": {"entries": 7}}', "log.entries\n  got '7': expected a list"),
        (har(), "has no request"),
        ({"log": {"entries": [7]}}, "log.entries[0]\n  got '7': expected an object"),
        (
            {"log": {"entries": [{"request": {"url": "https://x/", "method": "GET"}}]}},
            "log.entries[0].response\n  got 'null': expected an object",
        ),
        (har(entry(0, "GET", "nowhere")), "log.entries[0].request.url\n  got 'nowhere': expected an address"),
        (har({**message(0, "s", "x"), "startedDateTime": "today"}), "log.entries[0].startedDateTime\n  got 'today'"),
    ],
    ids=["empty", "html", "truncated", "list", "no-log", "no-list", "no-entry", "number", "no-response", "url", "time"],
)  # fmt: skip
def test_file_that_is_no_har_is_refused_with_key_value_and_rule(
    content: Any, expected: str, tmp_path: Path
) -> None:
    assert expected in refused(write(tmp_path / "bad.har", content))


def test_error_about_a_damaged_file_shows_no_long_value(tmp_path: Path) -> None:
    secret = "s" * 40
    text = json.dumps(har(message(0, secret, "hello")))
    cut = text[: text.index(secret) + 30]
    assert secret[:24] not in refused(write(tmp_path / "cut.har", cut))


def test_missing_file_folder_and_cut_zip_are_refused(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "none.har")
    assert "is a folder" in refused(tmp_path)
    packed = tmp_path / "cut.zip"
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("x.har", json.dumps(har(message(0, "s-1", "hello"))))
    packed.write_bytes(packed.read_bytes()[:60])
    assert "ends in the middle" in refused(packed)


def test_zip_without_a_har_or_a_trace_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "other.zip"
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("readme.txt", "hello")
    assert "neither a .har file nor a Playwright trace" in refused(packed)


def test_huge_file_is_refused_before_it_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LIMIT", 100)
    error = refused(write(tmp_path / "huge.har", har(message(0, "s-1", "hello"))))
    assert "must be at most" in error
    assert "huge.har: size\n" in error


def test_body_that_is_not_base64_is_refused(tmp_path: Path) -> None:
    one = message(0, "s-1", "hello")
    one["response"]["content"] |= {"encoding": "base64", "text": "%%%"}
    assert "log.entries[0].response.content.text" in refused(write(tmp_path / "bad.har", har(one)))


def test_base64_body_is_decoded_and_a_cut_one_is_missing(tmp_path: Path) -> None:
    whole, cut, none = (message(n, "s-1", "hello") for n in range(3))
    whole["response"]["content"] |= {"encoding": "base64", "text": base64.b64encode(b"\x00\xff").decode()}
    cut["request"]["postData"]["text"] = cut["request"]["postData"]["text"][:10]
    del none["request"]["postData"]
    del none["response"]["content"]["text"]
    read = read_archive(write(tmp_path / "a.har", har(whole, cut, none))).entries
    assert read[0].content == b"\x00\xff"
    assert read[1].body_missing.startswith("the HAR has only 10 of its")
    assert read[2].body_missing.startswith("the HAR has none of its")
    assert read[2].content_missing == "the HAR has no response body"


def test_entries_are_read_in_the_order_of_their_times(tmp_path: Path) -> None:
    read = read_archive(write(tmp_path / "a.har", har(message(9, "b", "later"), message(1, "a", "earlier"))))
    assert [e.number for e in read.entries] == [1, 0]
    assert read.entries[0].t == pytest.approx(START + 1)


@pytest.mark.parametrize("scale", [1, 1000], ids=["chrome-seconds", "playwright-milliseconds"])
def test_frames_of_a_websocket_have_their_times(scale: int, tmp_path: Path) -> None:
    frames = [
        {"type": "send", "time": (START + 1) * scale, "opcode": 1, "data": "{}"},
        {"type": "receive", "time": (START + 2) * scale, "opcode": 1, "data": "{}"},
    ]
    socket = entry(0, "GET", "wss://x.example/ws", kind="websocket", status=101, _webSocketMessages=frames)
    (read,) = read_archive(write(tmp_path / "a.har", har(socket))).entries
    assert read.kind == "WebSocket"
    assert [(f.sent, round(f.t - START, 3)) for f in read.frames] == [(True, 1.0), (False, 2.0)]


def test_bodies_in_files_beside_the_har_are_read_from_the_zip(tmp_path: Path) -> None:
    one = message(0, "s-1", "hello")
    one["request"]["postData"] = {"mimeType": "application/json", "text": "", "_file": "body.json"}
    one["response"]["content"] = {"size": 2, "mimeType": "application/json", "_file": "reply.json"}
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("har.har", json.dumps(har(one)))
        zipped.writestr("body.json", '{"session_id": "s-1"}')
        zipped.writestr("reply.json", "{}")
    (read,) = read_archive(packed).entries
    assert (read.body, read.content) == (b'{"session_id": "s-1"}', b"{}")


def test_file_beside_a_har_is_read_from_its_folder_only(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "in").mkdir()
    one = message(0, "s-1", "hello")
    one["response"]["content"] = {"size": 6, "mimeType": "text/plain", "_file": "../secret.txt"}
    (read,) = read_archive(write(tmp_path / "in" / "a.har", har(one))).entries
    assert read.content == b""


@pytest.mark.parametrize(("options", "browser"), [({}, ""), ({"browserName": "firefox"}, "firefox")])
def test_a_trace_names_its_browser_or_none(options: dict[str, Any], browser: str, tmp_path: Path) -> None:
    packed = tmp_path / "trace.zip"
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr(
            "trace.trace", json.dumps({"type": "context-options", "playwrightVersion": "1.65.1", **options})
        )
        line = {"type": "resource-snapshot", "snapshot": message(0, "s-1", "hello")}
        zipped.writestr("trace.network", json.dumps(line) + '\n{"type": "resource-sn')
    read = read_archive(packed)
    assert (read.kind, read.creator, read.browser) == ("trace", "Playwright 1.65.1", browser)
    assert len(read.entries) == 1, "a last line that was cut costs itself only"


def test_a_body_that_is_not_there_is_answered_with_its_reason(tmp_path: Path) -> None:
    whole, cut = message(0, "s-1", "hello"), message(1, "s-1", "hello")
    del cut["response"]["content"]["text"]
    entries = read_archive(write(tmp_path / "a.har", har(whole, cut))).entries
    entries = (entries[0], replace(entries[1], content_missing="it was too large"))
    received: list[tuple[bool, str]] = []
    channel = RecordedChannel(entries)
    for request in ("0", "1", "2"):
        channel.ask(
            "Network.getResponseBody",
            {"requestId": request},
            lambda found, why: received.append((found is not None, why)),
        )
    channel.ask(
        "Network.streamResourceContent",
        {"requestId": "0"},
        lambda found, why: received.append((found is not None, why)),
    )
    assert received[:3] == [(True, ""), (False, "it was too large"), (False, "the HAR has no response body")]
    assert received[3][0] is False


def test_a_blank_line_in_a_trace_is_no_mistake(tmp_path: Path) -> None:
    packed = tmp_path / "trace.zip"
    line = json.dumps({"type": "resource-snapshot", "snapshot": entry(0, "GET", "https://x.example/")})
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("trace.trace", json.dumps({"type": "context-options"}) + "\n \n[1]\n")
        zipped.writestr("trace.network", f"{line}\n\n{line}\n")
    assert len(read_archive(packed).entries) == 2
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("trace.trace", json.dumps({"type": "context-options"}))
        zipped.writestr("trace.network", f"{line}\n{{torn\n{line}\n")
    assert "line 2" in refused(packed)


@pytest.mark.parametrize(
    ("timings", "time", "began", "ended"),
    [
        ({"wait": 400}, 1000, 0.4, 1.0),
        (
            {"blocked": 100, "dns": 50, "connect": 50, "send": 100, "wait": 100, "receive": 500, "ssl": 40},
            1000,
            0.4,
            1.0,
        ),
        ({"blocked": -1, "wait": 400}, 1000, 0.4, 1.0),
        ({"wait": 5000}, 1000, 1.0, 1.0),
        ({}, 0, 0.0, 0.0),
    ],
)
def test_a_reply_begins_after_all_that_was_waited_for(
    timings: dict[str, float], time: float, began: float, ended: float, tmp_path: Path
) -> None:
    raw = entry(0, "GET", "https://x.example/") | {"timings": timings, "time": time}
    (read,) = read_archive(write(tmp_path / "a.har", har(raw))).entries
    assert (
        round(read.t - START, 4),
        round(read.answered_at - START, 4),
        round(read.ended_at - START, 4),
    ) == (
        0,
        began,
        ended,
    )


@pytest.mark.parametrize("url", ["http://[", "/api/chat", ""])
def test_what_is_no_address_is_an_error(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.har", har(entry(0, "GET", url)))
    assert "expected an address" in refused(path)
