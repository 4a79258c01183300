"""Recordings of any content: a chat that is judged or an error that names the file, never a traceback or a file elsewhere."""

from __future__ import annotations

import io
import json
import zipfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from e2e.errors import HarnessError
from e2e.explore.har.judge_har import Options, import_har
from e2e.selftest.unit.explore.har.builders import har, message, profile

EVIL: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**400, 1e308, "", "x" * 10_000, "\u202e<b>\x1b[31m=1+1\x00", "\ud800", [], [[]], {}, {"a": 1}, ["a", 1],
    "9999-99-99T99:99:99Z", "http://[", "http://x.example:99999999/", "../../etc/passwd", "/etc/passwd", "a\x00b", "gzip", "base64",
)  # fmt: skip


def whole() -> dict[str, Any]:
    """A recording with two chats, cookies, an attached body, frames and events."""
    first = message(0, "s-4f2a91c7b1e8d", "hello")
    socket = {
        **message(9, "s-4f2a91c7b2e8d", "hats"),
        "_webSocketMessages": [{"type": "send", "time": 1, "opcode": 1, "data": "{}"}],
    }
    events = {
        **message(12, "s-4f2a91c7b2e8d", "boots"),
        "_eventSourceMessages": [{"time": 1, "eventName": "a", "data": "{}"}],
    }
    first["request"]["cookies"] = [{"name": "a", "value": "b"}]
    events["response"]["content"] = {
        "size": 2,
        "mimeType": "application/json",
        "_file": "body.json",
        "encoding": "base64",
    }
    return har(first, socket, events)


def imported(folder: Path, data: bytes, name: str = "a.har") -> None:
    (folder / name).write_bytes(data)
    before = {path.name for path in folder.parent.iterdir()}
    refused = ""
    try:
        import_har(
            Options(folder / name, profile(folder), folder / "out"), Console(file=io.StringIO(), width=200)
        )
    except HarnessError as error:
        refused = str(error)
    assert len(refused) < 2000
    assert {path.name for path in folder.parent.iterdir()} == before
    assert {path.name for path in folder.iterdir()} <= {name, "out", "acme.toml"}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in [(*path, key), *places(item, (*path, key))]]


def replaced(place: tuple[Any, ...], evil: Any) -> bytes:
    content = deepcopy(whole())
    at: Any = content
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = evil
    return json.dumps(content).encode()


usual = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given(place=st.sampled_from(places(whole())), evil=st.sampled_from(EVIL))
@settings(usual, max_examples=60)
def test_a_value_of_another_kind_is_an_error_or_judged(
    tmp_path: Path, place: tuple[Any, ...], evil: Any
) -> None:
    imported(tmp_path, replaced(place, evil))


@pytest.mark.parametrize(
    "place", [("log", "entries", 0, "time"), ("log", "entries", 0, "response", "status")]
)
def test_a_huge_number_is_no_time_and_no_status(tmp_path: Path, place: tuple[Any, ...]) -> None:
    imported(tmp_path, replaced(place, 10**400))


@pytest.mark.parametrize(
    ("place", "evil"),
    [
        (("log", "entries", 0, "request", "headers"), True),
        (("log", "entries", 0, "request", "cookies"), 5),
        (("log", "entries", 1, "_webSocketMessages", 0, "type"), []),
    ],
)
def test_a_list_that_is_none_and_a_word_that_is_one_are_no_traceback(
    tmp_path: Path, place: tuple[Any, ...], evil: Any
) -> None:
    imported(tmp_path, replaced(place, evil))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_value_of_every_other_kind_is_an_error_or_judged(tmp_path: Path) -> None:
    for place in places(whole()):
        for evil in EVIL:
            imported(tmp_path, replaced(place, evil))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_recording_is_an_error_wherever_it_was_cut_off(tmp_path: Path) -> None:
    text = json.dumps(whole()).encode()
    for at in range(len(text)):
        imported(tmp_path, text[:at])


def test_no_recording_at_all_is_an_error(tmp_path: Path) -> None:
    text = json.dumps(whole()).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil.har", text)
        archive.writestr("/etc/evil.network", text)
    for data in (
        b"", b"\x00" * 50, b"[" * 100_000, b'{"log":' * 50_000, b'{"log":{"entries":[' + b"9" * 5000 + b"]}}",
        text.decode().encode("utf-16"),
        b"\xef\xbb\xbf" + text, text[:-20], text + text, b"PK\x03\x04" + text, packed.getvalue(), packed.getvalue()[:-30],
        bytes(byte ^ (number % 97 == 0) for number, byte in enumerate(packed.getvalue())), b"\x1f\x8b" + text,
    ):  # fmt: skip
        imported(tmp_path, data)
