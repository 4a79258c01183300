"""A report that the test session prepared: the same as one from the evidence, and never used for anything else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from e2e.records.evidence import EVENTS
from e2e.selftest.unit.builders import make_run
from e2e.selftest.unit.report_samples import write_result, write_run, write_session
from reports import prepared as preparation
from reports.allure import build as allure_build
from reports.allure.config import AllureRun
from reports.build import build
from reports.composition import Composition
from reports.history.entry import entry_of
from reports.history.store import Store
from reports.prepared import PREPARED, fingerprint, prepare, prepared
from reports.summary import aggregate
from reports.summary.aggregate import Judged, judge_last


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A run with a fault, judged by a session that ended; its output folder is the grandparent of the evidence."""
    out = tmp_path_factory.mktemp("out")
    write_session(out, [write_run(out, make_run("stale-state", chats=8, lanes=2))])
    write_result(out)
    return judge_last(out)


@pytest.fixture
def out(judged: Judged) -> Path:
    """The output folder, without what an earlier test left there."""
    folder = judged.folders[0].parents[1]
    for left in (PREPARED, "history"):
        path = folder / left
        if path.is_dir():
            for file in path.iterdir():
                file.unlink()
            path.rmdir()
        path.unlink(missing_ok=True)
    return folder


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[AllureRun]:
    """Replaces Allure's own build; has the configuration of each."""
    found: list[AllureRun] = []

    def generate(results: Path, report: Path, run: AllureRun) -> Path:
        found.append(run)
        return report / "index.html"

    monkeypatch.setattr(allure_build, "build_allure", generate)
    return found


def judging_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("the run was judged again")

    monkeypatch.setattr(aggregate, "judge_folders", refuse)


def content(out: Path) -> dict[str, bytes]:
    """Everything below the folder but the times at which a report was written."""
    files = (p for p in out.rglob("*") if p.is_file() and p.name != PREPARED)
    return {p.relative_to(out).as_posix(): re.sub(rb'"timestamp": \d+', b"", p.read_bytes()) for p in files}


def earlier_run(judged: Judged, out: Path) -> None:
    """The history has a run before this one, in which nothing failed."""
    entry = entry_of(judged)
    checks = dict.fromkeys(entry.checks, "pass")
    before = replace(entry, run_id="earlier", began=entry.began - 86_400, outcome="pass", checks=checks)
    Store(out / "history").add(before)


def test_report_is_the_same_with_and_without_the_prepared_file(
    judged: Judged, out: Path, runs: list[AllureRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier_run(judged, out)
    from_evidence = build(out)
    written = content(out)
    Store(out / "history").forget(from_evidence.entry.run_id)
    for name in written:
        if not name.startswith(("evidence", "history", "session", "allure-results/one")):
            (out / name).unlink()
    assert prepare(judged, out, out / "history") == out / PREPARED
    judging_is_an_error(monkeypatch)
    from_prepared = build(out)
    assert content(out) == written
    assert "By the run history:" in (out / "summary.md").read_text(encoding="utf-8")
    assert [line for line in from_prepared.alarms if "last run without it" in line]
    assert from_prepared == from_evidence
    assert runs[0] == runs[1]


@pytest.fixture
def ready(judged: Judged, out: Path) -> Path:
    """The output folder with a prepared report, whose composition is left out."""
    composition = {"fingerprint": fingerprint(out, judged.folders, judged.run.alarms_per_year)}
    (out / PREPARED).write_text(json.dumps(composition), encoding="utf-8")
    return out


class TestStale:
    """Each test changes one thing that the prepared report depends on."""

    @pytest.fixture(autouse=True)
    def _accepted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Composition, "from_json", lambda _: "the prepared report")

    def test_prepared_report_is_taken_when_nothing_has_changed(self, ready: Path) -> None:
        assert prepared(ready) == "the prepared report"  # type: ignore[comparison-overlap]

    def test_other_evidence_of_the_same_size(self, judged: Judged, ready: Path) -> None:
        path = judged.folders[0] / EVENTS
        original = path.read_bytes()
        path.write_bytes(original.replace(b"chat", b"chut", 1))
        try:
            assert prepared(ready) is None
        finally:
            path.write_bytes(original)

    @pytest.mark.parametrize("changed", [{"alarms_per_year": 1.0}, {"exit_code": 2}], ids=str)
    def test_another_session(self, judged: Judged, ready: Path, changed: dict[str, float]) -> None:
        write_session(ready, judged.folders, **changed)  # type: ignore[arg-type]
        try:
            assert prepared(ready) is None
        finally:
            write_session(ready, judged.folders)

    def test_results_of_tests_are_missing(self, ready: Path) -> None:
        (ready / "allure-results" / "one-result.json").unlink()
        try:
            assert prepared(ready) is None
        finally:
            write_result(ready)

    def test_other_code(self, ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        module = tmp_path / "reports" / "charts" / "charts.py"
        module.parent.mkdir(parents=True)
        module.write_text("BAR = 1", encoding="utf-8")
        monkeypatch.setattr(preparation, "_SUITE", tmp_path)
        assert prepared(ready) is None

    def test_another_output_folder(self, judged: Judged, ready: Path) -> None:
        here = fingerprint(ready, judged.folders, 0.02)
        assert fingerprint(ready.parent, judged.folders, 0.02) != here

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"fingerprint": 5}'])
    def test_unreadable_file(self, ready: Path, text: str) -> None:
        (ready / PREPARED).write_text(text, encoding="utf-8")
        assert prepared(ready) is None


def test_prepared_report_of_another_history_is_composed_again(
    judged: Judged, out: Path, runs: list[AllureRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prepare(judged, out, out / "history") is not None
    earlier_run(judged, out)
    judged_again: list[object] = []

    def judge(*arguments: object) -> Judged:
        judged_again.append(arguments)
        return judged

    monkeypatch.setattr(aggregate, "judge_folders", judge)
    built = build(out)
    assert len(judged_again) == 1
    assert any("last run without it" in line for line in built.alarms)


def test_nothing_is_prepared_where_results_are_missing(judged: Judged, out: Path) -> None:
    (out / PREPARED).write_text("of an earlier run", encoding="utf-8")
    assert prepare(replace(judged, session_ended=False), out, out / "history") is None
    assert not (out / PREPARED).exists()


def test_history_of_a_prepared_report_is_in_the_order_of_time_and_ends_at_the_limit(
    judged: Judged, out: Path
) -> None:
    """A run may be judged after a later one was."""
    entry = entry_of(judged)
    for name, days in (("before", -1), ("after", 1)):
        Store(out / "history").add(replace(entry, run_id=name, began=entry.began + days * 86_400))
    found = preparation._with_entry(out / "history", entry)
    assert [one.run_id for one in found] == ["before", entry.run_id, "after"]
    assert preparation._with_entry(out / "history", entry, keep=2) == found[1:]
