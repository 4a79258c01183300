"""The evidence folder: records appended line by line as they are seen, and read back, also after a crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import PydanticSerializationError, to_json
from zstandard import ZstdError

from e2e.errors import CaptureIncomplete, HarnessError
from e2e.files import replace_file
from e2e.records.cut import EventCount
from e2e.records.event_log import EventLog
from e2e.records.lines import compress, existing, parsed, read_lines
from e2e.records.records import Chat, Event, RunMeta, RunRecords
from e2e.records.selection import collector_paused

_CHAT_FIELDS = tuple(Chat.__dataclass_fields__)
RUN, EVENTS, CHATS = "run.json", "events.jsonl", "chats.jsonl"
PLAIN = 16_000_000
"""Bytes up to which a file is left as plain JSON lines after a run: some 1,300 chats. Larger ones shrink to a thirtieth."""


class EvidenceWriter:
    """Appends events and chats to ``folder``; what was appended survives a ``kill -9`` of this process.

    Every line is handed to the operating system at once; nothing is held back in this process but the events since the last
    `flush`, which the recorder calls at each pause of the run and before each chat's line.
    """

    def __init__(self, folder: Path, meta: RunMeta) -> None:
        self.folder = folder
        self.meta = meta
        self._count, self._written = (
            EventCount(),
            0,
        )  # of the events that were taken; how many of them are in the file
        with _write_errors(folder):
            folder.mkdir(parents=True, exist_ok=False)
            self._events: BinaryIO = (folder / EVENTS).open("ab", buffering=1 << 16)
            self._chats: BinaryIO = (folder / CHATS).open("ab", buffering=1 << 16)
        self.write_meta(meta)

    def event(self, event: Event) -> None:
        with _write_errors(self.folder):
            self._events.write(_line(event.to_json()))
        self._count.add(event.seq)

    def chat(self, chat: Chat) -> None:
        """Append a finished chat, after everything that was seen of it."""
        with _write_errors(self.folder):
            self._events.flush()
            self._written = self._count.whole
            self._chats.write(
                _line({name: getattr(chat, name) for name in _CHAT_FIELDS} | {"events": self._written})
            )
            self._chats.flush()

    def flush(self) -> None:
        with _write_errors(self.folder):
            self._events.flush()

    def write_meta(self, meta: RunMeta) -> None:
        """Replace ``run.json`` in one step, so that a reader never sees half of it."""
        self.meta = meta
        with suppress(OSError, ValueError):  # no room: run.json may still fit; or closed
            self._events.flush()
            self._written = self._count.whole
        text = json.dumps({**meta.to_json(), "events": self._written}, ensure_ascii=False, indent=1)
        with _write_errors(self.folder):
            replace_file(self.folder / RUN, text)

    def close(self) -> None:
        """Write what is still held back. Raises `CaptureIncomplete` when that is not possible; the files are closed then too."""
        with _write_errors(self.folder):
            try:
                self._events.close()
            finally:
                self._chats.close()


@contextmanager
def _write_errors(folder: Path) -> Iterator[None]:
    """Say of a write that failed what it means. Raises `CaptureIncomplete`."""
    try:
        yield
    except FileExistsError:
        raise  # two runs of one name: a mistake in this program
    except OSError as error:
        raise CaptureIncomplete(
            f"the evidence could not be written: {error.strerror or error}",
            where=str(folder),
            hint="make room or mend the access, then run again; what was written until then can be judged with --from-evidence",
        ) from error


def _line(record: dict[str, Any]) -> bytes:
    """A record as a line of JSON. Pydantic's encoder takes a fifth of the time of Python's: a chat has some twenty records."""
    try:
        return to_json(record) + b"\n"
    except PydanticSerializationError:
        # A lone surrogate in a text of the page is no UTF-8; backslashreplace writes it as JSON's own \ud800.
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=asdict)
        return text.encode("utf-8", "backslashreplace") + b"\n"


def compact(folder: Path) -> None:
    """Compress the events and chats of a finished run where they are large. Raises ``OSError``; the run can be read then too."""
    for name in (EVENTS, CHATS):
        path = folder / name
        if path.is_file() and path.stat().st_size > PLAIN:
            compress(path)


def files_of(folder: Path) -> list[Path]:
    """The files of a run that are there, compressed or not."""
    return [path for name in (RUN, EVENTS, CHATS) if (path := existing(folder / name)) is not None]


def read_run(folder: Path) -> RunRecords:
    """Read one run's folder.

    A torn last line (the process was killed while writing) is counted and left out; a torn line elsewhere is an error.
    Raises `HarnessError` when the folder is no run or cannot be understood.
    """
    events: list[Event] = []
    count = EventCount()

    def take(line: bytes) -> None:
        events.append(Event.from_json(_parsed(line)))
        count.add(events[-1].seq)

    meta = read_meta(folder)
    torn = _read(folder / EVENTS, take)
    return _with_chats(folder, meta, tuple(events), torn, count.whole)


def read_for_judging(folder: Path) -> RunRecords:
    """As `read_run`; its events are an `EventLog`, which has those that a judgement reads, and needs little memory."""
    meta, log = read_meta(folder), EventLog(f"{folder / EVENTS}")
    with collector_paused():
        torn = _read(folder / EVENTS, log.add)
        return _with_chats(folder, meta, log, torn, log.counted.whole)


def _with_chats(folder: Path, meta: RunMeta, events: Sequence[Event], torn: int, whole: int) -> RunRecords:
    chats: list[Chat] = []
    torn += _read(folder / CHATS, lambda line: chats.append(Chat.from_json(_parsed(line))))
    _refuse_doubles(folder, chats)
    file = existing(folder / CHATS)
    return RunRecords(meta, events, tuple(chats), _shown(folder), torn, file.name if file else CHATS, whole)


def _refuse_doubles(folder: Path, chats: Sequence[Chat]) -> None:
    """A chat that is there twice has its own session ID twice. Raises `HarnessError`."""
    seen = set()
    for chat in chats:
        if (chat.lane, chat.chat) in seen:
            raise HarnessError(
                f"{folder / CHATS}: chat {chat.chat} of lane {chat.lane} is there twice",
                hint="was the file put together by hand? Take the run's own files again",
            )
        seen.add((chat.lane, chat.chat))


@contextmanager
def understood(folders: Sequence[Path]) -> Iterator[None]:
    """Judge evidence inside of this. Raises `HarnessError` where it is what no run can have seen, such as lines of two runs."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise HarnessError(
            f"the evidence cannot be judged: {repr(error)[:300]}",
            where=", ".join(_shown(folder) for folder in folders[:3]),
            hint="are the files whole, and of one run? Record it again; report it when they are",
        ) from error


