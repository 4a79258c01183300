"""Which runs are reported: those of the last session, or the newest when the session was killed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from e2e.errors import HarnessError
from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.report_samples import write_run, write_session
from reports.summary.aggregate import judge_folders, judge_last, write_summary

OLD, NEW = "2026-11-22T0215Z-2f9c", "2026-11-23T0215Z-77aa"


def small(run_id: str = OLD, *faults: str, **fields: Any) -> Any:
    return make_run(*faults, chats=8, lanes=2, run_id=run_id, **fields)


def test_the_runs_of_the_last_session_are_judged(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, small()), write_run(tmp_path, small(NEW, seed=8))]
    write_session(tmp_path, folders)
    judged = judge_last(tmp_path)
    assert judged.summary.run_ids == [OLD, NEW]
    assert judged.session_ended


def test_a_session_may_have_read_evidence_from_elsewhere(tmp_path: Path) -> None:
    """``--from-evidence``: the newest run below ``out`` is not what was judged."""
    out = tmp_path / "out"
    write_run(out, small(NEW))
    elsewhere = write_run(tmp_path / "nightly", small(OLD, "stale-state"))
    past = (out / "evidence" / NEW).stat().st_mtime - 60
    os.utime(out / "evidence" / NEW, (past, past))
    write_session(out, [elsewhere])
    assert judge_last(out).summary.run_ids == [OLD]


def test_the_run_of_a_killed_session_is_judged_not_that_of_the_session_before(tmp_path: Path) -> None:
    before = write_run(tmp_path, small())
    write_session(tmp_path, [before], age=60)
    write_run(tmp_path, with_meta(small(NEW), finished=None))
    judged = judge_last(tmp_path)
    assert judged.summary.run_ids == [NEW]
    assert judged.summary.partial
    assert not judged.session_ended


@pytest.mark.parametrize(("code", "ended"), [(0, True), (1, True), (2, False)])
def test_an_interrupted_session_did_not_end(tmp_path: Path, code: int, ended: bool) -> None:
    write_session(tmp_path, [write_run(tmp_path, small())], exit_code=code)
    assert judge_last(tmp_path).session_ended is ended


def test_evidence_alone_is_enough(tmp_path: Path) -> None:
    write_run(tmp_path, small())
    write_run(tmp_path, small(NEW))
    judged = judge_last(tmp_path)
    assert judged.summary.run_ids == [NEW]
    assert not judged.session_ended


def test_the_sessions_budget_is_used(tmp_path: Path) -> None:
    folder = write_run(tmp_path, small())
    write_session(tmp_path, [folder], alarms_per_year=12.0)
    assert judge_last(tmp_path).run.alarms_per_year == 12.0


def test_an_empty_folder_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no recorded run") as error:
        judge_last(tmp_path)
    assert "make e2e" in error.value.hint


@pytest.mark.parametrize("text", ["{", "[]", '{"evidence": 3, "alarms_per_year": 1}', "{}"])
def test_a_damaged_word_of_the_session_is_named(tmp_path: Path, text: str) -> None:
    write_run(tmp_path, small())
    (tmp_path / "session.json").write_text(text)
    with pytest.raises(HarnessError, match=r"session\.json cannot be read") as error:
        judge_last(tmp_path)
    assert "remove the file" in error.value.hint


def test_evidence_that_was_removed_is_named(tmp_path: Path) -> None:
    write_session(tmp_path, [tmp_path / "evidence" / OLD])
    with pytest.raises(HarnessError, match="holds no recorded run"):
        judge_last(tmp_path)


def test_runs_that_do_not_go_together_are_refused_in_words(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, small()), write_run(tmp_path, with_meta(small(NEW), target="acme"))]
    with pytest.raises(HarnessError, match="runs of different targets"):
        judge_folders(folders)


def test_the_summary_names_no_path_of_this_machine(tmp_path: Path) -> None:
    out = tmp_path / "out"
    inside = write_run(out, small())
    outside = write_run(tmp_path / "nightly", small(NEW, seed=8))
    write_summary(judge_folders([inside, outside]), out)
    text = (out / "summary.md").read_text(encoding="utf-8") + (out / "summary.json").read_text(
        encoding="utf-8"
    )
    assert str(tmp_path) not in text
    assert f"`evidence/{OLD}`" in text
    assert f"`evidence/{NEW}`" in text
