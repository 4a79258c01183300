"""doctor and login: results, hints and exit codes, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from e2e.errors import HarnessError, InvalidProfile
from e2e.explore import doctor, login
from e2e.explore.doctor import Finding, check_target, diagnose_setup
from e2e.profile.profile import SUITE, TARGETS, load

GOOD = Finding("browser", "ok", "found")
WARNING = Finding("disk", "warn", "3 MB free", "free disk space")
BAD = Finding("allure", "bad", "not installed", "`make setup` installs it")


def profile_file(folder: Path, more: str = "") -> str:
    text = (TARGETS / "reference.toml").read_text(encoding="utf-8")
    path = folder / "acme.toml"
    path.write_text(text + more, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("findings", "code", "end"),
    [([GOOD], 0, "no problems"), ([GOOD, WARNING], 0, "free disk space"), ([WARNING, BAD], 1, "make setup")],
    ids=["good", "warning", "bad"],
)
def test_exit_code_and_hints_follow_from_the_findings(
    findings: list[Finding],
    code: int,
    end: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(doctor, "check_machine", lambda: iter(findings))
    assert diagnose_setup(None, None) == code
    printed = capsys.readouterr().out
    assert all(f"{f.level}  {f.what}: {f.result}" in printed for f in findings)
    assert end in printed.partition("\n\n")[2] + printed.partition("What to do")[2]


def test_an_unknown_profile_is_refused_before_anything_is_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "check_machine", lambda: pytest.fail("the machine was checked"))
    with pytest.raises(InvalidProfile, match="no such profile"):
        diagnose_setup("nonsense", None)


def test_a_missing_variable_ends_the_check_of_a_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACME_TOKEN", raising=False)
    target = profile_file(tmp_path, '\n[where.headers]\nauthorization = "${ACME_TOKEN}"\n')
    [finding] = check_target(load(target), None)
    assert (finding.what, finding.level) == ("profile", "bad")
    assert "ACME_TOKEN" in finding.result
    assert finding.hint


@pytest.fixture
def server() -> Iterator[str]:
    class Unavailable(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(503)  # without a Date of its own
            self.send_header("Date", "Sun, 29 Nov 2020 11:00:00 GMT")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep the console free of one line per request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Unavailable) as serving:
        Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_address[1]}/"
        serving.shutdown()


def test_an_error_status_and_a_wrong_clock_of_the_target_are_found(server: str) -> None:
    status, clock = doctor._check_address(server, load("reference"))
    assert (status.level, status.result) == ("bad", f"{server} returned 503")
    assert clock.what == "target's clock"
    assert clock.level == "warn"


def test_an_unreachable_target_is_bad() -> None:
    [finding] = doctor._check_address("http://127.0.0.1:9/", load("reference"))
    assert (finding.what, finding.level) == ("reachable", "bad")
    assert "ConnectError" in finding.result


def test_a_failing_check_becomes_a_finding_with_its_first_line() -> None:
    def fail() -> str:
        raise HarnessError("no browser found", where="/usr/bin")

    assert doctor._check("browser", fail, "install one") == Finding(
        "browser", "bad", "no browser found", "install one"
    )


def test_headless_login_needs_steps() -> None:
    with pytest.raises(
        HarnessError, match=r"--headless needs login\.steps in the profile\n  hint: write them"
    ):
        login.save_login("reference", headless=True)


@pytest.mark.parametrize(
    ("more", "path"),
    [("", ".auth/reference.json"), ('\n[login]\nstorage_state = "mine/state.json"\n', "mine/state.json")],
)
def test_the_state_is_saved_where_the_profile_says(tmp_path: Path, more: str, path: str) -> None:
    profile = load(profile_file(tmp_path, more))
    assert login.state_path(profile) == SUITE / path
