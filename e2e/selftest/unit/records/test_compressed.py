"""Evidence that is kept compressed: everything that reads evidence reads it, and nothing is lost on the way."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.columns import Row, columns_of
from e2e.analysis.model.run import assemble
from e2e.analysis.model.schema import BackendRow, ChatRow, PayloadRow, StorageRow
from e2e.errors import HarnessError
from e2e.records import evidence
from e2e.records.event_log import EventLog
from e2e.records.evidence import (
    CHATS,
    EVENTS,
    RUN,
    EvidenceWriter,
    compact,
    files_of,
    find_runs,
    read_for_judging,
    read_run,
)
from e2e.records.records import RunRecords
from e2e.records.selection import of_kind, page_starts
from e2e.selftest.unit.builders import make_run
from reports.summary.aggregate import judge_folders


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is large."""
    monkeypatch.setattr(evidence, "PLAIN", 0)


def written(records: RunRecords, folder: Path) -> Path:
    writer = EvidenceWriter(folder, records.meta)
    for event in records.events:
        writer.event(event)
    for chat in records.chats:
        writer.chat(chat)
    writer.close()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(make_run("stale-state", chats=8, lanes=2), tmp_path / "evidence" / "run")


def test_small_files_stay_plain(folder: Path) -> None:
    compact(folder)
    assert sorted(path.name for path in folder.iterdir()) == [CHATS, EVENTS, RUN]


@pytest.mark.usefixtures("small")
def test_large_files_are_compressed_and_read_as_before(folder: Path) -> None:
    plain, size = read_run(folder), sum(path.stat().st_size for path in folder.iterdir())
    before = judge_folders([folder]).summary
    compact(folder)
    assert sorted(path.name for path in folder.iterdir()) == [f"{CHATS}.zst", f"{EVENTS}.zst", RUN]
    assert sum(path.stat().st_size for path in folder.iterdir()) < size / 3
    packed = read_run(folder)
    assert (packed.events, packed.chats, packed.meta) == (plain.events, plain.chats, plain.meta)
    assert packed.chats_file == f"{CHATS}.zst"
    assert find_runs(folder.parents[1]) == [folder]
    assert len(files_of(folder)) == 3
    after = judge_folders([folder]).summary
    assert [replace_evidence(v.model_dump()) for v in after.checks] == [
        replace_evidence(v.model_dump()) for v in before.checks
    ]


def replace_evidence(check: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in check.items() if name != "evidence"}


@pytest.mark.usefixtures("small")
def test_a_plain_file_counts_where_compressing_was_interrupted(folder: Path) -> None:
    (folder / f"{EVENTS}.zst").write_bytes(b"half of it")
    assert len(read_run(folder).events) > 50
    compact(folder)
    assert len(read_run(folder).events) > 50


@pytest.mark.usefixtures("small")
def test_a_damaged_compressed_file_is_an_error_and_a_cut_one_a_torn_line(folder: Path) -> None:
    compact(folder)
    path = folder / f"{EVENTS}.zst"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert read_for_judging(folder).torn_lines in (0, 1)
    path.write_bytes(b"\0" * 40 + data)
    for read in (read_run, read_for_judging):
        with pytest.raises(HarnessError, match=rf"{EVENTS}\.zst cannot be decompressed.*\n +hint: "):
            read(folder)


@pytest.mark.parametrize("fault", ["", "stale-state", "late-stream", "provider-sticky", "id-never-sent"])
def test_a_run_that_is_read_for_judging_has_the_verdicts_of_its_records(fault: str, tmp_path: Path) -> None:
    faults = (fault,) if fault else ()
    folder = written(make_run(*faults, chats=16, lanes=2), tmp_path / "run")
    one, other = (judge(assemble([read(folder)])) for read in (read_run, read_for_judging))
    assert one == other


def test_the_log_has_the_events_that_a_judgement_reads(folder: Path) -> None:
    log, every = read_for_judging(folder).events, read_run(folder).events
    assert isinstance(log, EventLog)
    for kind in ("storage", "payload", "backend"):
        found = sorted(of_kind(log, kind), key=lambda e: e.seq)
        assert found == [e for e in every if e.kind == kind]
    assert list(of_kind(log, "send")) == []
    assert len(log) == len(list(log)) < len(every)


def test_the_rows_of_one_chat_are_read_alone(folder: Path) -> None:
    kept, read = assemble([read_run(folder)]), assemble([read_for_judging(folder)])
    for record in (StorageRow, PayloadRow):
        for c in kept.every(ChatRow):
            of_chat = [r for r in kept.every(record) if (r.lane, r.chat) == (c.lane, c.chat)]
            assert of_chat
            for run in (kept, read):  # of rows that are there, and of a log
                assert list(run.of_chat(record, c.run_id, c.lane, c.chat)) == of_chat
            assert list(read.of_chat(record, "another run", c.lane, c.chat)) == []


