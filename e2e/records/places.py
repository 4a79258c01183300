"""Evidence in a folder or on object storage: a place is a path, or an address that fsspec supports (``s3://bucket/chats``).

A run is handed over with ``run.json`` last. A process that dies before that leaves files that no reader takes for a run.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from e2e.errors import HarnessError
from e2e.files import replace_file
from e2e.records.evidence import RUN, find_runs

JOB_NAME = "JOB_NAME"
"""Environment variable with the name of the Job that runs this process."""
SHARED_RUN = "{run}"
"""In an address: the name of the run that several machines share."""

_T = TypeVar("_T")


def is_address(text: str) -> bool:
    """Whether this is an address such as ``s3://bucket/chats``, and not a path."""
    return re.match(r"[a-z][a-z0-9+.-]*(::|://)", text) is not None


def shared_run(environment: Mapping[str, str] | None = None) -> str:
    """The name of the run that several machines share, or ``""``: the last part of the Job's name.

    The Jobs of one CronJob schedule end in the same number, and Kustomize's ``nameSuffix`` ends all names alike.
    """
    environment = os.environ if environment is None else environment
    return environment.get(JOB_NAME, "").rpartition("-")[2]


def with_shared_run(address: str, environment: Mapping[str, str] | None = None) -> str:
    """The address, with ``{run}`` replaced. Raises `HarnessError` when the name is not known."""
    if SHARED_RUN not in address:
        return address
    name = shared_run(environment)
    if not name:
        raise HarnessError(
            f"{address}: the name for {SHARED_RUN} is not known, because {JOB_NAME} is not set",
            hint=f"set {JOB_NAME} to the Job's name, or write the name instead of {SHARED_RUN}",
        )
    return address.replace(SHARED_RUN, name)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of files at an address. Each method raises `HarnessError` when the storage cannot be reached."""

    address: str
    fs: Any
    root: str

    @classmethod
    def at(cls, address: str, what: str = "evidence") -> Place:
        """``what`` is kept there, for messages."""
        import fsspec

        try:
            fs, root = fsspec.core.url_to_fs(address, use_listings_cache=False, skip_instance_cache=True)
        except Exception as error:  # each storage has errors of its own
            text = str(error).splitlines()[0][:300] if str(error) else repr(error)
            raise HarnessError(
                f"the {what} at {address} cannot be reached: {text}",
                hint="use a folder, or install the fsspec package of the object storage, such as s3fs or gcsfs",
            ) from error
        return cls(address.rstrip("/"), fs, root.rstrip("/"))

    def runs(self) -> list[str]:
        """Paths of the runs that were handed over, relative to the root (``""``: the root itself), by name."""
        with self._reached("listed"):
            if self.fs.exists(f"{self.root}/{RUN}"):
                return [""]
            for pattern in ("*", "evidence/*"):
                found = self.fs.glob(f"{self.root}/{pattern}/{RUN}")
                names = (self._relative(str(path).rpartition("/")[0]) for path in found)
                if runs := sorted(name for name in names if _is_below(name)):
                    return runs
        return []

    def put_run(self, folder: Path) -> None:
        """Hand over a recorded run, ``run.json`` last; without Playwright's traces, which hold session IDs in the clear."""
        files = sorted(
            (p for p in folder.rglob("*") if p.is_file() and p.suffix != ".zip"),
            key=lambda p: p == folder / RUN,
        )
        for path in files:
            self.put_file(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")

    def put_file(self, path: Path, name: str) -> None:
        """Copy a file to ``name`` below the root. Object storage shows an object only when it is complete."""
        with self._reached("written"):
            target = f"{self.root}/{name}"
            if self._is_local:
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                replace_file(Path(target), path.read_bytes())
            else:
                self.fs.put_file(str(path), target)

    def put_folder(self, folder: Path, name: str) -> None:
        """Copy a folder with all that is in it."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.put_file(path, f"{name}/{path.relative_to(folder).as_posix()}")

    def read(self, name: str) -> bytes | None:
        """The content of a file, or None when there is none."""
        with self._reached("read"):
            try:
                content: bytes = self.fs.cat_file(f"{self.root}/{name}")
            except FileNotFoundError:
                return None
            return content

    def fetch_folder(self, name: str, into: Path) -> int:
        """Copy all files below ``name`` to ``into``; returns how many there are."""
        with self._reached("read"):
            top = f"{self.root}/{name}".rstrip("/")
            found = [str(path) for path in self.fs.find(top)]
        for path in sorted(found, key=lambda path: path == f"{top}/{RUN}"):
            inside = PurePosixPath(path).relative_to(top)
            if not _is_below(inside.as_posix()):
                continue
            target = into / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._reached("read"):
                data = self.fs.cat_file(path)
            replace_file(target, data)
        return len(found)

    def fetch_runs(self, into: Path) -> list[Path]:
        """Copy the runs to folders below ``into``; one that is there already is not copied again.

        ``run.json`` comes last here too, so that an interrupted copy is no run.
        """
        folders = []
        for name in self.runs():
            folder = into / (PurePosixPath(name).name or PurePosixPath(self.root).name)
            if not (folder / RUN).is_file():
                self.fetch_folder(name, folder)
            folders.append(folder)
        return folders

    @property
    def _is_local(self) -> bool:
        protocol = self.fs.protocol
        return "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def _relative(self, path: str) -> str:
        return PurePosixPath(path).relative_to(self.root).as_posix()

    @contextmanager
    def _reached(self, done: str) -> Iterator[None]:
        try:
            yield
        except HarnessError:
            raise
        except Exception as error:  # each storage has errors of its own: botocore's are no OSError
            text = str(error).splitlines()[0] if str(error) else repr(error)
            raise HarnessError(
                f"the files at {self.address} could not be {done}: {text}",
                hint="check the address, the credentials and the network (for S3: AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL)",
            ) from error


def _is_below(name: str) -> bool:
    """Whether a file of this name is written in the folder that it is meant for, and can be written at all."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not {"..", "/"} & {*parts} and "\0" not in name and "\\" not in name


def local_runs(place: str | Path, into: Path) -> list[Path]:
    """The run folders at a path, or at an address, from where they are copied below ``into``.

    Raises `HarnessError` when there is none.
    """
    if not is_address(str(place)):
        return find_runs(Path(place))
    address = with_shared_run(str(place))
    found = Place.at(address).fetch_runs(into / hashlib.sha256(address.encode()).hexdigest()[:12])
    if not found:
        raise HarnessError(
            f"{address} holds no recorded run",
            hint="a run is there when its run.json is: it is written last. Does the address end in the run's name?",
        )
    return found


def retried(what: Callable[[], _T], times: int = 3) -> _T:
    """``what()``, tried again after a `HarnessError`: object storage fails for moments."""
    for attempt in range(1, times + 1):
        try:
            return what()
        except HarnessError:
            if attempt == times:
                raise
    raise AssertionError("times is at least 1")
