"""The command tree: help, errors, exit codes, earlier spellings, and what a command imports before it runs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from e2e.cli.app import app
from e2e.cli.main import RENAMED, main, main_of_reports
from e2e.errors import HarnessError
from e2e.explore import discovery, doctor
from e2e.setup.places import REPO

COMMANDS = sorted(
    (c.name or c.callback.__name__.replace("_", "-")) for c in app.registered_commands if c.callback
)
EARLIER = (
    "build open summary gate compare history forget publish nightly notify pull push pull-request".split()
)
"""All that ``python -m reports`` offered."""


def test_help_lists_every_command_with_its_first_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert [name for name in COMMANDS if not re.search(rf"^\W *{name} +\S", printed, re.MULTILINE)] == []
    assert all(
        panel in printed for panel in ("Your chat", "Recorded runs", "Run history", "The suite itself")
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "-h"]) == 0
    printed = capsys.readouterr().out
    assert f"Usage: python -m e2e {command}" in printed
    assert re.findall(r"^. +--\S+ +(?:\S+ +)?.$", printed, re.MULTILINE) == []


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["nonsense"], "No such command 'nonsense'", "python -m e2e --help"),
        (["report", "--nonsense"], "No such option: --nonsense", "python -m e2e report --help"),
        (["discover"], "Missing argument 'URL'", "python -m e2e discover --help"),
        (["discover", "http://a.example/", "--locale", "??"], "expected a language", "discover --help"),
        (
            ["discover", "http://a.example/", "--timeout", "-3"],
            "greater than or equal to 0.1",
            "discover --help",
        ),
        (["discover", "http://a.example/", "--name", "../x"], "expected letters, digits", "discover --help"),
        (
            ["discover", "http://a.example/", "--out", "/proc/x/a.toml"],
            "--out /proc/x/a.toml: ",
            "can be written",
        ),
        (["login"], "Missing option '--target'", "python -m e2e login --help"),
        (["history", "--alarms-per-year", "few"], "--alarms-per-year", "python -m e2e history --help"),
        (["report", "--keep", "0"], "greater than or equal to 1 (got '0')", "python -m e2e report --help"),
        (["matrix", "--store", "disk"], "'disk' is not one of localStorage, ", "python -m e2e matrix --help"),
        (["matrix", "--fault", "nonsense"], "--fault nonsense: no such fault", "one of healthy, "),
    ],
)
def test_wrong_usage_returns_2_with_a_hint(
    arguments: list[str], message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    first, last = printed.err.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert hint in last


def test_no_command_prints_the_help_and_returns_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "discover" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (HarnessError("it is down", hint="start it"), 2, "error: it is down"),
        (OSError(28, "No space left on device", "/tmp/x"), 2, "error: No space left on device: /tmp/x"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_of_a_command_is_printed_without_traceback(
    raised: BaseException,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> int:
        raise raised

    monkeypatch.setattr(doctor, "diagnose_setup", fail)
    assert main(["doctor"]) == code
    printed = capsys.readouterr().err
    assert printed.startswith(message)
    assert "Traceback" not in printed


def test_options_reach_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[discovery.Options] = []

    def discover_chat(options: discovery.Options) -> int:
        calls.append(options)
        return 1

    monkeypatch.setattr(discovery, "discover_chat", discover_chat)
    assert main(["discover", "http://127.0.0.1:9/", "--headed", "--locale", "de-DE", "--timeout", "3"]) == 1
    assert calls == [discovery.Options("http://127.0.0.1:9/", headed=True, locale="de-DE", timeout=3)]


@pytest.mark.parametrize("name", EARLIER)
def test_every_command_of_reports_is_in_the_tree(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main_of_reports([name, "--help"]) == 0
    printed = capsys.readouterr()
    command = RENAMED.get(name, name)
    assert printed.err == f"note: `python -m reports {name}` is now `python -m e2e {command}`\n"
    assert f"Usage: python -m e2e {command}" in printed.out


def test_rehearse_is_an_earlier_name_of_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse", "--help"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "note: `python -m e2e rehearse` is now `python -m e2e dry-run`\n"
    assert "Usage: python -m e2e dry-run" in printed.out


def test_the_tree_imports_neither_pandas_nor_playwright() -> None:
    """Both together take about two seconds to import, and ``--help`` needs neither."""
    code = "import sys, e2e.cli.main\n"
    code += "print(*{'pandas', 'scipy', 'playwright', 'matplotlib', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
