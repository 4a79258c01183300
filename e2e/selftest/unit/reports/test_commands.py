"""``python -m reports``: what it prints, writes and ends with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.report_samples import write_result, write_run, write_session
from e2e.setup.places import REPO
from reports import __main__ as reports
from reports.allure import build as allure_build
from reports.allure.config import AllureRun


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Stands in for Allure, which has tests of its own: keeps what it was given."""
    given: dict[str, object] = {}

    def build(results: Path, report: Path, run: AllureRun) -> Path:
        given.update(results=results, run=run)
        report.mkdir(exist_ok=True)
        (report / "index.html").write_text("report", encoding="utf-8")
        return report / "index.html"

    monkeypatch.setattr(allure_build, "build_allure", build)
    return given


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """An output folder as a session leaves it, with a fault in what it saw."""
    folder = write_run(tmp_path, make_run("stale-state", chats=8, lanes=2))
    write_session(tmp_path, [folder])
    write_result(tmp_path)
    return tmp_path


def test_build_writes_everything_and_ends_with_0_whatever_the_outcome(
    recorded: Path, built: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert reports.main(["build", "--out", str(recorded)]) == 0
    assert json.loads((recorded / "summary.json").read_text())["outcome"] == "fail"
    assert (recorded / "summary.md").is_file()
    assert (recorded / "charts" / "lanes-strip.svg").is_file()
    assert (recorded / "allure-results" / "run-globals.json").is_file()
    said = capsys.readouterr().out
    assert "stale-state: 3 of 25 checks failed" in said
    assert "allure-report/index.html" in said
    run = built["run"]
    assert isinstance(run, AllureRun)
    assert dict(run.environments[0].facts) == {
        "target": "reference",
        "url": "http://127.0.0.1:8765/",
        "browser": "chromium",
    }


def test_build_says_partial_of_a_killed_run(
    tmp_path: Path, built: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path, with_meta(make_run(chats=8, lanes=2), finished=None, planned_chats=40))
    assert reports.main(["build", "--out", str(tmp_path)]) == 0
    assert "partial: the run did not end" in capsys.readouterr().out
    assert json.loads((tmp_path / "summary.json").read_text())["partial"] is True


def test_a_torn_last_line_is_no_obstacle(tmp_path: Path, built: dict[str, object]) -> None:
    folder = write_run(tmp_path, with_meta(make_run(chats=8, lanes=2), finished=None))
    for name in ("chats.jsonl", "events.jsonl"):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write('{"schema":1,"run_id":"2026-')
    assert reports.main(["build", "--out", str(tmp_path)]) == 0
    reasons = json.loads((tmp_path / "summary.json").read_text())["partial_reasons"]
    assert any("2 torn lines" in reason for reason in reasons)


def test_build_may_serve_afterwards(
    recorded: Path, built: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Path] = []
    monkeypatch.setattr(allure_build, "serve", served.append)
    assert reports.main(["build", "--out", str(recorded)]) == 0
    assert served == []
    assert reports.main(["build", "--open", "--out", str(recorded)]) == 0
    assert served == [recorded / "allure-report"]


def test_summary_prints_and_writes_nothing(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(recorded.rglob("*"))
    assert reports.main(["summary", str(recorded)]) == 0
    assert "cause stale-state" in capsys.readouterr().out
    assert sorted(recorded.rglob("*")) == before


def test_summary_pools_what_it_is_given(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = write_run(recorded / "more", make_run(chats=8, lanes=2, run_id="another", seed=8))
    assert reports.main(["summary", str(recorded / "evidence"), str(other)]) == 0
    assert "16 of 16 chats observed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build", "--out", "OUT"], "there is nothing to report"),
        (["summary", "OUT"], "holds no recorded run"),
        (["summary", "OUT/nowhere"], "is not a folder"),
        (["open", "--out", "OUT"], "there is no report"),
    ],
)
def test_nothing_to_report_ends_with_2_and_the_way_out(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reports.main([a.replace("OUT", str(tmp_path)) for a in arguments]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert "hint: " in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_runs_that_do_not_go_together_end_with_2(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = write_run(
        recorded / "more", with_meta(make_run(chats=4, lanes=2, run_id="another"), target="acme")
    )
    assert reports.main(["summary", str(recorded / "evidence"), str(other)]) == 2
    assert "different targets" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["build", "--nonsense"]])
def test_bad_usage_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        reports.main(arguments)
    assert ended.value.code == 2


def test_the_command_itself_works_too(recorded: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "reports", "summary", str(recorded)],
        cwd=REPO,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    assert "3 of 25 checks failed" in asked.stdout


def test_records_of_a_foreign_schema_are_refused_in_words(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = next((recorded / "evidence").iterdir())
    meta = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(meta | {"schema": 99}))
    assert reports.main(["summary", str(recorded)]) == 2
    assert "schema 99" in capsys.readouterr().err
