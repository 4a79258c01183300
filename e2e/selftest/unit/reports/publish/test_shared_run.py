"""Judging a run that several machines share: what is judged, what is put beside the evidence, and how it is read again."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import pytest

from e2e.errors import HarnessError
from e2e.records.places import Place
from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.report_samples import write_run
from reports.publish import shared_run
from reports.publish.shared_run import SeriesResult, SharedResult, judge_shared_run, read_result


@pytest.fixture
def place() -> Place:
    fsspec.filesystem("memory").store.clear()
    return Place.at("memory://bucket/chats/7")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits, in place of waiting."""
    slept: list[float] = []
    monkeypatch.setattr(
        shared_run, "time", SimpleNamespace(monotonic=lambda: 100.0 + sum(slept), sleep=slept.append)
    )
    return slept


class Pytest:
    """Stands in for the session of pytest that judges, and for the report: both have tests of their own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.judged: list[tuple[list[str], str, list[str]]] = []
        self.built: list[tuple[Path, Any, dict[str, Any]]] = []
        self.codes: dict[str, int] = {}
        self.lost: HarnessError | None = None
        self.refuses = ""
        monkeypatch.setattr(shared_run, "judge_series", self.judge)
        monkeypatch.setattr(shared_run, "build", self.build)

    def judge(self, folders: Sequence[Path], out: Path, options: Sequence[str]) -> int:
        self.judged.append(([folder.name for folder in folders], out.name, list(options)))
        for name in ("charts", "allure-report/awesome"):
            (out / name).mkdir(parents=True)
            (out / name / "x.svg").write_text(name, encoding="utf-8")
        (out / "summary.md").write_text(f"# {out.name}", encoding="utf-8")
        (out / "junit.xml").write_text("<x/>", encoding="utf-8")
        return self.codes.get(out.name, 0)

    def build(self, out: Path, history: Any, **more: Any) -> Any:
        self.built.append((out, history, more))
        if out.name == self.refuses:
            raise HarnessError("no report")
        summary, entry = SimpleNamespace(outcome=f"{out.name}!"), SimpleNamespace(headline="all is well")
        return SimpleNamespace(summary=summary, entry=entry, lost=self.lost)


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> Pytest:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return Pytest(monkeypatch)


def hand_over(place: Place, tmp_path: Path, name: str, **meta: Any) -> None:
    fields = {"shared_run": "7", "finished": 2.0} | meta
    place.put_run(write_run(tmp_path / "made", with_meta(make_run(chats=1, lanes=1), run_id=name, **fields)))


def test_each_series_is_judged_once_with_the_runs_that_count(
    place: Place, tmp_path: Path, suite: Pytest
) -> None:
    hand_over(place, tmp_path, "first", shard="1/2", started=1.0)
    hand_over(place, tmp_path, "second", shard="2/2", started=1.0)
    hand_over(place, tmp_path, "again", shard="2/2", started=9.0)
    hand_over(place, tmp_path, "other", target="acme")
    suite.codes = {"reference-chromium": 1}
    found = judge_shared_run(place, tmp_path / "out", history="there", keep=9, options=["--show-ids"])
    assert suite.judged == [
        (["other"], "acme-chromium", ["--show-ids"]),
        (["first", "second"], "reference-chromium", ["--show-ids"]),
    ]
    assert [(out.name, history, more["keep"]) for out, history, more in suite.built] == [
        ("acme-chromium", "there", 9),
        ("reference-chromium", "there", 9),
    ]
    allure = suite.built[1][2]["allure_history"]
    assert allure == tmp_path / "out" / "reference-chromium" / "history" / "_allure.jsonl"
    acme, reference = found.series
    assert acme == SeriesResult(
        "acme", "chromium", "acme-chromium!", "all is well", "result/acme-chromium", True, ("other",)
    )
    assert (reference.run_ids, reference.passed) == (("first", "second"), False)
    assert found.left_out == ("again is left out: shard 2 of 2 was recorded again as second",)
    assert (found.wrong, found.exit_code) == ((), 1)


def test_the_result_and_its_report_lie_beside_the_evidence_and_are_read_again(
    place: Place, tmp_path: Path, suite: Pytest
) -> None:
    hand_over(place, tmp_path, "one")
    found = judge_shared_run(place, tmp_path / "out")
    below = f"{place.root}/result"
    assert sorted(path.removeprefix(below) for path in place.fs.find(below)) == [
        "/reference-chromium/allure-report/awesome/x.svg",
        "/reference-chromium/charts/x.svg",
        "/reference-chromium/summary.md",
        "/result.json",
    ]
    assert place.read("result/reference-chromium/charts/x.svg") == b"charts"
    assert place.read("result/reference-chromium/summary.md") == b"# reference-chromium"
    written = place.read("result/result.json")
    assert written is not None
    assert json.loads(written)["schema"] == 1
    assert written == (tmp_path / "out" / "result.json").read_bytes()
    assert written.endswith(b"\n")
    assert read_result(place) == found
    assert (found.exit_code, place.runs()) == (0, ["one"])


def test_a_series_that_cannot_be_judged_is_named_and_the_others_are_judged(
    place: Place, tmp_path: Path, suite: Pytest
) -> None:
    for name in ("acme", "basic", "chat"):
        hand_over(place, tmp_path, name, target=name)
    suite.codes = {"acme-chromium": 4}
    suite.refuses = "basic-chromium"
    found = judge_shared_run(place, tmp_path / "out")
    assert [one.target for one in found.series] == ["chat"]
    assert found.wrong == (
        "acme, chromium: its evidence could not be judged: pytest ended with 4, see above",
        "basic, chromium: no report",
    )
    assert (found.exit_code, len(suite.built)) == (2, 2)


def test_a_run_that_is_not_in_the_history_has_a_result_and_an_error(
    place: Place, tmp_path: Path, suite: Pytest
) -> None:
    hand_over(place, tmp_path, "one")
    suite.lost = HarnessError("the disk is full")
    found = judge_shared_run(place, tmp_path / "out")
    assert [one.passed for one in found.series] == [True]
    assert (found.wrong, found.exit_code) == (("reference, chromium: the disk is full",), 2)


def test_the_summary_of_each_series_is_on_the_page_of_the_job(
    place: Place, tmp_path: Path, suite: Pytest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "job.md"))
    for name in ("acme", "basic"):
        hand_over(place, tmp_path, name, target=name)
    judge_shared_run(place, tmp_path / "out")
    assert (tmp_path / "job.md").read_text(encoding="utf-8") == "# acme-chromium\n# basic-chromium\n"


def test_without_evidence_nothing_is_judged(
    place: Place, tmp_path: Path, suite: Pytest, clock: list[float]
) -> None:
    lines: list[str] = []
    with pytest.raises(HarnessError) as error:
        judge_shared_run(place, tmp_path / "out", shards=2, wait=12.0, report=lines.append)
    assert (error.value.what, error.value.where) == ("no shard handed over evidence", place.address)
    assert error.value.hint.endswith("does the address end in the run's name?")
    assert (suite.judged, lines, clock) == ([], ["0 of 2 shards are there"], [5.0, 5.0, 2.0])


@pytest.mark.parametrize(
    ("series", "wrong", "code"),
    [
        ((True,), (), 0),
        ((True, True), (), 0),
        ((True, False), (), 1),
        ((False,), (), 1),
        ((), (), 2),
        ((True,), ("x",), 2),
        ((False,), ("x",), 2),
    ],
)
def test_the_exit_code(series: tuple[bool, ...], wrong: tuple[str, ...], code: int) -> None:
    one = SeriesResult("t", "b", "pass", "", "result/t-b", True, ("r",))
    assert SharedResult(tuple(replace(one, passed=p) for p in series), (), wrong).exit_code == code


class TestReading:
    @pytest.mark.parametrize(
        ("runs", "text"), [(0, "0 recorded runs are"), (1, "1 recorded run is"), (2, "2 recorded runs are")]
    )
    def test_a_missing_result_says_how_many_runs_are_there(
        self, place: Place, tmp_path: Path, clock: list[float], runs: int, text: str
    ) -> None:
        for n in range(runs):
            hand_over(place, tmp_path, f"run-{n}")
        with pytest.raises(HarnessError) as error:
            read_result(place)
        assert error.value.what == f"{place.address} has no result yet: {text} there"
        assert error.value.hint.startswith("`python -m e2e judge PLACE` judges them")
        assert clock == []

    def test_it_is_awaited(
        self, place: Place, tmp_path: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        raw = json.dumps({"series": [], "left_out": ["a"], "wrong": ["b"], "schema": 1}).encode()
        answers = itertools.chain([None, None], itertools.repeat(raw))
        monkeypatch.setattr(Place, "read", lambda _, name: next(answers))
        assert read_result(place, wait=8.0) == SharedResult((), ("a",), ("b",))
        assert clock == [5.0, 3.0]

    @pytest.mark.parametrize("raw", [b"{half", b"[]", b'{"series": []}', b'{"series": [{"run_ids": []}]}'])
    def test_another_versions_result_is_refused(self, place: Place, raw: bytes) -> None:
        place.fs.pipe_file(f"{place.root}/result/result.json", raw)
        with pytest.raises(HarnessError) as error:
            read_result(place)
        assert error.value.what.startswith(f"{place.address}/result/result.json cannot be read: ")
        assert error.value.hint == "judge the run again with this version"


def test_an_unreadable_run_is_awaited_further(place: Place, tmp_path: Path, clock: list[float]) -> None:
    hand_over(place, tmp_path, "one", shard="1/2")
    place.fs.pipe_file(f"{place.root}/two/run.json", b"{half")
    lines: list[str] = []
    assert not shared_run.await_shards(place, None, 1.0, lines.append)
    assert lines == ["1 of 2 shards are there"]


def test_the_shards_of_two_targets_are_added_up(place: Place, tmp_path: Path, clock: list[float]) -> None:
    for target, of in (("acme", 1), ("basic", 2)):
        for n in range(of):
            hand_over(place, tmp_path, f"{target}-{n}", target=target, shard=f"{n + 1}/{of}")
    lines: list[str] = []
    assert shared_run.await_shards(place, None, 0.0, lines.append)
    assert lines == ["3 of 3 shards are there"]


def test_a_single_run_is_its_own_place(place: Place, tmp_path: Path, clock: list[float]) -> None:
    """The address of one run: its `run.json` lies at the root."""
    hand_over(place, tmp_path, "one")
    assert shared_run.await_shards(Place.at(f"{place.address}/one"), None, 0.0)


def test_progress_is_printed_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    shared_run.print_progress("1 of 2")
    assert capsys.readouterr() == ("", "1 of 2\n")
