"""The busy processes beside a matrix end with it, also when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from e2e.selftest.tools.matrix.load import busy
from e2e.setup.places import REPO


def alive(pid: int) -> bool:
    try:
        with Path(f"/proc/{pid}/stat").open(encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int]) -> bool:
    until = time.monotonic() + 60
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)  # the end of another process can only be polled for
    return not any(map(alive, pids))


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_they_run_for_the_time_of_the_block_and_end_with_an_error_too() -> None:
    seen: list[int] = []

    def interrupted() -> None:
        with busy(2) as pids:
            seen.extend(pid for pid in pids if alive(pid))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(seen) == 2
    assert not any(map(alive, seen))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_they_end_when_their_parent_is_killed(how: signal.Signals) -> None:
    code = "import time\nfrom e2e.selftest.tools.matrix.load import busy\n"
    code += "with busy(1) as pids:\n    print(*pids, flush=True)\n    time.sleep(60)"
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    os.kill(parent.pid, how)
    parent.wait()
    assert len(pids) == 1
    assert gone(pids)


def test_no_load_is_none() -> None:
    with busy(0) as pids:
        assert pids == []
