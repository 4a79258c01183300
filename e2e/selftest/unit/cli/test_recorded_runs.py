"""Commands for recorded runs: output, files, exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.cli.main import main, main_of_reports
from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.report_samples import write_result, write_run, write_session
from e2e.setup.places import REPO
from reports.allure import build as allure_build
from reports.allure.config import AllureRun


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Replaces the build of the Allure report, and keeps its arguments."""
    arguments: dict[str, object] = {}

    def build(results: Path, report: Path, run: AllureRun) -> Path:
        arguments.update(results=results, run=run)
        report.mkdir(exist_ok=True)
        (report / "index.html").write_text("report", encoding="utf-8")
        return report / "index.html"

    monkeypatch.setattr(allure_build, "build_allure", build)
    return arguments


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Output folder of a run with a fault."""
    folder = write_run(tmp_path, make_run("stale-state", chats=8, lanes=2))
    write_session(tmp_path, [folder])
    write_result(tmp_path)
    return tmp_path


def test_report_writes_all_files_and_returns_0_for_a_failed_run(
    recorded: Path, built: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--out", str(recorded)]) == 0
    assert json.loads((recorded / "summary.json").read_text())["outcome"] == "fail"
    assert (recorded / "summary.md").is_file()
    assert (recorded / "charts" / "lanes-strip.svg").is_file()
    assert (recorded / "allure-results" / "run-globals.json").is_file()
    printed = capsys.readouterr().out
    assert "stale-state: 3 of 25 checks failed" in printed
    assert "allure-report/index.html" in printed
    run = built["run"]
    assert isinstance(run, AllureRun)
    assert dict(run.environments[0].facts) == {
        "target": "reference",
        "url": "http://127.0.0.1:8765/",
        "browser": "chromium",
    }


def test_report_of_a_killed_run_is_marked_partial(
    tmp_path: Path, built: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path, with_meta(make_run(chats=8, lanes=2), finished=None, planned_chats=40))
    assert main(["report", "--out", str(tmp_path)]) == 0
    assert "partial run: the run did not finish" in capsys.readouterr().out
    assert json.loads((tmp_path / "summary.json").read_text())["partial"] is True


def test_report_reads_evidence_with_a_truncated_last_line(tmp_path: Path, built: dict[str, object]) -> None:
    folder = write_run(tmp_path, with_meta(make_run(chats=8, lanes=2), finished=None))
    for name in ("chats.jsonl", "events.jsonl"):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write('{"schema":1,"run_id":"2026-')
    assert main(["report", "--out", str(tmp_path)]) == 0
    reasons = json.loads((tmp_path / "summary.json").read_text())["partial_reasons"]
    assert any("2 incomplete lines" in reason for reason in reasons)


def test_report_with_open_serves_the_report(
    recorded: Path, built: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Path] = []
    monkeypatch.setattr(allure_build, "serve", served.append)
    assert main(["report", "--out", str(recorded)]) == 0
    assert served == []
    assert main(["report", "--open", "--out", str(recorded)]) == 0
    assert served == [recorded / "allure-report"]


def test_summary_prints_verdicts_and_writes_nothing(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(recorded.rglob("*"))
    assert main(["summary", str(recorded)]) == 0
    assert "cause stale-state" in capsys.readouterr().out
    assert sorted(recorded.rglob("*")) == before


def test_summary_pools_several_folders(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = write_run(recorded / "more", make_run(chats=8, lanes=2, run_id="another", seed=8))
    assert main(["summary", str(recorded / "evidence"), str(other)]) == 0
    assert "16 of 16 chats observed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "--out", "OUT"], "there is no recorded run"),
        (["summary", "OUT"], "holds no recorded run"),
        (["summary", "OUT/nowhere"], "is not a folder"),
        (["open", "--out", "OUT"], "there is no report"),
    ],
)
def test_missing_runs_return_2_with_a_hint_and_no_traceback(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([a.replace("OUT", str(tmp_path)) for a in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    assert message in printed.err
    assert re.search(r"^  hint: ", printed.err, re.MULTILINE)
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_runs_of_different_targets_return_2(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = write_run(
        recorded / "more", with_meta(make_run(chats=4, lanes=2, run_id="another"), target="acme")
    )
    assert main(["summary", str(recorded / "evidence"), str(other)]) == 2
    assert "different targets" in capsys.readouterr().err


def test_command_line_runs_a_command(recorded: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "e2e", "summary", str(recorded)],
        cwd=REPO,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "3 of 25 checks failed" in done.stdout


def test_records_of_an_unknown_schema_return_2(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = next((recorded / "evidence").iterdir())
    meta = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(meta | {"schema": 99}))
    assert main(["summary", str(recorded)]) == 2
    assert "schema 99" in capsys.readouterr().err


def test_earlier_spelling_runs_the_command_with_a_notice(
    recorded: Path, built: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main_of_reports(["build", "--out", str(recorded)]) == 0
    printed = capsys.readouterr()
    assert printed.err == "note: `python -m reports build` is now `python -m e2e report`\n"
    assert "stale-state: 3 of 25 checks failed" in printed.out


def test_outcome_prints_the_line_for_github_output(
    recorded: Path, built: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["report", "--out", str(recorded)])
    capsys.readouterr()
    assert main(["outcome", "--out", str(recorded)]) == 0
    assert capsys.readouterr().out == "outcome=fail\n"


def test_outcome_without_a_report_returns_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outcome", "--out", str(tmp_path)]) == 2
    assert "there is no summary.json" in capsys.readouterr().err
