"""A session that is killed or interrupted keeps what it saw, says so, and leaves no process behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from e2e.selftest.plugin.conftest import ROOT, command, environment

PATIENCE = 60.0


def wait_for(what: Callable[[], bool], patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)  # another process's files and children cannot be waited for but by looking


def ended_chats(out: Path) -> int:
    return sum(len(p.read_text(encoding="utf-8").splitlines()) for p in out.glob("evidence/*/chats.jsonl"))


def end_in_the_middle(out: Path, how: int) -> tuple[int, list[psutil.Process], int]:
    """Start a long run, send it a signal after five chats. Returns the chats ended by then, its processes, and its exit code."""
    with subprocess.Popen(
        command(out, "--chats", "400", "--lanes", "2"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_for(lambda: ended_chats(out) >= 5)
        family = psutil.Process(process.pid).children(recursive=True)
        ended = ended_chats(out)
        process.send_signal(how)
        process.wait(PATIENCE)
    return ended, family, process.returncode


def report_of(out: Path) -> str:
    built = subprocess.run(
        [sys.executable, "-m", "reports", "build", "--out", str(out)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return built.stdout


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_what_was_seen_is_kept_and_reported_as_partial(tmp_path: Path, how: signal.Signals) -> None:
    ended, family, code = end_in_the_middle(tmp_path, how)
    assert ended_chats(tmp_path) >= ended
    wait_for(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family))
    assert code != 0

    assert "partial" in report_of(tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["partial"] is True
    assert summary["outcome"] == "broken"
    assert summary["chats"]["observed"] >= ended
    assert (tmp_path / "allure-report" / "index.html").is_file()
