"""What a run leaves behind: processes with the ports on which they listen, and files of its TMPDIR."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

TOKEN = "CHAOS_RUN"
_PATIENCE = 25.0
"""Seconds that a driver or a browser has to notice that its parent is gone, and `DriverFiles` to remove what they write then."""
_TICK = 0.1
_MOST_FILES = 5


class Descendants:
    """The processes of one run.

    ``token`` is in the environment with which they were started. Chromium overwrites that of its renderers, its zygotes and
    its network service; so ``look`` notes the sessions that the run has opened, which stay those of their processes.
    """

    def __init__(self, token: str) -> None:
        self._mark = f"{TOKEN}={token}".encode()
        self._sessions: set[tuple[int, str]] = set()
        """Session and program: the number alone may become that of a stranger."""

    def look(self, suite: int) -> None:
        """Note the sessions of what runs below the process ``suite``."""
        with contextlib.suppress(psutil.Error, OSError):
            own = os.getsid(suite)
            for process in psutil.Process(suite).children(recursive=True):
                with contextlib.suppress(psutil.Error, OSError):
                    if (session := os.getsid(process.pid)) != own:
                        self._sessions.add((session, process.exe()))

    def running(self) -> Iterator[int]:
        """Those that have not ended; a zombie has."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(psutil.Error, OSError):
                    if self._has(int(entry.name), entry):
                        yield int(entry.name)

    def _has(self, pid: int, entry: Path) -> bool:
        if not (entry / "cmdline").read_bytes():
            return False
        if self._mark in (entry / "environ").read_bytes():
            return True
        session = os.getsid(pid)
        return any(session == one for one, _ in self._sessions) and (
            (session, psutil.Process(pid).exe()) in self._sessions
        )


def left_behind(run: Descendants, temporary: Path, *, patience: float | None = None) -> list[str]:
    """What is still there after some seconds of ``patience``; the processes are ended then."""
    end = time.monotonic() + (_PATIENCE if patience is None else patience)
    pause = threading.Event()
    while (found := [*_processes(run), *_files(temporary)]) and time.monotonic() < end:
        pause.wait(_TICK)
    for pid in run.running():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
    return found


def _processes(run: Descendants) -> list[str]:
    return [f"process {pid}: {_command(pid)}{_ports(pid)}" for pid in run.running()]


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:120]
    return "ended"


def _ports(pid: int) -> str:
    """The ports that the process holds: a port stays only with a process."""
    with contextlib.suppress(psutil.Error):
        held = psutil.Process(pid).net_connections("inet")
        ports = sorted({one.laddr.port for one in held if one.status == psutil.CONN_LISTEN})
        return f" (port {', '.join(map(str, ports))})" if ports else ""
    return ""


def _files(folder: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return [f"file {entry.name}{_inside(entry)}" for entry in folder.iterdir()]
    return []


def _inside(entry: Path) -> str:
    """Some names in a folder: which program it was."""
    names: list[str] = []
    with contextlib.suppress(OSError):  # it is being removed
        names += [str(one.relative_to(entry)) for one in entry.rglob("*")]
    more = ", ..." if len(names) > _MOST_FILES else ""
    return f" ({', '.join(sorted(names, key=len)[-_MOST_FILES:])}{more})" if names else ""
