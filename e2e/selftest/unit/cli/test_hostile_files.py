"""Files and addresses of any content that a command takes: an error with a hint, or what is whole of them; nothing written elsewhere."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from e2e.capture.code import libraries
from e2e.capture.code.local_maps import LocalMaps
from e2e.capture.code.source_maps import SourceMap, resolve
from e2e.capture.code.stacks import parse as parse_stack
from e2e.cli.main import main
from e2e.errors import HarnessError, InvalidProfile
from e2e.plugin.settings.settings import OptionError, read_settings
from e2e.profile.environment import check_files
from e2e.profile.profile import parse
from e2e.records.evidence import CHATS, EVENTS, RUN, read_for_judging, read_meta, read_run
from e2e.records.places import Place, local_runs
from e2e.selftest.unit.builders import make_run
from e2e.selftest.unit.records.test_compressed import written
from reports.history.entry import HistoryEntry
from reports.history.store import Store
from reports.publish.nightly import series_name
from reports.publish.notify import notify
from reports.publish.shared_run import RESULT_FILE, read_result
from reports.summary.last_run import SESSION, last_run

EVIL: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, 1e308, "", "x" * 10_000, "\u202e<b>\x1b[31m=1+1\x00", "../../../x", "/etc/x", "..", [], [[]],
    {}, {"a": 1},
    [1], "http://[", "a\nb=c",
)  # fmt: skip
BYTES = (
    b"", b"\x00" * 50, b"null", b"1", b'"a"', b"[]", b"{}", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b"\xff\xfe{\x00",
    b'{"a": "\\ud800"}',
)  # fmt: skip


def fair(refused: HarnessError | OptionError) -> None:
    text = str(refused)
    assert text
    assert len(text) < 6000
    if isinstance(refused, HarnessError):
        assert refused.hint or refused.where


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


# -- storage states ------------------------------------------------------------------------------------------------------

STATE: dict[str, Any] = {
    "cookies": [{"name": "a", "value": "b", "domain": "x.example", "path": "/", "expires": -1, "httpOnly": False, "secure": False,
                 "sameSite": "Lax"}],
    "origins": [{"origin": "https://x.example", "localStorage": [{"name": "a", "value": "b"}]}],
}  # fmt: skip


def state_refused(folder: Path, data: bytes) -> str:
    (folder / "state.json").write_bytes(data)
    profile = parse(
        {
            "name": "x", "title": "x", "where": {"url": "http://127.0.0.1/", "ready": {"css": "textarea"}}, "session": {"key": "k"},
            "steps": {"message_box": {"css": "textarea"}, "new_chat": [{"click": {"css": "button"}}]},
            "wire": [{"url": "/api/chat", "session": "a"}], "login": {"storage_state": "state.json"},
        },
        "x",
    )  # fmt: skip
    try:
        check_files(profile, folder)
    except InvalidProfile as refused:
        fair(refused)
        return str(refused)
    return ""


def test_a_storage_state_is_whole_or_refused_with_the_cookie(tmp_path: Path) -> None:
    text = json.dumps(STATE).encode()
    assert not state_refused(tmp_path, text)
    for data in (*BYTES, *(text[:at] for at in range(len(text)))):
        assert state_refused(tmp_path, data), data[:40]
    assert "cookies[0].value is of another type" in state_refused(
        tmp_path, json.dumps({"cookies": [{"name": "a", "value": 1, "domain": "x", "path": "/"}]}).encode()
    )
    for place in (["cookies"], ["cookies", 0], ["cookies", 0, "name"], ["cookies", 0, "expires"], ["origins"], ["origins", 0],
                  ["origins", 0, "origin"], ["origins", 0, "localStorage"], ["origins", 0, "localStorage", 0],
                  ["origins", 0, "localStorage", 0, "value"]):  # fmt: skip
        for evil in EVIL:
            state_refused(tmp_path, json.dumps(_with(STATE, place, evil)).encode())


def _with(value: Any, place: list[Any], evil: Any) -> Any:
    copy = json.loads(json.dumps(value))
    at = copy
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = evil
    return copy


# -- the run history -----------------------------------------------------------------------------------------------------

ROW: dict[str, Any] = {
    "run_id": "2026-11-22T0215Z-2f9c", "began": 1.8e9, "target": "acme", "browser": "chromium", "kind": "entry", "name": "outcome",
    "text": "pass", "number": None,
}  # fmt: skip


def put(folder: Path, rows: list[Mapping[str, Any]], name: str = "evil.parquet") -> None:
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), folder / name)


@pytest.mark.parametrize("column", ["run_id", "began", "target", "browser", "kind", "name", "text", "number"])
def test_an_entry_of_the_history_is_whole_or_costs_itself_only(column: str, tmp_path: Path) -> None:
    history = tmp_path / "history"
    for number, evil in enumerate(EVIL):
        if evil == {} or (isinstance(evil, int) and evil > 1 << 62):
            continue  # no value of such a file
        row = {**ROW, "run_id": f"{ROW['run_id']}{number}"}
        put(history, [{**row, column: evil}], f"{row['run_id']}.parquet")
    store = Store(history)
    good = HistoryEntry("2026-11-22T0300Z-aaaa", 1.8e9, "acme", "chromium", "pass", "")
    (tmp_path / "x.parquet").write_bytes(b"mine")
    store.add(good, keep=1)
    found = store.read()
    assert good.run_id in {e.run_id for e in found.entries}
    for entry in found.entries:
        assert re.fullmatch(r"[\w.:+-]+", entry.run_id)
        assert entry.date
        assert (entry.target + entry.browser + entry.outcome + entry.headline).isprintable()
    assert main(["history", "--history", str(history), "--out", str(tmp_path)]) == 0
    assert tree(tmp_path) - {f"history/{ROW['run_id']}{n}.parquet" for n in range(99)} == {
        "history", "history/2026-11-22T0300Z-aaaa.parquet", "x.parquet",
    }  # fmt: skip


def test_a_file_of_the_history_that_was_cut_off_costs_itself_only(tmp_path: Path) -> None:
    put(tmp_path, [ROW], f"{ROW['run_id']}.parquet")
    data = (tmp_path / f"{ROW['run_id']}.parquet").read_bytes()
    for number, at in enumerate(range(0, len(data), 97)):
        (tmp_path / f"cut{number}.parquet").write_bytes(data[:at])
    found = Store(tmp_path).read()
    assert len(found.entries) == 1
    assert len(found.unread) == number + 1


@pytest.mark.parametrize(
    "address",
    ["http://[", "http://x/\ud800", "ftp://x/", "", "http://\x00/", "http://x:99999999/", "x" * 10_000, "javascript:1", "http://127.0.0.1:1/"],
    ids=lambda text: ascii(text[:12]),
)  # fmt: skip
def test_a_webhook_that_is_no_address_is_an_error_without_it(address: str, tmp_path: Path) -> None:
    put(tmp_path, [{**ROW, "text": "fail"}], f"{ROW['run_id']}.parquet")
    with pytest.raises(HarnessError) as raised:
        notify(Store(tmp_path), address)
    fair(raised.value)
    assert address[:20] not in str(raised.value) or not address


# -- places and shared runs ----------------------------------------------------------------------------------------------

NAMES = ("../evil/run.json", "a/../../evil/run.json", "a\\..\\b/run.json", "a\x00b/run.json", "ok/run.json", "ok/../../evil.txt",
         "ok/sub/../../../evil.txt", "ok//etc/evil.txt", "ok/events.jsonl")  # fmt: skip


class Hostile:
    """A storage whose names were made to be written elsewhere; a real one takes any name."""

    protocol = "s3"

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def exists(self, path: str) -> bool:
        return path.removeprefix("bucket/") in self.names

    def glob(self, pattern: str) -> list[str]:
        depth = pattern.count("/")
        return [
            f"bucket/{n}" for n in self.names if n.endswith("/run.json") and f"bucket/{n}".count("/") >= depth
        ]

    def find(self, top: str) -> list[str]:
        return [f"bucket/{n}" for n in self.names if f"bucket/{n}".startswith(f"{top}/")]

    def cat_file(self, path: str) -> bytes:
        return b"evil" if path.removeprefix("bucket/") in self.names else b""


def test_names_on_object_storage_lead_nowhere_else(tmp_path: Path) -> None:
    into = tmp_path / "out" / "fetched"
    place = Place("s3://bucket", Hostile(NAMES), "bucket")
    assert [folder.name for folder in place.fetch_runs(into)] == ["ok"]
    assert tree(tmp_path) == {"out", "out/fetched", "out/fetched/ok", "out/fetched/ok/run.json", "out/fetched/ok/events.jsonl",
                              "out/fetched/ok/etc", "out/fetched/ok/etc/evil.txt"}  # fmt: skip


def test_a_result_of_any_content_is_an_error_or_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = {
        "target": "a",
        "browser": "b",
        "outcome": "pass",
        "headline": "\x1b[31m",
        "folder": "result/a-b",
        "passed": True,
        "run_ids": ["r"],
    }
    whole: dict[str, Any] = {"series": [one], "left_out": [], "wrong": []}
    path = tmp_path / RESULT_FILE
    path.parent.mkdir()
    place = Place.at(str(tmp_path))
    path.write_text(json.dumps(whole))
    assert read_result(place).exit_code == 0
    assert main(["result", str(tmp_path)]) == 0
    assert "\x1b" not in capsys.readouterr().out
    contents = [*BYTES, *(json.dumps(_with(whole, [key], evil)).encode() for key in whole for evil in EVIL)]
    contents += [json.dumps(_with(whole, ["series", 0, key], evil)).encode() for key in one for evil in EVIL]
    refused = 0
    for data in contents:
        path.write_bytes(data)
        try:
            for series in read_result(place).series:
                assert ".." not in series.folder.split("/")
        except HarnessError as error:
            fair(error)
            refused += 1
    assert refused > 100


def test_evidence_that_names_another_place_is_judged_in_its_own(tmp_path: Path) -> None:
    for target, browser in (
        ("../../x", "chromium"),
        ("a", "/etc/passwd"),
        ("..", ".."),
        ("", ""),
        ("a\x00", "\n"),
        ("x" * 500, "y"),
    ):
        name = series_name(target, browser)
        assert (tmp_path / name).resolve().parent == tmp_path
        assert len(name) <= 200
    assert series_name("acme", "chromium (msedge, iPhone 15)") == "acme-chromium (msedge, iPhone 15)"


@pytest.mark.parametrize(("key", "value"), [
    ("target", "../../x"), ("target", "a\nb"), ("shard", "1/9999999999"), ("shard", "a/b"), ("shard", "../x"), ("shard", "1/2/3"),
    ("run_id", "../x"), ("trace", "../x.zip"),
])  # fmt: skip
def test_a_run_with_a_name_that_is_none_is_refused(key: str, value: str, tmp_path: Path) -> None:
    folder = written(make_run(chats=1, lanes=1), tmp_path / "run")
    raw = json.loads((folder / RUN).read_text()) | {key: value}
    (folder / RUN).write_text(json.dumps(raw))
    with pytest.raises(HarnessError, match=key) as raised:
        read_meta(folder)
    fair(raised.value)


@pytest.mark.parametrize("name", [RUN, EVENTS, CHATS])
def test_a_folder_in_the_place_of_a_file_is_an_error(name: str, tmp_path: Path) -> None:
    folder = written(make_run(chats=1, lanes=1), tmp_path / "run")
    (folder / name).unlink()
    (folder / name).mkdir()
    for read in (read_run, read_for_judging):
        with pytest.raises(HarnessError, match=re.escape(name)) as raised:
            read(folder)
        fair(raised.value)


def test_texts_inside_of_tables_and_lists_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    records = make_run(chats=2, lanes=1)
    evil = "a\x1b[31m\u202e\ud800"
    meta = replace(
        records.meta,
        environment={**records.meta.environment, evil: evil},
        links={evil: evil},
        owners={"backend": evil},
    )
    stack = [{"function": evil, "url": f"http://x/{evil}", "line": 1, "column": 2}]
    events = tuple(
        replace(e, data={**e.data, "stack": stack}) if "stack" in e.data else e for e in records.events
    )
    folder = written(replace(records, meta=meta, events=events), tmp_path / "run")
    for read in (read_run, read_for_judging):
        found = read(folder)
        for table in (found.meta.environment, found.meta.links, found.meta.owners):
            assert all((key + value).isprintable() for key, value in table.items())
        frames = [f for e in found.events for f in e.data.get("stack", ())]
        assert frames
        assert all(f["function"].isprintable() and f["url"].isprintable() for f in frames)


# -- scripts, stacks and source maps -------------------------------------------------------------------------------------

MAP: dict[str, Any] = {
    "version": 3,
    "sources": ["a.ts"],
    "sourcesContent": ["x"],
    "mappings": "AAAA",
    "names": [],
}


def placed(text: str | None, url: str = "http://x/a.js", function: str = "f") -> None:
    began = time.process_time()
    frame = {"url": url, "function": function, "line": 1, "column": 1}
    served = {"http://x/a.js": "x\n//# sourceMappingURL=a.js.map", url: f"x\n//# sourceMappingURL={url}.map"}
    places = resolve([frame], lambda address: text if address.endswith(".map") else served.get(address))
    assert len(places) == 1
    assert time.process_time() - began < 3


def test_a_source_map_of_any_content_costs_no_more_than_the_place(tmp_path: Path) -> None:
    lines = [
        "const a:" * 100_000, "x(" + "):" * 200_000, "function " * 100_000, "  " * 100_000, "const f = useCallback<" * 50_000,
        "async " * 100_000,
    ]  # fmt: skip
    for mappings in (
        "g" * 200_000,
        "A" * 200_000,
        "AAAA," * 20_000,
        ";" * 200_000,
        "!!!!",
        "AAAA;" * 20_000,
        "+" * 40,
    ):
        placed(json.dumps({**MAP, "mappings": mappings}))
    for line in lines:
        placed(json.dumps({**MAP, "sourcesContent": [f"a\n{line}\n{line}"], "mappings": "AACA"}))
    for key in MAP:
        for evil in EVIL:
            placed(json.dumps({**MAP, key: evil}))
    for source in ("http://[", "\x00", "../" * 9000, "file:///etc/passwd", "http://x:99999999/", "\ud800"):
        placed(json.dumps({**MAP, "sources": [source]}))
    text = json.dumps(MAP)
    for at in range(len(text)):
        placed(text[:at])
    for data in BYTES:
        placed(data.decode("utf-8", "replace"))
    maps = tmp_path / "maps"
    maps.mkdir()
    for number, data in enumerate(BYTES):
        (maps / f"{number}.map").write_bytes(data)
    (maps / "folder.map").mkdir()
    local = LocalMaps(maps)
    for url in (
        "http://[",
        "http://x/0",
        "http://x/3",
        "http://x/folder",
        "http://x/../../etc/passwd",
        "http://x/%00",
        "\x00",
    ):
        found = local.find(url, "x\n//# sourceMappingURL=http://[/folder.map")
        if found:
            with pytest.raises((ValueError, LookupError, TypeError, RecursionError)):
                SourceMap(found, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://[",
        "http://x:99999999/",
        "webpack://[/a",
        "blob:http://[/",
        "app://]",
        "http://ⅷ℀/a.js",
        "file://[",
        "\x00",
    ],
)
def test_a_script_may_have_any_address(url: str) -> None:
    """A page gives it by ``//# sourceURL=``."""
    placed(None, url)
    placed(json.dumps(MAP), url)
    assert libraries.is_library(url) in (True, False)
    assert libraries.looks_like_library(url, "x", "http://[") in (True, False)


