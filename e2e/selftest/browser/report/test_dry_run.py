"""The nightly workflow on this machine: shards, verdict, site, notification."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from e2e.setup.places import REPO


@pytest.mark.long
@pytest.mark.timeout(900)
def test_dry_run_publishes_three_runs_and_names_the_fault(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "e2e",
        "dry-run",
        "--chats",
        "12",
        "--shards",
        "2",
        "--out",
        str(tmp_path),
    ]
    ended = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    report = json.loads((tmp_path / "dry-run.json").read_text(encoding="utf-8"))
    assert [check for check in report["checks"] if not check["ok"]] == []
    assert ended.returncode == 0
    assert len(report["checks"]) >= 15
    assert [run["outcome"] for run in report["runs"]] == ["pass", "pass", "fail"]


@pytest.mark.timeout(600)
def test_a_killed_shard_is_reported_and_the_others_are_judged(tmp_path: Path) -> None:
    environment = os.environ | {"CHAT_E2E_MASK_KEY": "0123456789abcdef0123456789abcdef"}

    def shard(number: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "pytest", "e2e/specs", "-q", "--shard", f"{number}/2", "--chats", "20",
                   "--lanes", "4", "--out", str(tmp_path / "incoming" / str(number))]  # fmt: skip
        return subprocess.Popen(
            command, cwd=REPO, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
        )

    whole, killed = shard(1), shard(2)
    seen = tmp_path / "incoming" / "2"
    deadline = time.monotonic() + 120
    while not any(path.stat().st_size > 2000 for path in seen.rglob("chats.jsonl")):
        assert time.monotonic() < deadline
        assert killed.poll() is None
        time.sleep(0.05)  # files of another process: polling is the only way
    os.killpg(killed.pid, signal.SIGKILL)
    assert whole.wait(240) == 0
    command = [sys.executable, "-m", "e2e", "nightly", "--incoming", str(tmp_path / "incoming"),
               "--site", str(tmp_path / "site"), "--out", str(tmp_path / "out")]  # fmt: skip
    ended = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stderr
    summary = json.loads(next((tmp_path / "out").rglob("summary.json")).read_text(encoding="utf-8"))
    assert summary["outcome"] == "broken"
    assert any("shard 2 of 2: the run did not finish" in reason for reason in summary["partial_reasons"])
    fresh = next(c for c in summary["checks"] if c["name"] == "rotation.sent_id_is_fresh")
    assert fresh["verdict"] == "pass"
    assert fresh["numbers"]["transitions"] >= 6
    assert "could not look" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
