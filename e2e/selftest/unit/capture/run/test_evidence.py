"""What a run leaves behind is read back as it was, also after a crash; anything else is an error and never an empty run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.errors import CaptureIncomplete, HarnessError
from e2e.records.evidence import CHATS, EVENTS, RUN, EvidenceWriter, find_runs, read_run
from e2e.records.records import Chat, CodePlace, Event, Message, Policy, Problem, RunMeta

META = RunMeta(
    run_id="run-1",
    target="reference",
    title="Reference chat ü",
    url="http://127.0.0.1:8765/",
    started=1.0,
    finished=None,
    planned_chats=2,
    lanes=1,
    masked=True,
    mask_key="a1b2",
    policy=Policy(providers=("Big hat", "Tin drum"), weights={"Big hat": 0.7, "Tin drum": 0.3}),
    alarms_per_year=0.02,
    environment={"browser": "chromium"},
    code={"http://x/a.js:1:2": CodePlace("src/a.ts", 3, 4, "f", True, False, ((3, "f()"),))},
    problems=(Problem("Blocked", "the backend answered 429", "lane 0, chat 1", "fewer lanes"),),
)
MESSAGE = Message(
    number=0,
    after_reload=False,
    sent_at=2.0,
    ended_at=3.0,
    first_chunk_at=2.5,
    stored_seen=True,
    stored="session_…1",
    sent_seen=True,
    sent="session_…1",
    reply_provider="Big hat",
    backend_provider=None,
    label_provider=None,
    status=200,
    outcome="ok",
    chunks=3,
    bleeds_from=None,
    seen_on_screen=False,
    request="r-1",
)
CHAT = Chat(
    run_id="run-1",
    lane=0,
    chat=0,
    scenario="plain",
    via="new_chat",
    context=0,
    status="observed",
    reason="",
    began=1.0,
    ended=4.0,
    stored_before=None,
    stored_seen=True,
    stored="session_…1",
    screen_messages=0,
    messages=(MESSAGE, replace(MESSAGE, number=1)),
)


def event(seq: int, **data: Any) -> Event:
    return Event("run-1", seq, 1.0 + seq, 0, None, "storage", data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "evidence" / "run-1"


@pytest.fixture
def writer(folder: Path) -> Iterator[EvidenceWriter]:
    writer = EvidenceWriter(folder, META)
    yield writer
    writer.close()


@pytest.fixture
def recorded(folder: Path, writer: EvidenceWriter) -> Path:
    """A finished run of three events and two chats."""
    for seq in range(3):
        writer.event(event(seq, key="chat_session"))
    writer.chat(CHAT)
    writer.chat(replace(CHAT, chat=1))
    writer.close()
    return folder


def tear(path: Path, line: int, keep: int = 20) -> None:
    """Leave only the beginning of one line (from 0); of the last one, without its newline."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[line] = lines[line][:keep]
    last = line in (-1, len(lines) - 1)
    path.write_text("\n".join(lines) + ("" if last else "\n"), encoding="utf-8")


