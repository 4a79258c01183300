"""The disk of the evidence: full, or read-only. Both are mounts of their own, so that no other disk is touched."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from e2e.selftest.tools.chaos.faults.definition import Case, fault

FAMILY = "disk"
UNFINISHED = r"the run did not finish .*its disk took nothing more"
FULL = (
    r"the evidence could not be written: No space left on device",
    UNFINISHED,
    r"^\d+ incomplete lines? ignored$",
)
READ_ONLY = (r"the evidence could not be written: Read-only file system", UNFINISHED)
_SIZE = 4 << 20


@cache
def no_mounts() -> str:
    """Why nothing can be mounted here, or ``""``."""
    with tempfile.TemporaryDirectory() as folder:
        problem = _run("mount", "-t", "tmpfs", "-o", "size=64k", "chaos", folder)
        return f"mount is not permitted: {problem}" if problem else _run("umount", folder)


def _run(*command: str) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return ended.stderr.strip() if ended.returncode else ""


def _small_disk(case: Case) -> None:
    """A tmpfs at the place of the output folder."""
    problem = _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "chaos", str(case.out))
    if problem:
        case.missed = problem
    else:
        case.undo.callback(_run, "umount", "--lazy", str(case.out))


def _full_disk(case: Case) -> None:
    _small_disk(case)
    if not case.missed:
        fill(case.out, 0)


def fill(folder: Path, left: int) -> None:
    """Fill the disk of ``folder`` but for ``left`` bytes."""
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            file.truncate(max(0, file.tell() - left))


@fault(
    "disk-full",
    FAMILY,
    "the disk of the evidence is full",
    reasons=FULL,
    prepare=_small_disk,
    refused=no_mounts,
)
def _disk_full(case: Case) -> None:
    left = case.rng.choice((0, 0, 4096, 16384))
    case.note(f"{left} bytes left")
    fill(case.out, left)


@fault("disk-full-at-start", FAMILY, "it is full before the run", reasons=FULL, refused=no_mounts,
       prepare=_full_disk, by_itself=True)  # fmt: skip
def _disk_full_at_start(_: Case) -> None:
    """Nothing is left to do."""


@fault("disk-full-for-a-while", FAMILY, "it is full, and after a second there is room again", reasons=FULL,
       prepare=_small_disk, refused=no_mounts)  # fmt: skip
def _disk_full_for_a_while(case: Case) -> None:
    fill(case.out, 0)
    case.pause(1.0)
    (case.out / "filler").unlink()


@fault(
    "disk-read-only",
    FAMILY,
    "new files of the output folder cannot be written",
    reasons=READ_ONLY,
    refused=no_mounts,
)
def _disk_read_only(case: Case) -> None:
    """A read-only mount of the folder over itself: open files still take what is written, new ones are refused."""
    folder = str(case.out)
    case.missed = _run("mount", "--bind", folder, folder)
    if case.missed:
        return
    case.undo.callback(_run, "umount", "--lazy", folder)
    case.missed = _run("mount", "-o", "remount,bind,ro", folder)


@fault("disk-read-only-at-start", FAMILY, "the output folder is read-only before the run", reasons=READ_ONLY,
       prepare=_disk_read_only, refused=no_mounts, by_itself=True)  # fmt: skip
def _disk_read_only_at_start(_: Case) -> None:
    """Nothing is left to do."""
