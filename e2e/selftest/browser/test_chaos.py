"""Faulted runs in a real browser: chosen ones, and three minutes of drawn ones. Nightly: 40 s, 180 s and 40 s."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from e2e.selftest.tools.chaos.draw import REFERENCE, draw
from e2e.selftest.tools.chaos.faults.catalogue import all_faults
from e2e.selftest.tools.chaos.faults.definition import FAULTS, Case, Fault
from e2e.selftest.tools.chaos.runs import Workshop
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_undoes_what_it_made(tmp_path: Path, number: signal.Signals) -> None:
    """Killed by its parent's shell it left a mounted tmpfs, a browser and a chat."""
    token = f"chaos-test-{tmp_path.name}-{number.name}"
    command = [
        sys.executable,
        "-c",
        START,
        "chaos",
        "--out",
        str(tmp_path),
        "--seed",
        "4",
        "--fault",
        "disk-full",
    ]
    with subprocess.Popen(
        command, cwd=REPO, stdout=subprocess.PIPE, text=True, env=os.environ | {"CHAOS_TEST": token, "TMPDIR": str(tmp_path)}
    ) as process:  # fmt: skip
        until(lambda: any("/bin/sh" in command for command in commands(token)))  # the suite has a driver
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    until(lambda: not commands(token))
    assert [mount for mount in Path("/proc/mounts").read_text().splitlines() if str(tmp_path) in mount] == []
    assert list(tmp_path.glob("chaos-*")) + list(tmp_path.glob("chat-e2e-*")) == []
    assert (tmp_path / "chaos.md").is_file()


START = """import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from e2e.cli.main import main
sys.exit(main(sys.argv[1:]))"""
"""A caller that ignores SIGINT (a job in the background) would hand that on."""


def commands(token: str) -> list[str]:
    """The command lines of all processes below the one that was started with ``token``."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and f"CHAOS_TEST={token}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().decode())
    return [one for one in found if one]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)  # no event tells what processes other than our own do


def leave_the_browser(case: Case) -> None:
    """Kill the suite and its driver while the browser cannot notice it."""
    for part in ("browser", "renderer"):
        for process in case.wait_for(part):
            process.suspend()
    drivers = case.find("driver")
    psutil.Process(case.suite).kill()
    for process in drivers:
        process.kill()


def cut_the_evidence(case: Case) -> None:
    """Take the last chat out of what the killed suite has written."""
    psutil.Process(case.suite).kill()
    (file,) = case.out.glob("evidence/*/chats.jsonl")
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))


def stop_the_suite(case: Case) -> None:
    """It neither ends nor goes on."""
    psutil.Process(case.suite).suspend()


@pytest.mark.timeout(400)
def test_the_property_notices_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that cannot fail is none: with the suite's own processes and evidence."""
    monkeypatch.setattr("e2e.selftest.tools.chaos.leftovers._PATIENCE", 1.0)
    monkeypatch.setattr("e2e.selftest.tools.chaos.runs.limit_of", lambda _: 5.0)
    monkeypatch.setattr("e2e.selftest.tools.chaos.runs.A_MINUTE", 1.0)
    acts = (leave_the_browser, cut_the_evidence, stop_the_suite)
    for act in acts:
        new = Fault(act.__name__, "test", "", act, ends_suite=act is not stop_the_suite)
        monkeypatch.setitem(FAULTS, act.__name__, new)
    plain = draw(1, 0, all_faults(), ["none"])
    plain = replace(
        plain, target=REFERENCE, product="healthy", scenario="", probes=False, chats=3, after=2, delay=0.0
    )
    found = {}
    with Workshop.open() as workshop:
        for act in acts:
            result = workshop.carry_out(replace(plain, fault=act.__name__))
            assert result is not None
            found[act] = "\n".join(result.found.violations)
    assert "left behind: process" in found[leave_the_browser]
    assert "--type=renderer" in found[leave_the_browser]
    assert "chats lost: 2 were reported as written, 1 are in the evidence" in found[cut_the_evidence]
    assert "it did not end within the profile's limits" in found[stop_the_suite]


def test_an_unknown_fault_is_refused(tmp_path: Path) -> None:
    ended = chaos(tmp_path, "--fault", "kill-time")
    assert ended.returncode == 2
    assert "--fault kill-time: no such fault" in ended.stderr