def test_a_stack_of_any_text_is_read() -> None:
    """A function may have any name, with line breaks in it."""
    began = time.process_time()
    for text in (
        f"Error\n    at f (http://x/a.js:{'9' * 5000}:1)", "at " * 100_000, "    at " + "(" * 100_000,
        "@" * 100_000, "    at a" + " (http://x" * 20_000,
        "\x00", "\ud800@http://x:1:2", "    at http://x/" + ":1" * 100_000, "x" * 1_000_000, "\n" * 1_000_000,
    ):  # fmt: skip
        for frame in parse_stack(text):
            assert frame["line"] < 10**9
    assert time.process_time() - began < 5


# -- the last session, the outcome, and options --------------------------------------------------------------------------


def test_a_session_file_of_any_content_is_an_error_or_read(tmp_path: Path) -> None:
    whole = {"evidence": ["x"], "alarms_per_year": 0.02, "exit": 0, "environments": []}
    contents = [*BYTES, *(json.dumps({**whole, key: evil}).encode() for key in whole for evil in EVIL)]
    for data in contents:
        (tmp_path / SESSION).write_bytes(data)
        try:
            last_run(tmp_path)
        except HarnessError as refused:
            fair(refused)


def test_an_outcome_is_one_word_for_the_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for data in (*BYTES, *(json.dumps({"outcome": evil}).encode() for evil in EVIL[-8:])):
        (tmp_path / "summary.json").write_bytes(data)
        code = main(["outcome", "--out", str(tmp_path)])
        out, err = capsys.readouterr()
        assert (code == 0) == bool(re.fullmatch(r"outcome=[A-Za-z]+\n", out)), (data, out)
        assert code == 0 or "hint:" in err
    (tmp_path / "summary.json").write_text('{"outcome": "pass"}')
    assert main(["outcome", "--out", str(tmp_path)]) == 0


