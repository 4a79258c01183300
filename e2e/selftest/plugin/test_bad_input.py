"""Bad input is reported in seconds, with a hint, and before any browser starts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from e2e.selftest.plugin.conftest import Suite
from e2e.selftest.unit.builders import make_run
from e2e.selftest.unit.report_samples import write_run

REFERENCE = Path(__file__).resolve().parents[3] / "fixtures" / "targets" / "reference.toml"
USAGE_ERROR = 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--target", "nobody"), "--target nobody: no such profile"),
        (("--chats", "many"), "--chats many: expected a whole number"),
        (("--fault", "gremlins"), "--fault gremlins: expected one of "),
        (("--id-pattern", "magic"), "--id-pattern magic: expected one of timestamp"),
        (("--from-evidence", "/nowhere/at/all"), "--from-evidence /nowhere/at/all: no such folder"),
        (("--base-url", "http://127.0.0.1:9/", "--fault", "slow"), "--fault slow: for the reference chat"),
    ],
)
def test_a_bad_option_is_refused_at_once(suite: Suite, options: tuple[str, ...], message: str) -> None:
    ended = suite(*options)
    assert ended.code == USAGE_ERROR, ended.output
    assert message in ended.output
    assert not (ended.out / "evidence").exists()


def test_runs_that_cannot_be_judged_together_are_refused_at_once(suite: Suite, tmp_path: Path) -> None:
    for place in ("once", "again"):
        write_run(tmp_path / place, make_run(run_id="one"))
    ended = suite(
        *(part for place in ("once", "again") for part in ("--from-evidence", str(tmp_path / place)))
    )
    assert ended.code == USAGE_ERROR, ended.output
    assert ": run one is listed twice" in ended.output
    assert "Traceback" not in ended.output
    assert not (ended.out / "allure-results").exists()


def test_a_run_that_cannot_be_read_is_refused_at_once(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{half", encoding="utf-8")
    ended = suite("--from-evidence", str(tmp_path))
    assert ended.code == USAGE_ERROR, ended.output
    assert "cannot be read as a run" in ended.output


def test_a_bad_profile_is_refused_at_once(suite: Suite, tmp_path: Path) -> None:
    profile = tmp_path / "acme.toml"
    profile.write_text(REFERENCE.read_text().replace('session = "session_id"', 'session = "args[0"', 1))
    ended = suite("--target", str(profile))
    assert ended.code == USAGE_ERROR, ended.output
    assert f"{profile}: wire[0].session\n" in ended.output
    assert "not a JMESPath expression" in ended.output


def test_a_target_that_is_down_is_broken_in_seconds(suite: Suite) -> None:
    began = time.monotonic()
    ended = suite("--base-url", "http://127.0.0.1:9/")
    assert ended.code == 1
    assert set(ended.of_run) == {"broken"}
    assert "http://127.0.0.1:9/ could not be opened" in ended.output
    # Chats that each wait 10 s for the page (timeouts.ready) take minutes, also on a quick machine.
    assert time.monotonic() - began < 150


def test_a_wrong_locator_is_broken_and_named(suite: Suite, tmp_path: Path) -> None:
    profile = tmp_path / "acme.toml"
    text = (
        REFERENCE.read_text()
        .replace('name = "New chat"', 'name = "Start over"')
        .replace("ready = 10", "ready = 2\naction = 1")
    )
    profile.write_text(text)
    ended = suite("--target", str(profile), "--chats", "4", "--lanes", "2")
    assert ended.code == 1
    assert "steps.new_chat[0]: { role = 'button', name = 'Start over' }" in ended.output


def test_a_browser_that_is_not_there_is_broken_and_named(suite: Suite) -> None:
    ended = suite("--chats", "2", CHROME_PATH="/nowhere/no-browser")
    assert ended.code == 1
    assert set(ended.of_run) == {"broken"}
    assert "CHROME_PATH names no browser: /nowhere/no-browser" in ended.output


def test_help_explains_every_option_in_one_group(suite: Suite) -> None:
    text = suite("--help").output
    group = text.split("\nchat-session-e2e (")[1].split("\n\n")[0]
    for option in (
        "target",
        "chats",
        "lanes",
        "fault",
        "id-pattern",
        "transport",
        "alarms-per-year",
        "strict-evidence",
        "show-ids",
    ):
        assert f"--{option}" in group
        assert "CHAT_E2E_" + option.upper().replace("-", "_") in group