class TestRoundTrip:
    def test_everything_comes_back_as_it_was(self, recorded: Path) -> None:
        run = read_run(recorded)
        assert run.meta == META
        assert run.events == tuple(event(seq, key="chat_session") for seq in range(3))
        assert run.chats == (CHAT, replace(CHAT, chat=1))
        assert run.torn_lines == 0

    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("a\nb\tc", "a\nb\tc"),
            ("ключ 🎩", "ключ 🎩"),
            ('"quoted\\"', '"quoted\\"'),
            ("a\r\nb", "a\\r\nb"),
            ("a\u2028b\u0085c", "a\\u2028b\\x85c"),
            ("\ud800 alone", "\\ud800 alone"),
            ("\x00", "\\x00"),
        ],
    )
    def test_any_text_comes_back_with_acting_characters_as_escapes(
        self, folder: Path, writer: EvidenceWriter, text: str, read: str
    ) -> None:
        writer.event(event(0, text=text))
        writer.chat(replace(CHAT, reason=text))
        writer.write_meta(replace(META, interrupted=text))
        run = read_run(folder)
        assert run.events[0].data["text"] == read
        assert (run.chats[0].reason, run.meta.interrupted) == (read, read)

    def test_a_record_is_one_line(self, recorded: Path) -> None:
        assert len((recorded / EVENTS).read_text().splitlines()) == 3
        assert len((recorded / CHATS).read_text().splitlines()) == 2

    def test_before_a_chats_line_everything_that_was_seen_of_it_is_on_disk(
        self, folder: Path, writer: EvidenceWriter
    ) -> None:
        writer.event(event(0))
        assert read_run(folder).events == ()
        writer.chat(CHAT)
        assert len(read_run(folder).events) == 1

    def test_flushed_events_are_on_disk(self, folder: Path, writer: EvidenceWriter) -> None:
        writer.event(event(0))
        writer.flush()
        assert len(read_run(folder).events) == 1

    def test_the_runs_end_is_written_over_its_beginning(self, folder: Path, writer: EvidenceWriter) -> None:
        assert read_run(folder).meta.finished is None
        writer.write_meta(replace(META, finished=9.0))
        assert read_run(folder).meta.finished == 9.0
        assert sorted(path.name for path in folder.iterdir()) == [CHATS, EVENTS, RUN]

    def test_a_runs_folder_is_never_written_twice(self, recorded: Path) -> None:
        with pytest.raises(FileExistsError):
            EvidenceWriter(recorded, META)

    def test_fields_that_are_not_known_are_left_out(self, recorded: Path) -> None:
        for name in (EVENTS, CHATS):
            path = recorded / name
            path.write_text("".join(line[:-1] + ',"added":1}\n' for line in path.read_text().splitlines()))
        run = read_run(recorded)
        assert (len(run.events), run.chats[0]) == (3, CHAT)

    def test_its_folder_is_named_as_seen_from_here(
        self, recorded: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert read_run(recorded).folder == "run-1"
        monkeypatch.chdir(recorded.parents[1])
        assert read_run(recorded).folder == "evidence/run-1"


class TestTorn:
    @pytest.mark.parametrize("name", [EVENTS, CHATS])
    def test_a_torn_last_line_is_counted_and_left_out(self, recorded: Path, name: str) -> None:
        tear(recorded / name, -1)
        run = read_run(recorded)
        assert run.torn_lines == 1
        assert (len(run.events), len(run.chats)) == ((2, 2) if name == EVENTS else (3, 1))

    def test_both_files_may_be_torn(self, recorded: Path) -> None:
        tear(recorded / EVENTS, -1)
        tear(recorded / CHATS, -1)
        assert read_run(recorded).torn_lines == 2

    def test_a_line_may_be_torn_inside_of_a_character(self, recorded: Path) -> None:
        line = '{"text":"ü'.encode()
        with (recorded / EVENTS).open("ab") as file:
            file.write(line[:-1])
        assert read_run(recorded).torn_lines == 1

    def test_a_last_line_that_lacks_only_its_newline_is_whole(self, recorded: Path) -> None:
        path = recorded / EVENTS
        path.write_text(path.read_text().rstrip("\n"))
        run = read_run(recorded)
        assert (len(run.events), run.torn_lines) == (3, 0)

    @pytest.mark.parametrize("name", [EVENTS, CHATS])
    def test_a_torn_line_before_the_last_is_an_error(self, recorded: Path, name: str) -> None:
        tear(recorded / name, 0)
        with pytest.raises(HarnessError, match=rf"{name}:1 cannot be read: .*\n +hint: leave that run out"):
            read_run(recorded)

    def test_a_last_line_that_was_written_to_its_end_is_no_torn_one(self, recorded: Path) -> None:
        with (recorded / EVENTS).open("a") as file:
            file.write("garbage\n")
        with pytest.raises(HarnessError, match=rf"{EVENTS}:4 "):
            read_run(recorded)

    @pytest.mark.parametrize("line", ["[]", "7", "null", "{}", '{"messages": [null]}'])
    @pytest.mark.parametrize("name", [EVENTS, CHATS])
    def test_a_line_that_is_no_record_is_an_error(self, recorded: Path, name: str, line: str) -> None:
        path = recorded / name
        path.write_text(line + "\n" + path.read_text())
        with pytest.raises(HarnessError, match=rf"{name}:1 cannot be read"):
            read_run(recorded)


class TestMissing:
    def test_a_folder_without_run_json_is_no_run(self, tmp_path: Path) -> None:
        with pytest.raises(
            HarnessError, match=rf"holds no recorded run: there is no {RUN}\n +hint: name a folder"
        ):
            read_run(tmp_path)

    @pytest.mark.parametrize("name", [EVENTS, CHATS])
    def test_a_run_that_was_killed_early_may_lack_a_file(self, recorded: Path, name: str) -> None:
        (recorded / name).unlink()
        run = read_run(recorded)
        assert (len(run.events), len(run.chats)) == ((0, 2) if name == EVENTS else (3, 0))

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"schema": 1, "policy": null}', "\x00"])
    def test_a_run_json_that_contains_nothing_is_an_error(self, recorded: Path, text: str) -> None:
        (recorded / RUN).write_text(text)
        with pytest.raises(
            HarnessError, match=rf"{RUN} cannot be read as a run: .*\n +hint: record the run again"
        ):
            read_run(recorded)


