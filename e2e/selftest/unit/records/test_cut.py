"""Events that are missing: the chats that they belong to are incomplete evidence, and what is left is judged as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zstandard

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.records.cut import EventCount
from e2e.records.evidence import CHATS, EVENTS, RUN, EvidenceWriter, read_for_judging, read_run
from e2e.records.lines import compress
from e2e.selftest.unit.builders import make_run

FAULT = "stale-state"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded run whose product keeps sending old IDs: without its events each chat would be unexplained."""
    run = make_run(FAULT, chats=12, lanes=2)
    folder = tmp_path_factory.mktemp("cut") / "run"
    writer = EvidenceWriter(folder, run.meta)
    events = sorted(run.events, key=lambda e: e.t)
    number = 0
    for chat in sorted(run.chats, key=lambda c: c.ended):
        for event in [e for e in events if e.t <= chat.ended]:
            writer.event(replace(event, seq=number))
            number += 1
        events = [e for e in events if e.t > chat.ended]
        writer.chat(chat)
    for event in events:
        writer.event(replace(event, seq=number))
        number += 1
    writer.write_meta(run.meta)
    writer.close()
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def chats_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / CHATS).read_text().splitlines()]


def _before(end: int, number: int, of: int) -> bool:
    return number < end


def older(folder: Path) -> None:
    """As a suite wrote it that did not count events."""
    meta = json.loads((folder / RUN).read_text())
    del meta["events"]
    (folder / RUN).write_text(json.dumps(meta))
    chats = chats_of(folder)
    for chat in chats:
        del chat["events"]
    (folder / CHATS).write_text("".join(json.dumps(chat) + "\n" for chat in chats))


def judged(folder: Path) -> tuple[Run, set[str], str]:
    """The run, the names of its causes and its outcome; the same in both ways of reading."""
    run = assemble([read_for_judging(folder)])
    other = assemble([read_run(folder)])
    assert run.partial_reasons == other.partial_reasons
    found, again = judge(run), judge(other)
    assert [(v.name, v.outcome) for v in found.verdicts] == [(v.name, v.outcome) for v in again.verdicts]
    return run, {cause.name for cause in found.causes}, found.outcome


def keep(folder: Path, wanted: Callable[[int, int], bool]) -> int:
    """Keep the lines of events of which ``wanted(number, of)`` is true. Returns how many there were."""
    lines = (folder / EVENTS).read_text().splitlines(keepends=True)
    (folder / EVENTS).write_text("".join(line for n, line in enumerate(lines) if wanted(n, len(lines))))
    return len(lines)


def test_a_whole_run_is_complete(folder: Path) -> None:
    run, causes, outcome = judged(folder)
    assert (run.partial_reasons, len(run.chats), causes, outcome) == ((), 12, {FAULT}, "fail")


def test_an_older_run_is_complete(folder: Path) -> None:
    older(folder)
    run, causes, _ = judged(folder)
    assert (run.partial_reasons, len(run.chats), causes) == ((), 12, {FAULT})


@pytest.mark.parametrize("old", [False, True], ids=["counted", "older"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_chats_whose_events_are_cut_off_are_left_out(folder: Path, share: float, old: bool) -> None:
    needed = max(chat["events"] for chat in chats_of(folder))
    if old:
        older(folder)
    keep(folder, lambda n, of: n < share * needed)
    run, causes, outcome = judged(folder)
    assert causes <= {FAULT}
    assert len(run.chats) < 12
    assert outcome == ("fail" if causes else "broken")
    [reason] = run.partial_reasons
    left_out = 12 - len(run.chats)
    assert reason.startswith("events.jsonl is incomplete: ")
    assert f"; {left_out} chats left out" in reason


def test_each_cut_leaves_out_just_the_chats_that_need_what_is_missing(folder: Path) -> None:
    chats = chats_of(folder)
    for last in (3, 8):
        copy = Path(shutil.copytree(folder, folder.parent / f"to-{last}"))
        for end in (chats[last]["events"], chats[last]["events"] - 1):
            keep(copy, partial(_before, end))
            kept = assemble([read_for_judging(copy)]).chats
            assert len(kept) == sum(chat["events"] <= end for chat in chats)


def test_a_hole_leaves_out_what_came_after_it(folder: Path) -> None:
    needed = max(chat["events"] for chat in chats_of(folder))
    keep(folder, lambda n, of: not 0.5 * needed < n < 0.6 * needed)
    run, causes, _ = judged(folder)
    assert 0 < len(run.chats) < 12
    assert causes == {FAULT}
    assert run.partial


def test_a_torn_line_is_reported_with_what_it_costs(folder: Path) -> None:
    data = (folder / EVENTS).read_bytes()
    (folder / EVENTS).write_bytes(data[: len(data) // 4])
    run, causes, _ = judged(folder)
    assert [reason.split(":")[0] for reason in run.partial_reasons] == [
        "1 incomplete line ignored",
        "events.jsonl is incomplete",
    ]
    assert causes <= {FAULT}


def test_events_after_the_last_chat_are_missed_too(folder: Path) -> None:
    of = keep(folder, lambda n, of: n < of - 1)
    run, _, _ = judged(folder)
    assert of > max(chat["events"] for chat in chats_of(folder))
    assert run.partial_reasons == (f"events.jsonl is incomplete: {of - 1} of {of} events are there",)
    assert len(run.chats) == 12


def test_a_run_without_its_events_has_no_values(folder: Path) -> None:
    (folder / EVENTS).unlink()
    run, causes, outcome = judged(folder)
    assert (len(run.chats), causes, outcome) == (0, set(), "broken")


def test_a_compressed_file_that_was_cut_is_noticed_at_every_byte(folder: Path) -> None:
    """Also in older evidence, of which nothing else shows that the file ends early."""
    packed = compress(folder / EVENTS)
    assert judged(folder)[0].partial_reasons == ()
    data = packed.read_bytes()
    for at in {0, 1, 3, 4, 5, 9, 1000, len(data) // 2, len(data) - 1}:
        packed.write_bytes(data[:at])
        assert read_run(folder).torn_lines == 1
    older(folder)
    packed.write_bytes(data[: len(data) // 2])
    run, causes, _ = judged(folder)
    assert run.partial
    assert causes <= {FAULT}


def test_a_compressed_file_in_pieces_is_whole(folder: Path) -> None:
    """As programs write it that append, or compress side by side."""
    data = (folder / EVENTS).read_bytes()
    (folder / EVENTS).unlink()
    half = len(data) // 2 + 7
    (folder / f"{EVENTS}.zst").write_bytes(b"".join(map(zstandard.compress, (data[:half], b"", data[half:]))))
    assert judged(folder)[0].partial_reasons == ()


def test_events_are_counted_up_to_the_first_that_is_missing() -> None:
    for numbers, whole in (
        ([], 0), ([0, 1, 2], 3), ([1, 2], 0), ([2, 0, 1], 3), ([0, 1, 1, 3], 2), ([0, 0, 1], 2), ([0, 2, 3], 1), ([0, 3, 1, 2, 5], 4),
    ):  # fmt: skip
        count = EventCount()
        for number in numbers:
            count.add(number)
        assert count.whole == whole, numbers