def test_page_loads_are_found_among_the_writes_to_the_store(tmp_path: Path) -> None:
    records = make_run(chats=4, lanes=1)
    writes = [n for n, e in enumerate(records.events) if e.kind == "storage"]
    loads = set(writes[::3])
    events = tuple(
        replace(e, data={**e.data, "op": "start"}) if n in loads else e for n, e in enumerate(records.events)
    )
    read = read_for_judging(written(replace(records, events=events), tmp_path / "run"))
    assert list(page_starts(read.events)) == list(page_starts(events)) == [events[n] for n in sorted(loads)]
    assert len(list(of_kind(read.events, "storage"))) == len(writes)
    assert judge(assemble([read])) == judge(assemble([replace(read, events=events)]))


def test_equal_stacks_are_one_object(folder: Path) -> None:
    stacks = [e.data["stack"] for e in of_kind(read_for_judging(folder).events, "payload")]
    assert len(stacks) > len({id(stack) for stack in stacks})
    assert len({id(stack) for stack in stacks}) == len({repr(stack) for stack in stacks})


@pytest.mark.parametrize("name", ["f}],", 'f}],"', "[{", "}]"])
def test_a_stack_with_brackets_in_its_names_is_read_as_it_is(name: str, tmp_path: Path) -> None:
    records = make_run(chats=2, lanes=1)
    stack = [{"function": name, "url": "http://x/a.js", "line": 1, "column": 2}] * 2
    events = tuple(
        replace(e, data={**e.data, "stack": stack}) if "stack" in e.data else e for e in records.events
    )
    folder = written(replace(records, events=events), tmp_path / "run")
    assert [e.data for e in of_kind(read_for_judging(folder).events, "payload")] == [
        e.data for e in events if e.kind == "payload"
    ]


def test_lines_of_another_hand_are_read(folder: Path) -> None:
    """With spaces, and fields in another order."""
    import json

    path = folder / EVENTS
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text(
        "".join(json.dumps(dict(reversed(line.items()))) + "\n" for line in lines), encoding="utf-8"
    )
    log = read_for_judging(folder).events
    found = sorted(of_kind(log, "storage"), key=lambda e: e.seq)
    written_so = [e for e in read_run(folder).events if e.kind == "storage"]
    assert found == written_so
    of_chat = [e for e in written_so if (e.lane, e.chat) == (1, 1)]
    assert sorted(of_kind(log, "storage", chat=(1, 1)), key=lambda e: e.seq) == of_chat != []


@pytest.mark.parametrize("record", [StorageRow, PayloadRow, BackendRow])
def test_rows_with_some_columns_are_the_same_rows(record: type[Row], tmp_path: Path) -> None:
    read = assemble(
        [read_for_judging(written(make_run("over-rotation", chats=6, lanes=2), tmp_path / "run"))]
    )
    every = sorted(read.each(record), key=attrgetter("seq"))
    columns = [name for name in columns_of(record) if name not in ("same_value", "status")]
    some = sorted(read.each(record, only=columns), key=attrgetter("seq"))
    assert every
    assert [[getattr(row, name) for name in columns] for row in some] == [
        [getattr(row, name) for name in columns] for row in every
    ]
    assert all(getattr(row, "same_value", None) is getattr(row, "status", None) is None for row in some)


def test_a_wrong_value_is_an_error_where_its_column_is_read(folder: Path) -> None:
    path = folder / EVENTS
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'"op":"\w+"', '"op":7', text), encoding="utf-8")
    run = assemble([read_for_judging(folder)])
    assert list(run.each(StorageRow, only=("session",)))
    with pytest.raises(HarnessError, match=r"an event cannot be read: .*data\.op is 7"):
        list(run.each(StorageRow, only=("session", "op")))


def test_packed_events_take_no_room_but_their_own(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A compressor's result holds on to room for the worst case: 1 MB for 40 kB."""
    monkeypatch.setattr("e2e.records.event_log._BLOCK", 100_000)
    lines = (folder / EVENTS).read_bytes().splitlines()
    payloads = [line for line in lines if b'"kind":"payload"' in line]
    log = EventLog()
    tracemalloc.start()
    try:
        for n in range(2_000_000 // len(payloads[0])):
            log.add(payloads[n % len(payloads)])
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 500_000
