"""What a run leaves behind: processes, and files of its TMPDIR. A port stays only with its process."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

TOKEN = "CHAOS_RUN"
_PATIENCE = 10.0
"""Seconds that a driver or a browser has to notice that its parent is gone."""
_TICK = 0.1


def left_behind(token: str, temporary: Path, *, patience: float | None = None) -> list[str]:
    """What is still there after some seconds of ``patience``; the processes are ended then."""
    end = time.monotonic() + (_PATIENCE if patience is None else patience)
    pause = threading.Event()
    while (found := [*_processes(token), *_files(temporary)]) and time.monotonic() < end:
        pause.wait(_TICK)
    for pid in _with(token):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
    return found


def _processes(token: str) -> list[str]:
    return [f"process {pid}: {_command(pid)}" for pid in _with(token)]


def _with(token: str) -> list[int]:
    """Processes that have ``token`` in the environment with which they were started, and are no zombies."""
    mark = f"{TOKEN}={token}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes() and (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:120]
    return "ended"


def _files(folder: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return [f"file {entry.name}" for entry in folder.iterdir()]
    return []
