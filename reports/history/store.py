"""Where nights are kept: a folder, or anything that fsspec reaches, with one Parquet file for each night.

Two writers never touch one file, a file is there whole or not at all, and one that cannot be read costs its own night only.
``pandas.read_parquet(folder)`` reads all of it.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from e2e.errors import HarnessError
from e2e.files import replace_file
from reports.history.entry import Night

ALLURE = "_allure.jsonl"
"""Allure's own history, beside the nights; readers of Parquet folders pass over names that begin so."""
KEEP = 400
"""Nights that are kept of each target and browser, unless asked otherwise."""
_TOLD = "_told.json"
_ENDING = ".parquet"


@dataclass(frozen=True, slots=True)
class Unread:
    """A file of the history that cannot be read."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class History:
    """All nights in order of time, and what could not be read."""

    nights: tuple[Night, ...]
    unread: tuple[Unread, ...] = ()

    def of(self, target: str, browser: str) -> History:
        """The nights of one target in one browser."""
        return History(tuple(n for n in self.nights if n.series == (target, browser)), self.unread)


class Store:
    """The history at ``where``: a folder's path, or an address such as ``s3://bucket/history``.

    Raises `HarnessError` when the address is of a kind that is not known here, with what would have to be installed.
    """

    def __init__(self, where: str | Path) -> None:
        import fsspec

        self.where = str(where)
        try:
            self._fs, self._root = fsspec.core.url_to_fs(self.where)
        except (ImportError, ValueError) as error:
            raise HarnessError(
                f"the history at {self.where} cannot be reached: {error}",
                hint="a folder works as it is; object storage wants its fsspec package, such as s3fs or gcsfs",
            ) from error
        self._local = "file" in _protocols(self._fs)

    def add(self, night: Night, keep: int = KEEP) -> list[str]:
        """Keep a night, in place of what was kept of the same run; and drop the oldest beyond ``keep`` of its series.

        Returns the names of the nights that were dropped. Raises `HarnessError` when it could not be written: the history is
        then as it was.
        """
        data = _parquet(night)
        path = self._path(night.run_id)
        try:
            self._write(path, data)
        except OSError as error:
            raise HarnessError(
                f"the night {night.run_id} could not be added to the history: {error}",
                where=self.where,
                hint="make room or mend the access, then `make report`: the evidence is kept, and so is the history",
            ) from error
        series = self.read().of(*night.series).nights
        old = [n.run_id for n in series[: max(0, len(series) - keep)]]
        for run_id in old:
            self.forget(run_id)
        return old

    def read(self) -> History:
        """Everything that can be read, in order of time. Raises `HarnessError` when the place itself cannot."""
        try:
            names = sorted(self._fs.ls(self._root, detail=False)) if self._fs.exists(self._root) else []
        except OSError as error:
            raise HarnessError(f"the history cannot be read: {error}", where=self.where) from error
        nights: list[Night] = []
        unread: list[Unread] = []
        for path in (str(name) for name in names):
            if not path.endswith(_ENDING):
                continue
            try:
                nights.append(_read(self._fs.cat_file(path)))
            except Exception as error:  # noqa: BLE001 - whatever a broken file makes a reader raise, it costs one night
                unread.append(
                    Unread(
                        PurePosixPath(path).name, str(error).splitlines()[0] if str(error) else repr(error)
                    )
                )
        return History(tuple(sorted(nights, key=lambda n: (n.began, n.run_id))), tuple(unread))

    def forget(self, run_id: str) -> None:
        """Remove a night. Raises `HarnessError` when there is none of this name."""
        path = self._path(run_id)
        if not self._fs.exists(path):
            raise HarnessError(
                f"there is no night {run_id} in the history",
                where=self.where,
                hint="`python -m reports history` lists them",
            )
        self._fs.rm_file(path)

    def told(self) -> dict[str, Any]:
        """What was told last, by series; empty where nobody was told anything, or the note of it cannot be read."""
        path = f"{self._root.rstrip('/')}/{_TOLD}"
        try:
            said = json.loads(self._fs.cat_file(path)) if self._fs.exists(path) else {}
        except OSError as error:
            raise HarnessError(f"the history cannot be read: {error}", where=self.where) from error
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}

    def note_told(self, said: dict[str, Any]) -> None:
        """Keep what was told. Raises `HarnessError` when it could not be written: it is then told again."""
        try:
            self._write(f"{self._root.rstrip('/')}/{_TOLD}", json.dumps(said, indent=1).encode())
        except OSError as error:
            raise HarnessError(
                f"what was told could not be noted: {error}",
                where=self.where,
                hint="make room or mend the access: the next night tells it again",
            ) from error

    def _write(self, path: str, data: bytes) -> None:
        self._fs.makedirs(self._root, exist_ok=True)
        if self._local:
            replace_file(Path(path), data)
        else:
            self._fs.pipe_file(path, data)  # object storage shows an object when it is whole

    def _path(self, run_id: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._:-]+", run_id):
            raise HarnessError(
                f"{run_id!r} is no name of a run", hint="`python -m reports history` lists them"
            )
        return f"{self._root.rstrip('/')}/{run_id.replace(':', '-')}{_ENDING}"


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _parquet(night: Night) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(
        night.rows(),
        schema=pa.schema(
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
        ),
    )
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _read(data: bytes) -> Night:
    import pyarrow.parquet as pq

    return Night.from_rows(pq.read_table(io.BytesIO(data)).to_pylist())
