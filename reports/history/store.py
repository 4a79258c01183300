"""Where the run history is kept: a folder, or any place that fsspec supports, with one Parquet file for each entry.

Two writers never touch the same file. A file is complete or absent. An unreadable file costs its own entry only.
``pandas.read_parquet(folder)`` reads all of it.
"""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from e2e.errors import HarnessError
from e2e.files import replace_file
from reports.history.entry import HistoryEntry

ALLURE = "_allure.jsonl"
"""Allure's own history in the same folder. Readers of Parquet folders skip names that begin with an underscore."""
KEEP = 400
"""Default number of entries kept for each target and browser."""
_NOTIFIED = "_told.json"  # its name since the first release
_ENDING = ".parquet"


@dataclass(frozen=True, slots=True)
class Unread:
    """A file of the history that cannot be read."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class History:
    """All entries in order of time, and the files that could not be read."""

    entries: tuple[HistoryEntry, ...]
    unread: tuple[Unread, ...] = ()

    def of(self, target: str, browser: str) -> History:
        """The entries of one target in one browser."""
        return History(tuple(e for e in self.entries if e.series == (target, browser)), self.unread)


class Store:
    """The history at ``where``: a folder's path, or an address such as ``s3://bucket/history``.

    Raises `HarnessError` for an address of an unknown kind, with the package to install.
    """

    def __init__(self, where: str | Path) -> None:
        import fsspec

        self.where = str(where)
        try:
            self._fs, self._root = fsspec.core.url_to_fs(self.where)
        except (ImportError, ValueError) as error:
            raise HarnessError(
                f"the history at {self.where} cannot be reached: {error}",
                hint="use a folder, or install the fsspec package of the object storage, such as s3fs or gcsfs",
            ) from error
        self._local = "file" in _protocols(self._fs)

    def add(self, entry: HistoryEntry, keep: int = KEEP) -> list[str]:
        """Add an entry, replacing one of the same run; drop the oldest beyond ``keep`` of its series.

        Returns the run IDs of the dropped entries. Raises `HarnessError` when the entry could not be written; the history is then
        unchanged.
        """
        data = _parquet(entry)
        path = self._path(entry.run_id)
        try:
            self._write(path, data)
        except OSError as error:
            raise HarnessError(
                f"the run {entry.run_id} could not be added to the history: {error}",
                where=self.where,
                hint="free disk space or fix the access, then `make report`; evidence and history are kept",
            ) from error
        series = self.read().of(*entry.series).entries
        old = [e.run_id for e in series[: max(0, len(series) - keep)]]
        for run_id in old:
            self.forget(run_id)
        return old

    def read(self) -> History:
        """All readable entries in order of time. Raises `HarnessError` when the place itself cannot be read."""
        try:
            names = sorted(self._fs.ls(self._root, detail=False)) if self._fs.exists(self._root) else []
        except OSError as error:
            raise HarnessError(f"the history cannot be read: {error}", where=self.where) from error
        entries: list[HistoryEntry] = []
        unread: list[Unread] = []
        for path in (str(name) for name in names):
            if not path.endswith(_ENDING):
                continue
            try:
                entry = _read(self._fs.cat_file(path))
                if PurePosixPath(self._path(entry.run_id)).name != PurePosixPath(path).name:
                    raise ValueError(f"it is named otherwise than the run in it, {entry.run_id}")
                entries.append(entry)
            except Exception as error:  # noqa: BLE001 - a broken file may raise anything; it costs one entry
                unread.append(
                    Unread(
                        PurePosixPath(path).name, str(error).splitlines()[0] if str(error) else repr(error)
                    )
                )
        return History(tuple(sorted(entries, key=lambda e: (e.began, e.run_id))), tuple(unread))

    def forget(self, run_id: str) -> None:
        """Remove an entry. Raises `HarnessError` for an unknown run."""
        path = self._path(run_id)
        if not self._fs.exists(path):
            raise HarnessError(
                f"there is no run {run_id} in the history",
                where=self.where,
                hint="`python -m e2e history` lists them",
            )
        self._fs.rm_file(path)

    def notified(self) -> dict[str, Any]:
        """The states sent to the webhook last, by series; empty before the first message, or when they cannot be read."""
        path = f"{self._root.rstrip('/')}/{_NOTIFIED}"
        try:
            states = json.loads(self._fs.cat_file(path)) if self._fs.exists(path) else {}
        except OSError as error:
            raise HarnessError(f"the history cannot be read: {error}", where=self.where) from error
        except ValueError:
            return {}
        return states if isinstance(states, dict) else {}

    def set_notified(self, states: dict[str, Any]) -> None:
        """Keep the states sent. Raises `HarnessError` when they could not be written; the next call sends them again."""
        try:
            self._write(f"{self._root.rstrip('/')}/{_NOTIFIED}", json.dumps(states, indent=1).encode())
        except OSError as error:
            raise HarnessError(
                f"the states sent to the webhook could not be saved: {error}",
                where=self.where,
                hint="free disk space or fix the access; the next run sends the message again",
            ) from error

    def _write(self, path: str, data: bytes) -> None:
        self._fs.makedirs(self._root, exist_ok=True)
        if self._local:
            replace_file(Path(path), data)
        else:
            self._fs.pipe_file(path, data)  # object storage shows an object only when it is complete

    def _path(self, run_id: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:+-]*", run_id):
            raise HarnessError(f"{run_id!r} is not a run ID", hint="`python -m e2e history` lists them")
        return f"{self._root.rstrip('/')}/{run_id.replace(':', '-')}{_ENDING}"


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _parquet(entry: HistoryEntry) -> bytes:
    """The entry as a Parquet file.

    `pyarrow.json` and `ParquetFile`: `Table.from_pylist` and `read_table` import pandas, which takes 1.4 s of CPU time.
    """
    import pyarrow as pa
    import pyarrow.json as pj
    import pyarrow.parquet as pq

    schema = pa.schema(
        {
            "run_id": pa.string(),
            "began": pa.float64(),
            "target": pa.string(),
            "browser": pa.string(),
            "kind": pa.string(),
            "name": pa.string(),
            "text": pa.string(),
            "number": pa.float64(),
        }
    )
    rows = entry.rows()
    if all(row["number"] is None or math.isfinite(row["number"]) for row in rows):
        lines = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        # A row must not be longer than a block, which has 1 MB by default.
        blocks = pj.ReadOptions(use_threads=False, block_size=max(len(lines), 1 << 16))
        parsing = pj.ParseOptions(explicit_schema=schema)
        table = pj.read_json(io.BytesIO(lines), read_options=blocks, parse_options=parsing)
    else:  # JSON has no infinity
        table = pa.Table.from_pylist(rows, schema=schema)
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _read(data: bytes) -> HistoryEntry:
    import pyarrow.parquet as pq

    return HistoryEntry.from_rows(pq.ParquetFile(io.BytesIO(data)).read().to_pylist())
