"""Files of a run that are cut, mixed up or made up: an error that says so or a judgement, never a traceback or a false verdict."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from e2e.errors import HarnessError
from e2e.records.evidence import CHATS, EVENTS, RUN
from e2e.selftest.tools.matrix.samples import SAMPLES
from reports.summary.aggregate import judge_folders, summary_files

Files = dict[str, bytes]
EVIL: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**400, 1e308, float("nan"), "", "x" * 10_000, "\u202e<b>\x1b[31m=1+1\x00", "\ud800", [], [[]], {}, {"a": 1},
)  # fmt: skip


@cache
def sample(name: str) -> Files:
    with tarfile.open(SAMPLES / f"{name}.tar.xz") as archive:
        files = {Path(m.name).name: archive.extractfile(m) for m in archive.getmembers()}
        return {name: file.read() for name, file in files.items() if file is not None}


def judged(folder: Path, files: Files) -> str:
    """The outcome, with the causes of a failure; ``error`` when the suite says that it cannot use the files."""
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    before = {path.name for path in folder.parent.iterdir()}
    refused = None
    texts: dict[str, str] = {}
    outcome = "error"
    try:
        found = judge_folders([folder])
        texts = summary_files(found, folder)
        outcome = " ".join(
            [found.judgement.outcome, *sorted({cause.name for cause in found.judgement.causes})]
        )
    except HarnessError as error:
        refused = error
    assert {path.name for path in folder.parent.iterdir()} == before
    assert {path.name for path in folder.iterdir()} == set(files)
    if refused is not None:
        assert refused.what
        assert refused.hint
        assert len(str(refused)) < 2000
        return outcome
    json.loads(texts["summary.json"], parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    texts["summary.md"].encode()
    return outcome


@cache
def counted(name: str) -> Files:
    """The sample as the suite writes it since its lines state how many events were written before them."""
    files = sample(name)
    events = [json.loads(line) for line in files[EVENTS].splitlines()]
    chats: list[dict[str, Any]] = []
    for line in files[CHATS].splitlines():
        chat = json.loads(line)
        own = [e["seq"] for e in events if e["lane"] == chat["lane"] and e["t"] <= chat["ended"]]
        chats.append({**chat, "events": max(1 + max(own), chats[-1]["events"] if chats else 0)})
    meta = {**json.loads(files[RUN]), "events": len(events)}
    return {
        RUN: json.dumps(meta).encode(),
        EVENTS: files[EVENTS],
        CHATS: "".join(json.dumps(chat) + "\n" for chat in chats).encode(),
    }


def cut(files: Files, name: str, at: int) -> Files:
    """One file is damaged or was copied in part, the others are whole."""
    return files | {name: files[name][:at]}


def packed(files: Files) -> Files:
    """As it is kept after a long run."""
    compress = zstandard.ZstdCompressor(write_checksum=True).compress
    return {RUN: files[RUN]} | {f"{name}.zst": compress(files[name]) for name in (EVENTS, CHATS)}


RIGHT = {
    "healthy": {"pass", "inconclusive", "broken", "error"},
    "stale-state": {"fail stale-state", "inconclusive", "broken", "error"},
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_run_that_was_cut_off_is_judged_by_what_is_there(name: str, tmp_path: Path) -> None:
    files = counted(name)
    lines = {file: [n for n, byte in enumerate(files[file]) if byte == 10] for file in (EVENTS, CHATS)}
    ends = [(EVENTS, lines[EVENTS][len(lines[EVENTS]) // 2] + shift) for shift in (0, 1, 40)]
    ends += [(CHATS, lines[CHATS][3] + shift) for shift in (1, 200)] + [(RUN, 0), (RUN, 1), (RUN, 700)]
    for file, at in ends:
        assert judged(tmp_path / "run", cut(files, file, at)) in RIGHT[name], (file, at)
    assert judged(tmp_path / "run", cut(sample(name), *ends[0])) in RIGHT[name]
    small = packed(files)
    for file in (f"{EVENTS}.zst", f"{CHATS}.zst"):
        half = len(small[file]) // 2
        assert judged(tmp_path / "packed", cut(small, file, half)) in RIGHT[name], (file, half)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("kind", [sample, counted])
def test_a_run_is_judged_right_wherever_it_was_cut_off(
    name: str, kind: Callable[[str], Files], tmp_path: Path
) -> None:
    """Bytes of what the run says of itself, of a chat and of an event; lines of all."""
    files = kind(name)
    for file in (RUN, CHATS, EVENTS):
        data = files[file]
        lines = sorted(n + 1 for n, byte in enumerate(data) if byte == 10)
        ends = {*lines[:: max(1, len(lines) // 40)], *range(0, min(len(data), 4000), 53)}
        for at in sorted(ends):
            assert judged(tmp_path / "run", cut(files, file, at)) in RIGHT[name], (file, at)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", RIGHT)
def test_a_compressed_run_is_judged_right_wherever_it_was_cut_off(name: str, tmp_path: Path) -> None:
    files = packed(counted(name))
    for file in (f"{EVENTS}.zst", f"{CHATS}.zst"):
        size = len(files[file])
        for at in {*range(12), *range(0, size, max(1, size // 40)), *range(size - 8, size)}:
            assert judged(tmp_path / "run", cut(files, file, at)) in RIGHT[name] - {"pass", "fail"}, (
                file,
                at,
            )


def test_an_encoding_that_is_not_ours_is_an_error_or_read(tmp_path: Path) -> None:
    files = sample("healthy")
    for file in (RUN, EVENTS, CHATS):
        text = files[file].decode()
        for data in (
            b"\xef\xbb\xbf" + files[file],
            text.encode("utf-16"),
            b"\x00" * 100,
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"null\nnull\n",
            b'"text"\n1\n',
            files[file].replace(b"\n", b"\r\n"),
            files[file] + files[file],
        ):
            assert judged(tmp_path / "run", files | {file: data}) in RIGHT["healthy"], (file, data[:20])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all fields in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in [(*path, key), *places(item, (*path, key))]]


def with_evil(files: Files, file: str, line: int, place: int, evil: Any) -> Files:
    """One field of one record replaced, or taken away (``...``)."""
    lines = [files[file].decode()] if file == RUN else files[file].decode().split("\n")
    line %= max(1, len(lines) - 1)
    record = json.loads(lines[line])
    *path, last = (found := places(record))[place % len(found)]
    at = record
    for key in path:
        at = at[key]
    if evil is ...:
        del at[last]
    else:
        at[last] = evil
    lines[line] = json.dumps(record)
    return files | {file: "\n".join(lines).encode()}


def fuzz(folder: Path, file: str, line: int, place: int, evil: Any, flips: list[tuple[int, int]]) -> None:
    files = sample("healthy")
    if evil != "flip":
        files = with_evil(files, file, line, place, evil)
    else:
        data = bytearray(files[file])
        for at, bit in flips:
            data[at % len(data)] ^= 1 << bit
        files = files | {file: bytes(data)}
    assert judged(folder / "run", files)


evils = {
    "file": st.sampled_from((RUN, EVENTS, CHATS)),
    "line": st.integers(0, 5000),
    "place": st.integers(0, 500),
    "evil": st.sampled_from((..., "flip", *EVIL)),
    "flips": st.lists(st.tuples(st.integers(0, 1 << 24), st.integers(0, 7)), min_size=1, max_size=20),
}
usual = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given(**evils)
@settings(usual, max_examples=25)
def test_a_field_of_another_kind_is_an_error_or_judged(
    tmp_path: Path, file: str, line: int, place: int, evil: Any, flips: list[tuple[int, int]]
) -> None:
    fuzz(tmp_path, file, line, place, evil, flips)


@pytest.mark.long
@pytest.mark.timeout(3600)
@given(**evils)
@settings(usual, max_examples=2000, derandomize=False)
def test_many_fields_of_another_kind_are_errors_or_judged(
    tmp_path: Path, file: str, line: int, place: int, evil: Any, flips: list[tuple[int, int]]
) -> None:
    fuzz(tmp_path, file, line, place, evil, flips)


@pytest.mark.parametrize(
    "name", ["../../etc", "/etc", "..", "a/b", "a\\b", "\u202ea", ".hidden", "a" * 300, "C:\\x", "a\x00b"]
)
@pytest.mark.parametrize("key", ["run_id", "trace"])
def test_a_name_that_leads_elsewhere_is_refused(key: str, name: str, tmp_path: Path) -> None:
    files = sample("healthy")
    raw = json.loads(files[RUN]) | {key: name}
    assert judged(tmp_path / "run", files | {RUN: json.dumps(raw).encode()}) == "error"
