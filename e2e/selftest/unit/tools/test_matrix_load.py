"""The busy processes beside a matrix end with it, also when the matrix is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from e2e.selftest.tools.matrix.busy_processes import busy_processes
from e2e.setup.places import REPO


def alive(pid: int) -> bool:
    try:
        with Path(f"/proc/{pid}/stat").open(encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ended(pids: list[int]) -> bool:
    deadline = time.monotonic() + 60
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)  # not a child of this process: polling is the only way
    return not any(map(alive, pids))


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_processes_run_within_the_block_and_end_on_an_error() -> None:
    started: list[int] = []

    def interrupted() -> None:
        with busy_processes(2) as pids:
            started.extend(pid for pid in pids if alive(pid))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(started) == 2
    assert not any(map(alive, started))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_end_when_their_parent_is_killed(how: signal.Signals) -> None:
    # A caller that ignores SIGINT (a job in the background) would hand that on to this process.
    code = "import signal, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from e2e.selftest.tools.matrix.busy_processes import busy_processes\n"
    code += "with busy_processes(1) as pids:\n    print(*pids, flush=True)\n    time.sleep(60)"
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    os.kill(parent.pid, how)
    parent.wait()
    assert len(pids) == 1
    assert ended(pids)


def test_zero_starts_no_process() -> None:
    with busy_processes(0) as pids:
        assert pids == []
