"""Browsers elsewhere and several at once, really run: a Playwright server, a debugging port, a device, two browsers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.errors import HarnessError
from e2e.selftest.plugin.conftest import ROOT, Ended, Suite, environment
from e2e.setup.browser import find_browser, launch_options
from e2e.setup.engines import find_engine

pytestmark = pytest.mark.long
SMALL = ("--chats", "4", "--lanes", "2", "--scenarios", "reload,double-click,back-forward")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


@contextmanager
def running(command: list[str], ready: str) -> Iterator[None]:
    """A process that has printed ``ready``, ended afterwards."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # its group: Playwright's command leaves its driver behind when it alone is ended
    )
    try:
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            seen.append(line)
            if ready in line:
                break
        else:
            pytest.fail(f"it ended: {''.join(seen)}")
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


def facts(ended: Ended) -> dict[str, str]:
    found: dict[str, str] = json.loads((ended.folder / "run.json").read_text(encoding="utf-8"))["environment"]
    return found


def verdicts(ended: Ended) -> dict[str, str]:
    summary = json.loads((ended.out / "summary.json").read_text(encoding="utf-8"))
    return {check["name"]: check["verdict"] for check in summary["checks"]}


def assert_full_capture(ended: Ended) -> None:
    assert ended.code == 0, ended.output
    found = verdicts(ended)
    for name in ("smoke", "rotation.sent_id_is_fresh", "rotation.stored_id_is_fresh", "rotation.reload"):
        assert found[name] == "pass", name
    assert found["rotation.double_click"] == "pass"
    assert found["reply.is_live"] == "pass"


def test_a_playwright_server_gives_full_capture(suite: Suite) -> None:
    port = free_port()
    server = [sys.executable, "-m", "playwright", "run-server", "--unsafe", "--host", "127.0.0.1"]
    with running([*server, "--port", str(port)], "Listening"):
        ended = suite(*SMALL, "--connect", f"ws://127.0.0.1:{port}/")
    assert_full_capture(ended)
    assert facts(ended)["connection"] == f"Playwright server at ws://127.0.0.1:{port}"


def test_a_debugging_port_gives_full_capture_on_a_device(suite: Suite, tmp_path: Path) -> None:
    found = find_browser()
    if found.path is None:
        pytest.skip("no Chromium of this system")
    port = free_port()
    flags = [*launch_options(found)["args"], "--headless", f"--user-data-dir={tmp_path}"]
    with running(
        [found.path, *flags, f"--remote-debugging-port={port}", "about:blank"], "DevTools listening"
    ):
        address = f"http://127.0.0.1:{port}/"
        ended = suite(*SMALL, "--connect-over-cdp", address, "--device", "iPhone 15")
    assert_full_capture(ended)
    assert facts(ended)["device"] == "iPhone 15"
    assert "iPhone" in facts(ended)["user_agent"]
    assert "chromium emulates iPhone 15, whose own browser is webkit" in ended.output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--device", "iPhone_15"), "--device iPhone_15: Playwright knows no such device"),
        (("--connect", "ws://127.0.0.1:1/x?token=abc"), "--connect: nothing answers at ws://127.0.0.1:1: "),
        (("--connect-over-cdp", "http://127.0.0.1:1/"), "--connect-over-cdp: nothing answers at http://127"),
    ],
)
def test_what_cannot_be_reached_is_refused_before_the_run(
    suite: Suite, options: tuple[str, str], expected: str
) -> None:
    ended = suite(*options)
    assert ended.code == 4, ended.output
    assert expected in ended.output
    assert "hint: " in ended.output
    assert not (ended.out / "evidence").exists()


def test_a_channel_that_is_not_installed_is_broken_and_names_what_to_install(suite: Suite) -> None:
    if Path("/opt/microsoft/msedge-beta/msedge").exists():
        pytest.skip("it is installed here")
    ended = suite(*SMALL, "--browser-channel", "msedge-beta", "-k", "round_trip")
    assert ended.code == 1, ended.output
    assert "chromium (msedge-beta) is not installed on this machine" in ended.output
    assert "hint: `.venv/bin/playwright install msedge-beta`" in ended.output
    assert "site-packages" not in ended.output  # no traceback of Playwright's stands before it


def test_two_browsers_agree_on_a_fault(suite: Suite) -> None:
    try:
        find_engine("firefox")
    except HarnessError:
        pytest.skip("no Firefox on this machine")
    browsers = [part for name in ("chromium", "firefox") for part in ("--browser", name)]
    ended = suite(*browsers, "--chats", "6", "--lanes", "2", "--fault", "stale-state")
    assert ended.code == 1, ended.output
    summary = json.loads((ended.out / "summary.json").read_text(encoding="utf-8"))
    found = [
        (one["browser"], one["outcome"], [c["name"] for c in one["causes"]]) for one in summary["browsers"]
    ]
    assert found == [("chromium", "fail", ["stale-state"]), ("firefox", "fail", ["stale-state"])]
    assert len(summary["run_ids"]) == 2
