"""Busy processes beside a matrix: what the suite makes of a machine that has no time for it."""

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
"""Looks at its parent every few milliseconds: it ends also when that one is killed and can end nothing itself."""


@contextlib.contextmanager
def busy(count: int) -> Iterator[list[int]]:
    """``count`` processes that only use the processor; yields their IDs. They end with the block, however it is left."""
    burners: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            burners.append(
                subprocess.Popen(
                    [sys.executable, "-S", "-c", _BURN, str(os.getpid())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        yield [burner.pid for burner in burners]
    finally:
        for burner in burners:
            burner.kill()
        for burner in burners:
            burner.wait()
