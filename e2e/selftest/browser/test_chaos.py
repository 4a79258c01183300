"""Faulted runs in a real browser: chosen ones, and three minutes of drawn ones. Nightly: 40 s and 180 s."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.setup.places import REPO

pytestmark = pytest.mark.long


def chaos(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "e2e", "chaos", "--out", str(out), *options]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=800, check=False)


@pytest.mark.timeout(400)
def test_a_killed_driver_a_page_that_loops_and_a_backend_that_refuses(tmp_path: Path) -> None:
    faults = [part for name in ("kill-driver", "page-loops", "net-503") for part in ("--fault", name)]
    ended = chaos(tmp_path, "--seed", "4", "--runs", "3", *faults)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    runs = json.loads((tmp_path / "chaos.json").read_text())["runs"]
    assert sorted(run["fault"] for run in runs) == ["kill-driver", "net-503", "page-loops"]
    assert {run["outcome"] for run in runs} <= {"right", "broken", "inconclusive"}
    assert "| all |" in (tmp_path / "chaos.md").read_text()


@pytest.mark.timeout(900)
def test_three_minutes_of_drawn_faults(tmp_path: Path) -> None:
    ended = chaos(tmp_path, "--minutes", "3")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_an_unknown_fault_is_refused(tmp_path: Path) -> None:
    ended = chaos(tmp_path, "--fault", "kill-time")
    assert ended.returncode == 2
    assert "--fault kill-time: no such fault" in ended.stderr