ANY_TEXT = ("\x00", "\ud800", "\x1b[31m", "..", "../../x", "/", "x" * 10_000, "http://[", "http://x:99999999", "s3://",
            "s3://\x00/", "²", "9" * 5000,
            "1/" + "9" * 5000, "0/0", "-1/2", "{run}", "a\nb",
            "javascript:alert(1)", "file:///etc/passwd", "nan", "inf", "1e999")  # fmt: skip
OPTIONS = (
    "target", "base_url", "wire", "browser_channel", "device", "connect", "connect_over_cdp", "target_version", "shard", "chats", "lanes",
    "id_pattern",
    "transport", "store", "id_format", "rotation", "seed", "scenarios", "max_chats", "walk", "replay", "alarms_per_year", "from_evidence",
    "evidence_to", "otlp", "source_maps", "out",
)  # fmt: skip


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_of_any_text_is_an_error_or_taken(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ANY_TEXT:
        if option == "evidence_to" and text.startswith("s3://"):
            continue  # asks the network
        try:
            read_settings({option: text, **({} if option == "out" else {"out": tmp_path / "out"})})
        except OptionError as refused:
            fair(refused)
    assert tree(tmp_path) == set()


@pytest.mark.parametrize("place", ["memory://", "zip://x", "nosuch://a/b", "local://../x"])
def test_a_place_that_is_none_is_an_error(place: str, tmp_path: Path) -> None:
    assert fsspec  # its errors are of many kinds
    with pytest.raises(HarnessError) as raised:
        local_runs(place, tmp_path / "fetched")
    fair(raised.value)
    assert tree(tmp_path) == set()
