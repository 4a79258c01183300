"""The commands `judge` and `result` of a run that several machines share: what counts, what is written, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.cli.main import main
from e2e.errors import HarnessError
from e2e.records.places import Place
from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.report_samples import write_run
from reports.allure import build as allure_build
from reports.publish import shared_run
from reports.publish.shared_run import RESULT_FILE

Sessions = list[list[str]]
"""Names of the runs that each session of pytest was given."""


@pytest.fixture(autouse=True)
def outside_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JOB_NAME", "JOB_COMPLETIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Sessions:
    """Replaces the sessions of pytest that judge, and the build of summary and report, which take seconds."""
    given: Sessions = []

    def judge_series(folders: Sequence[Path], out: Path, options: Sequence[str]) -> int:
        given.append([folder.name for folder in folders])
        if any("broken" in name for name in given[-1]):
            return 3
        return 1 if any("bad" in name for name in given[-1]) else 0

    def build(out: Path, history: object, **_: Any) -> SimpleNamespace:
        (out / "allure-report").mkdir(parents=True)
        (out / "allure-report" / "index.html").write_text("report", encoding="utf-8")
        outcome = "fail" if any("bad" in name for name in given[-1]) else "pass"
        (out / "summary.md").write_text(f"# The whole summary: {outcome}", encoding="utf-8")
        (out / "session.json").write_text("not handed over", encoding="utf-8")
        lost = HarnessError("the history is full") if any("lost" in name for name in given[-1]) else None
        parts = SimpleNamespace(outcome=outcome), SimpleNamespace(headline=f"a headline: {outcome}")
        return SimpleNamespace(summary=parts[0], entry=parts[1], lost=lost)

    monkeypatch.setattr(shared_run, "judge_series", judge_series)
    monkeypatch.setattr(shared_run, "build", build)
    return given


HandOver = Callable[..., str]


@pytest.fixture
def hand_over(tmp_path: Path) -> HandOver:
    """Hands a recorded shard over to the place of the shared run, and returns the place."""
    at = tmp_path / "runs" / "pr42"

    def hand_over(name: str, shard: str, *faults: str, **changes: Any) -> str:
        records = make_run(*faults, chats=4, lanes=1, run_id=name, seed=int(shard[0]))
        fields = {"shard": shard, "shared_run": "pr42", "started": 1.8e9, "finished": 1.9e9} | changes
        records = with_meta(records, **fields)
        Place.at(str(at)).put_run(write_run(tmp_path / "recorded", records))
        return str(at)

    return hand_over


def judge(place: str, out: Path, *options: str) -> int:
    return main(["judge", place, "--out", str(out), *options])


def result_of(place: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(place, RESULT_FILE).read_text(encoding="utf-8"))
    return found


class TestJudge:
    def test_all_shards_are_judged_in_one_session_and_the_result_is_put_beside_them(
        self, sessions: Sessions, hand_over: HandOver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        hand_over("run-1", "1/2")
        place = hand_over("run-2", "2/2")
        assert judge(place, tmp_path / "out") == 0
        assert sessions == [["run-1", "run-2"]]
        (one,) = result_of(place)["series"]
        assert one["run_ids"] == ["run-1", "run-2"]
        assert one["passed"] is True
        beside = Path(place, one["folder"])
        assert {path.name for path in beside.iterdir()} == {"summary.md", "allure-report"}
        printed = capsys.readouterr()
        assert printed.out.startswith("reference, chromium: ")
        assert str(beside) in printed.out
        assert "2 of 2 shards are there" in printed.err

    def test_a_shard_that_was_recorded_again_counts_once(
        self, sessions: Sessions, hand_over: HandOver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        hand_over("run-1", "1/2")
        hand_over("run-2", "2/2", started=1.8e9 + 2)
        place = hand_over("run-3", "2/2", started=1.8e9 + 9)
        assert judge(place, tmp_path / "out") == 0
        assert sessions == [["run-1", "run-2"]]
        note = "run-3 is left out: shard 2 of 2 was recorded again as run-2"
        assert result_of(place)["left_out"] == [note]
        assert f"note: {note}\n" in capsys.readouterr().out

    def test_a_failed_check_is_exit_code_1(
        self, sessions: Sessions, hand_over: HandOver, tmp_path: Path
    ) -> None:
        place = hand_over("bad-1", "1/1", "stale-state")
        assert judge(place, tmp_path / "out") == 1
        (one,) = result_of(place)["series"]
        assert (one["outcome"], one["passed"]) == ("fail", False)

    def test_what_cannot_be_judged_is_exit_code_2_and_the_rest_is_judged(
        self, sessions: Sessions, hand_over: HandOver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        hand_over("run-1", "1/1")
        place = hand_over("broken-1", "1/1", environment={"browser": "firefox 153.0"})
        assert judge(place, tmp_path / "out") == 2
        assert [one["browser"] for one in result_of(place)["series"]] == ["chromium"]
        assert "error: reference, firefox: its evidence could not be judged: pytest ended with 3" in (
            capsys.readouterr().err
        )

    def test_a_run_that_is_not_in_the_history_is_judged_and_reported(
        self, sessions: Sessions, hand_over: HandOver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place = hand_over("lost-1", "1/1")
        assert judge(place, tmp_path / "out") == 2
        assert [one["outcome"] for one in result_of(place)["series"]] == ["pass"]
        assert "error: reference, chromium: the history is full" in capsys.readouterr().err

    def test_to_judge_again_gives_the_same_result(
        self, sessions: Sessions, hand_over: HandOver, tmp_path: Path
    ) -> None:
        place = hand_over("run-1", "1/1")
        judge(place, tmp_path / "out")
        before = result_of(place)
        judge(place, tmp_path / "elsewhere")
        assert result_of(place) == before
        assert sessions == [["run-1"]] * 2

    def test_a_place_without_evidence_is_an_error_with_a_hint(
        self, sessions: Sessions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "runs").mkdir()
        assert judge(str(tmp_path / "runs"), tmp_path / "out") == 2
        printed = capsys.readouterr().err
        assert "no shard handed over evidence" in printed
        assert "hint: see the logs of the shards" in printed
        assert sessions == []

    def test_the_run_is_named_by_the_job(
        self, sessions: Sessions, hand_over: HandOver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = hand_over("run-1", "1/1")
        monkeypatch.setenv("JOB_NAME", "chat-e2e-judge-pr42")
        assert judge(str(tmp_path / "runs" / "{run}"), tmp_path / "out") == 0
        assert result_of(place)["series"]


class TestResult:
    @pytest.fixture
    def place(self, sessions: Sessions, hand_over: HandOver, tmp_path: Path) -> str:
        """Of a run with a fault, judged."""
        place = hand_over("bad-1", "1/1", "stale-state")
        judge(place, tmp_path / "out")
        return place

    def test_it_prints_the_summary_and_has_the_exit_code_of_the_verdict(
        self, place: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        capsys.readouterr()
        assert main(["result", place]) == 1
        printed = capsys.readouterr().out
        assert printed.startswith("reference, chromium: fail: a headline: fail\n")
        assert "# The whole summary: fail" in printed
        assert main(["result", place, "--short"]) == 1
        assert capsys.readouterr().out == printed.partition("\n")[0] + "\n"

    def test_it_copies_summaries_charts_and_reports(
        self, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        main(["result", place, "--to", str(tmp_path / "report")])
        series = tmp_path / "report" / "reference-chromium"
        assert (series / "allure-report" / "index.html").read_text(encoding="utf-8") == "report"
        assert not (series / "session.json").exists()
        assert (tmp_path / "report" / "result.json").is_file()
        assert f"files copied to {tmp_path / 'report'}" in capsys.readouterr().out

    @pytest.mark.parametrize(("name", "code"), [("run-1", 0), ("bad-1", 1), ("broken-1", 2)])
    def test_its_exit_code_is_that_of_judge(
        self, sessions: Sessions, hand_over: HandOver, tmp_path: Path, name: str, code: int
    ) -> None:
        place = hand_over(name, "1/1", *(["stale-state"] if "bad" in name else []))
        assert judge(place, tmp_path / "out") == code
        assert main(["result", place]) == code

    def test_without_a_result_it_names_what_is_there(
        self, hand_over: HandOver, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place = hand_over("run-1", "1/1")
        assert main(["result", place]) == 2
        printed = capsys.readouterr().err
        assert f"error: {place} has no result yet: 1 recorded run is there" in printed
        assert "hint: `python -m e2e judge PLACE`" in printed

    def test_a_result_that_is_cut_is_an_error(self, place: str, capsys: pytest.CaptureFixture[str]) -> None:
        path = Path(place, RESULT_FILE)
        path.write_bytes(path.read_bytes()[:40])
        assert main(["result", place]) == 2
        assert "result.json cannot be read" in capsys.readouterr().err


@pytest.mark.timeout(120)
def test_the_session_that_judges_is_a_session_of_the_suite(
    hand_over: HandOver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is replaced but the page of Allure. Of three shards one was recorded twice, and one never."""
    monkeypatch.setattr(allure_build, "build_allure", lambda results, report, run: report / "index.html")
    monkeypatch.setenv(
        "JOB_COMPLETION_INDEX", "0"
    )  # of a shard: it must not make one of the session that judges
    monkeypatch.setenv("JOB_COMPLETIONS", "3")
    hand_over("run-1", "1/3")
    hand_over("run-2", "2/3", "stale-state", started=1.8e9 + 2)
    place = hand_over("run-3", "2/3", started=1.8e9 + 9)
    assert judge(place, tmp_path / "out") == 1
    assert "2 of 3 shards are there" in capsys.readouterr().err
    (one,) = result_of(place)["series"]
    assert one["run_ids"] == ["run-1", "run-2"]  # to record again until it passes is not possible
    assert one["outcome"] == "fail"
    summary = json.loads(Path(place, one["folder"], "summary.json").read_text(encoding="utf-8"))
    assert summary["chats"]["observed"] == 8
    assert "shard 3 of 3" in Path(place, one["folder"], "summary.md").read_text(encoding="utf-8")
