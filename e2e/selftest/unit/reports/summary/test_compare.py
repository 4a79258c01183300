"""Before and after a change: which verdicts changed, whether rates did beyond luck, and one comment that says it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from e2e.analysis.judge import judge
from e2e.cli import main as cli
from e2e.selftest.unit.builders import judge_run, make_run
from e2e.selftest.unit.report_samples import write_run
from reports.charts.figures import FIGURES
from reports.summary.aggregate import Judged
from reports.summary.compare import Comparison, comment, compare
from reports.summary.summary import summarise


def judged(*faults: str, **fields: Any) -> Judged:
    run = judge_run(*faults, **fields)
    return Judged(run, judge(run), summarise(run, judge(run)), ())


def found(base: Judged, head: Judged) -> tuple[Comparison, dict[str, str]]:
    comparison = compare(base, head)
    return comparison, {row.name: row.change for row in comparison.rows}


def test_a_new_fault_is_a_regression_with_its_rates_and_an_exact_p() -> None:
    comparison, changes = found(judged(), judged("stale-state", seed=9))
    assert changes["rotation.sent_id_is_fresh"] == "regressed"
    row = next(r for r in comparison.rows if r.name == "rotation.sent_id_is_fresh")
    assert row.rates == ("0 of 16", "16 of 16")
    assert row.p == pytest.approx(stats.fisher_exact([[0, 16], [16, 0]]).pvalue)  # type: ignore[arg-type]
    text = comment(comparison, link="https://ci.example.org/1")
    assert text.splitlines()[0].startswith("### Chat sessions: ✘")
    assert "src/lib/session.ts:97 endSession" in text
    assert "[Report](https://ci.example.org/1)" in text


def test_the_fix_is_reported_as_one() -> None:
    comparison, changes = found(judged("stale-state"), judged(seed=9))
    assert {"fixed"} <= set(changes.values())
    assert "regressed" not in changes.values()
    assert "✔ no regression" in comment(comparison)


def test_a_failure_with_too_little_evidence_now_is_not_called_fixed() -> None:
    _, changes = found(judged("stale-state"), judged(chats=1, lanes=1))
    assert changes["rotation.sent_id_is_fresh"] == "inconclusive now"


def test_the_same_fault_still_fails_and_is_no_regression() -> None:
    _, changes = found(judged("stale-state"), judged("stale-state", seed=9))
    assert changes["rotation.sent_id_is_fresh"] == "still failing"
    assert "regressed" not in changes.values()


def test_two_healthy_runs_differ_in_nothing() -> None:
    _, changes = found(judged(seed=3, chats=40), judged(seed=4, chats=40))
    assert set(changes.values()) <= {"same", "newly judged", "inconclusive now"}


def test_a_pass_that_has_too_little_evidence_now_was_judged() -> None:
    comparison, changes = found(judged(), judged(chats=1, lanes=1))
    assert changes["rotation.sent_id_is_fresh"] == "inconclusive now"
    assert "inconclusive now" in comparison.text
    assert comparison.providers_p is not None
    assert comparison.providers_p > 0.001
    assert "no significant difference" in comment(comparison)


def test_another_spread_is_reported_with_its_p() -> None:
    comparison, _ = found(judged(chats=60), judged("provider-pinned", chats=60))
    assert comparison.providers_p is not None
    assert comparison.providers_p < 0.001
    assert "the distribution changed" in comment(comparison)


def test_tables_and_paragraphs_stand_apart() -> None:
    text = comment(found(judged(), judged("stale-state", seed=9))[0])
    lines = text.splitlines()
    for before, line in itertools.pairwise(lines):
        if line.startswith("|") and not before.startswith("|"):
            assert before == ""
        if before.startswith("|") and not line.startswith("|"):
            assert line == ""


def test_the_command_says_no_when_something_regressed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = write_run(tmp_path / "base", make_run())
    head = write_run(tmp_path / "head", make_run("stale-state", run_id="later", seed=9))
    out = tmp_path / "comment" / "compare.md"
    assert cli.main(["compare", str(base), str(head), "--markdown", str(out)]) == 1
    assert out.read_text(encoding="utf-8").strip() == capsys.readouterr().out.strip()
    assert cli.main(["compare", str(head), str(base)]) == 0


def test_a_folder_without_a_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = write_run(tmp_path / "base", make_run())
    assert cli.main(["compare", str(base), str(tmp_path / "nothing")]) == 2
    assert "error: " in capsys.readouterr().err


def test_runs_of_several_folders_are_pooled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for n in (1, 2):
        write_run(tmp_path / "head", make_run(run_id=f"run-{n}", seed=n))
    base = write_run(tmp_path / "base", make_run())
    assert cli.main(["compare", str(base), str(tmp_path / "head")]) == 0
    planned = make_run().meta.planned_chats
    assert f"| chats | {planned} of {planned} | {2 * planned} of {2 * planned} |" in capsys.readouterr().out


def test_a_figure_that_neither_run_has_is_left_out() -> None:
    chatless = judged(chats=1, lanes=1)
    comparison, _ = found(chatless, chatless)
    assert 0 < len(comparison.figures) < len(FIGURES)
    assert all(before is not None for _, before, _ in comparison.figures)