def read_meta(folder: Path) -> RunMeta:
    """Read what a run says of itself. Raises `HarnessError` when the folder is no run or cannot be understood."""
    path = folder / RUN
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        newer = raw.get("schema", 1) != 1
        meta = None if newer else RunMeta.from_json(raw)
    except FileNotFoundError:
        raise HarnessError(
            f"{folder} holds no recorded run: there is no {RUN}",
            hint=f"name a folder below reports/out/evidence, or its parent (each run is a folder with {RUN}, {EVENTS}, {CHATS})",
        ) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise HarnessError(
            f"{path} cannot be read as a run: {repr(error)[:300]}", hint="record the run again"
        ) from error
    if meta is None:
        raise HarnessError(
            f"{path}: schema {raw['schema']} is newer than this suite understands", hint="update the suite"
        )
    return meta


def find_runs(folder: Path) -> list[Path]:
    """The run folders at or below ``folder`` (a run, an ``evidence`` folder, or an ``--out`` folder), by name.

    Raises `HarnessError` when there is none.
    """
    if (folder / RUN).is_file():
        return [folder]
    found = sorted(p.parent for p in folder.glob(f"*/{RUN}")) or sorted(
        p.parent for p in folder.glob(f"evidence/*/{RUN}")
    )
    if not found:
        what = f"{folder} holds no recorded run" if folder.is_dir() else f"{folder} is not a folder"
        raise HarnessError(what, hint=f"name a folder with {RUN} in it, or one that holds such folders")
    return found


def _shown(folder: Path) -> str:
    """As a reader finds it from here; only its name when it lies elsewhere, for it ends up in reports."""
    try:
        return folder.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return folder.name


def _read(path: Path, take: Callable[[bytes], None]) -> int:
    """Hand each line of a file, compressed or not, to ``take``. Returns the number of torn lines: 0 or 1."""
    found = existing(path)
    if found is None:
        return 0
    number = 0
    try:
        for number, line in enumerate(read_lines(found), 1):
            text = line.strip()
            if not text:
                continue
            try:
                take(text)
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                if not line.endswith(b"\n"):  # the writer was killed in the middle
                    return 1
                raise HarnessError(
                    f"{found}:{number} cannot be read: {repr(error)[:300]}",
                    hint="leave that run out, or record it again",
                ) from error
    except EOFError:
        return 1
    except OSError as error:
        raise HarnessError(
            f"{found} cannot be read: {error.strerror or error}",
            hint="mend the access, or copy the run again",
        ) from error
    except ZstdError as error:
        raise HarnessError(
            f"{found} cannot be decompressed, after line {number}: {error}",
            hint="copy the file again, or record the run again",
        ) from error
    return 0


def _parsed(line: bytes) -> Any:
    return parsed(line.decode("utf-8", "replace"))
