"""The evidence folder: records appended line by line as they are seen, and read back, also after a crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

from e2e.errors import CaptureIncomplete, HarnessError
from e2e.files import replace_file
from e2e.records.records import Chat, Event, RunMeta, RunRecords

RUN, EVENTS, CHATS = "run.json", "events.jsonl", "chats.jsonl"

_T = TypeVar("_T")


class EvidenceWriter:
    """Appends events and chats to ``folder``; what was appended survives a ``kill -9`` of this process.

    Every line is handed to the operating system at once; nothing is held back in this process but the events since the last
    `flush`, which the recorder calls at each pause of the run and before each chat's line.
    """

    def __init__(self, folder: Path, meta: RunMeta) -> None:
        self.folder = folder
        self.meta = meta
        with _told(folder):
            folder.mkdir(parents=True, exist_ok=False)
            # A lone surrogate in a text of the page is no UTF-8; backslashreplace writes it as JSON's own \ud800.
            self._events: TextIO = (folder / EVENTS).open(
                "a", encoding="utf-8", errors="backslashreplace", buffering=1 << 16
            )
            self._chats: TextIO = (folder / CHATS).open(
                "a", encoding="utf-8", errors="backslashreplace", buffering=1 << 16
            )
        self.write_meta(meta)

    def event(self, event: Event) -> None:
        with _told(self.folder):
            self._events.write(_line(event.to_json()))

    def chat(self, chat: Chat) -> None:
        """Append a finished chat, after everything that was seen of it."""
        with _told(self.folder):
            self._events.flush()
            self._chats.write(_line(chat.to_json()))
            self._chats.flush()

    def flush(self) -> None:
        with _told(self.folder):
            self._events.flush()

    def write_meta(self, meta: RunMeta) -> None:
        """Replace ``run.json`` in one step, so that a reader never sees half of it."""
        self.meta = meta
        text = json.dumps(meta.to_json(), ensure_ascii=False, indent=1)
        with _told(self.folder):
            replace_file(self.folder / RUN, text)

    def close(self) -> None:
        """Write what is still held back. Raises `CaptureIncomplete` when that is not possible; the files are closed then too."""
        with _told(self.folder):
            try:
                self._events.close()
            finally:
                self._chats.close()


@contextmanager
def _told(folder: Path) -> Iterator[None]:
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


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_run(folder: Path) -> RunRecords:
    """Read one run's folder.

    A torn last line (the process was killed while writing) is counted and left out; a torn line elsewhere is an error.
    Raises `HarnessError` when the folder is no run or cannot be understood.
    """
    meta = read_meta(folder)
    events, torn_events = _read_lines(folder / EVENTS, Event.from_json)
    chats, torn_chats = _read_lines(folder / CHATS, Chat.from_json)
    _refuse_doubles(folder, chats)
    return RunRecords(meta, tuple(events), tuple(chats), _shown(folder), torn_events + torn_chats)


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
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
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


def _read_lines(path: Path, parse: Callable[[Any], _T]) -> tuple[list[_T], int]:
    if not path.exists():
        return [], 0
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return _parsed(path, lines, parse)


def _parsed(path: Path, lines: list[str], parse: Callable[[Any], _T]) -> tuple[list[_T], int]:
    out: list[_T] = []
    numbered: Iterator[tuple[int, str]] = ((n, line) for n, line in enumerate(lines, 1) if line.strip())
    for number, line in numbered:
        try:
            out.append(parse(json.loads(line)))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            if number == len(lines):  # no newline followed it: the writer was killed in the middle
                return out, 1
            raise HarnessError(
                f"{path}:{number} cannot be read: {repr(error)[:300]}",
                hint="leave that run out, or record it again",
            ) from error
    return out, 0
