"""The program that serves the chat: how it is started, when it counts as up, what is reported when it is not, and that all of it ends."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.target import start_command
from e2e.capture.target.start_command import serving, with_path
from e2e.errors import TargetNotReady
from e2e.profile.profile import Command

SERVER = """
import http.server, os, subprocess, sys
status = iter([int(n) for n in os.environ["STATUS"].split()])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(next(status, 200)); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): print(self.path, flush=True)
child = subprocess.Popen(["sleep", "60"])
open("started", "w").write(f"{os.getpid()} {child.pid} {sys.argv[2]}")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def command(*words: str, **more: Any) -> Command:
    return Command.model_validate({"command": list(words), "url": "http://127.0.0.1:{port}/chat"} | more)


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_program_serves_at_a_free_port_and_ends_with_all_it_started(tmp_path: Path) -> None:
    """A status from 500 on is no answer yet; one below is, also where it is an error."""
    (tmp_path / "app").mkdir()
    wanted = command(
        "{python}", "-c", SERVER, "{port}", "at {port}", folder="app", env={"STATUS": "500 404", "PORT": "{port}"}, startup_timeout=20
    )  # fmt: skip
    with serving(wanted, tmp_path) as url:
        server, child, named = (tmp_path / "app" / "started").read_text(encoding="utf-8").split(" ", 2)
        port = named.removeprefix("at ")
        assert url == f"http://127.0.0.1:{port}/chat"
        assert f"PORT={port}\0" in Path(f"/proc/{server}/environ").read_text(encoding="utf-8")
        assert is_running(int(server))
        assert is_running(int(child))
    assert not is_running(int(server))
    deadline = time.monotonic() + 5
    while is_running(int(child)) and time.monotonic() < deadline:
        os.sched_yield()
    assert not is_running(int(child))


def test_a_program_that_ends_at_once_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    many = "import sys; print('\\n'.join(f'line {n}' for n in range(40))); sys.exit(7)"
    with pytest.raises(TargetNotReady) as error, serving(command("{python}", "-c", many, "{port}"), tmp_path):
        raise AssertionError("it is not up")
    first, *lines = error.value.what.splitlines()
    assert first == "the chat's program ended with 7 before it responded"
    assert lines == [f"    line {n}" for n in range(25, 40)]
    assert error.value.where == "where.start of the profile"
    assert error.value.hint == "start it by hand, and correct the command"


def test_a_program_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TargetNotReady) as error, serving(command("no-such-program", "{port}"), tmp_path):
        raise AssertionError("it is not up")
    assert error.value.what == "no-such-program could not be started: No such file or directory"
    assert error.value.where == "where.start.command of the profile"
    assert error.value.hint == "is it installed, and is where.start.folder right?"


@pytest.fixture
def output(tmp_path: Path) -> Any:
    with (tmp_path / "output").open("w+b") as file:
        yield file


def test_a_program_that_never_answers_is_given_up_after_its_time(
    output: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    requested: list[str] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(start_command, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    monkeypatch.setattr(start_command, "_answers", requested.append)
    process: Any = SimpleNamespace(poll=lambda: None)
    with pytest.raises(TargetNotReady) as error:
        start_command._wait(process, "http://a/", 3.0, output.fileno())
    assert error.value.what == "http://a/ did not respond within 3 s\n    (no output)"
    assert (error.value.where, error.value.hint) == (
        "where.start of the profile", "raise where.start.startup_timeout, or correct the command or the url",
    )  # fmt: skip
    assert now[0] == pytest.approx(103.05, abs=0.06)
    assert set(requested) == {"http://a/"}


def test_the_last_output_is_reported_however_much_came_before(output: Any) -> None:
    output.write(b"x" * 9000 + b"\n\xff last\n")
    output.flush()
    first, last = start_command._tail(output.fileno()).splitlines()
    assert (len(first), last) == (4 + 3992, "    � last")


class Stubborn:
    """A process that ends after so many signals."""

    def __init__(self, signals: int) -> None:
        self.signals, self.pid = signals, 4242
        self.stdin: Any = None

    def wait(self, patience: float) -> None:
        self.signals -= 1
        if self.signals > 0:
            raise subprocess.TimeoutExpired("program", patience)


@pytest.mark.parametrize(
    ("needed", "sent"),
    [(1, ["SIGTERM", "SIGKILL"]), (2, ["SIGTERM", "SIGKILL", "SIGKILL"]), (9, ["SIGTERM", "SIGKILL"])],
)
def test_it_is_ended_politely_then_by_force_and_its_children_too(
    needed: int, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    signals: list[tuple[int, str]] = []

    def killpg(group: int, kind: Any) -> None:
        signals.append((group, kind.name))
        raise ProcessLookupError

    monkeypatch.setattr(start_command, "os", SimpleNamespace(killpg=killpg))
    process: Any = Stubborn(needed)
    start_command._end(process)
    assert signals == [(4242, name) for name in sent]


@pytest.mark.parametrize(
    ("url", "path", "whole"),
    [
        ("http://a/", None, "http://a/"),
        ("http://a/", "/chat", "http://a/chat"),
        ("http://a/x", "/y", "http://a/x/y"),
    ],
)
def test_the_profiles_path_is_added(url: str, path: str | None, whole: str) -> None:
    assert with_path(url, path) == whole
