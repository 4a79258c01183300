"""Busy processes beside the matrix: they simulate a slow machine."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

_BURN = """
import os, sys
parent = int(sys.argv[1])
while os.getppid() == parent:
    for n in range(200_000):
        n * n
"""
"""Checks its parent every few milliseconds, so that it ends even when the parent was killed."""


@contextlib.contextmanager
def busy_processes(count: int) -> Iterator[list[int]]:
    """Run ``count`` processes that use the processor; yields their IDs. They end with the block."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-S", "-c", _BURN, str(os.getpid())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
