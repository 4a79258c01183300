"""Recorded runs of the matrix as files of the repository: judged by self tests where a browser is not the point.

``make samples`` records them anew. A sample is ``fixtures/samples/<fault>.tar.xz`` with the three evidence files of one run.
"""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

from e2e.records.evidence import CHATS, EVENTS, RUN, find_runs, read_run
from e2e.records.records import RunRecords
from e2e.setup.places import REPO

SAMPLES = REPO / "fixtures" / "samples"
_SUFFIX = ".tar.xz"


def names() -> tuple[str, ...]:
    """Faults (and ``healthy``) of which there is a sample."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in SAMPLES.glob(f"*{_SUFFIX}")))


def pack(evidence: Path, name: str, folder: Path = SAMPLES) -> Path:
    """Write the sample ``name`` from the one run at or below ``evidence``. Returns its file.

    Equal records give equal bytes: owner and time stamps are left out.
    """
    [run] = find_runs(evidence)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for file in (RUN, EVENTS, CHATS):
            data = (run / file).read_bytes()
            entry = tarfile.TarInfo(f"{run.name}/{file}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}{_SUFFIX}"
    target.write_bytes(lzma.compress(packed.getvalue(), preset=9))
    return target


def unpack(name: str, into: Path) -> Path:
    """Write the run's folder below ``into`` and return it. Raises ``FileNotFoundError`` for a name that is not there."""
    with tarfile.open(SAMPLES / f"{name}{_SUFFIX}") as archive:
        archive.extractall(into, filter="data")
        return into / Path(archive.getnames()[0]).parent


def read(name: str, scratch: Path) -> RunRecords:
    """The sample's records. ``scratch`` is an empty folder to unpack it in."""
    return read_run(unpack(name, scratch))