class TestSchema:
    def test_a_newer_one_asks_for_a_newer_suite(self, recorded: Path) -> None:
        raw = json.loads((recorded / RUN).read_text())
        (recorded / RUN).write_text(json.dumps({**raw, "schema": 2}))
        with pytest.raises(HarnessError, match=r"schema 2 is newer .*\n +hint: update the suite"):
            read_run(recorded)

    def test_also_when_nothing_else_is_as_it_was(self, recorded: Path) -> None:
        (recorded / RUN).write_text('{"schema": 2, "rules": []}')
        with pytest.raises(HarnessError, match="schema 2 is newer"):
            read_run(recorded)


class TestFind:
    @pytest.fixture
    def out(self, tmp_path: Path) -> Path:
        for name in ("b", "a"):
            EvidenceWriter(tmp_path / "out" / "evidence" / name, META).close()
        return tmp_path / "out"

    def test_a_run(self, out: Path) -> None:
        assert find_runs(out / "evidence" / "a") == [out / "evidence" / "a"]

    @pytest.mark.parametrize("below", ["", "evidence"])
    def test_a_folder_of_runs_by_name(self, out: Path, below: str) -> None:
        assert find_runs(out / below) == [out / "evidence" / "a", out / "evidence" / "b"]

    def test_a_folder_without_any_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match=r"holds no recorded run\n +hint: name a folder with run.json"):
            find_runs(tmp_path)

    def test_what_is_no_folder_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match="nowhere is not a folder"):
            find_runs(tmp_path / "nowhere")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_reported_with_a_way_out_and_costs_nothing_that_was_complete(
    folder: Path, writer: EvidenceWriter
) -> None:
    writer.event(event(0))
    writer.flush()
    writer._events.close()
    writer._events = Path("/dev/full").open("ab")  # noqa: SIM115 - the writer closes it
    writer.event(event(1))
    with pytest.raises(CaptureIncomplete, match="No space left") as raised:
        writer.flush()
    assert "--from-evidence" in raised.value.hint
    with pytest.raises(CaptureIncomplete, match="No space left"):
        writer.close()
    assert len(read_run(folder).events) == 1


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(CaptureIncomplete, match="the evidence could not be written"):
        EvidenceWriter(tmp_path / "evidence" / "run", META)


@pytest.mark.parametrize("text", ["plain", 'caf\u00e9 \u2028 \x7f "quoted" \\', "half a pair: \ud800"])
def test_records_are_lines_of_compact_json_whatever_their_texts(
    folder: Path, writer: EvidenceWriter, text: str
) -> None:
    chat = replace(CHAT, reason=text, messages=(MESSAGE, replace(MESSAGE, number=1, accepted=text)))
    writer.chat(chat)
    writer.event(replace(event(0), data={"text": text}))
    writer.close()
    written = (folder / CHATS).read_text(encoding="utf-8")
    plain = json.dumps({**chat.to_json(), "events": 0}, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert written == plain.encode("utf-8", "backslashreplace").decode("utf-8")
    assert len(read_run(folder).events) == 1
