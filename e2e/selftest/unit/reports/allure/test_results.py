"""Completion of Allure's results: the summary always, and a result for the whole run when results are missing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from e2e.analysis.model.run import assemble
from e2e.records.records import Problem, RunRecords
from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.report_samples import write_result, write_run, write_session
from reports.allure.config import environments
from reports.allure.results import complete_results
from reports.charts.charts import chart_set
from reports.summary.aggregate import judge_last

WHOLE = "run-result.json"


def complete(out: Path, records: RunRecords, *, ended: bool = True) -> Path:
    """Completes the results of one recorded run, with or without the session's last word. Returns their folder."""
    folder = write_run(out, records)
    if ended:
        write_session(out, [folder])
    judged = judge_last(out)
    complete_results(judged, out / "allure-results", chart_set(judged.run, out))
    return out / "allure-results"


def whole(results: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((results / WHOLE).read_text(encoding="utf-8"))
    return found


def globals_of(results: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((results / "run-globals.json").read_text(encoding="utf-8"))
    return found


def small(*faults: str, **fields: Any) -> RunRecords:
    return make_run(*faults, chats=8, lanes=2, **fields)


def killed(*faults: str) -> RunRecords:
    return with_meta(small(*faults), finished=None, planned_chats=40)


def test_the_summary_is_a_global_attachment(tmp_path: Path) -> None:
    write_result(tmp_path)
    results = complete(tmp_path, small("stale-state"))
    attached = {a["name"]: a for a in globals_of(results)["attachments"]}
    assert {"Summary", "Observations"} <= set(attached)
    text = (results / attached["Summary"]["source"]).read_text(encoding="utf-8")
    assert text.startswith("# Reference chat: stale-state")
    assert attached["Summary"]["type"] == "text/markdown"


def test_complete_results_get_no_result_of_the_whole_run(tmp_path: Path) -> None:
    write_result(tmp_path)
    assert not (complete(tmp_path, small()) / WHOLE).exists()


def test_a_killed_run_has_a_broken_result_marked_partial(tmp_path: Path) -> None:
    result = whole(complete(tmp_path, killed("stale-state"), ended=False))
    assert result["status"] == "broken"
    assert result["name"] == "Partial run: 8 of 40 chats observed"
    assert result["statusDetails"]["message"].startswith("partial run: the run did not finish")
    assert "stale-state" in result["statusDetails"]["message"]
    assert {"name": "tag", "value": "stale-state"} in result["labels"]


def test_the_result_has_observations_and_a_step_for_each_check(tmp_path: Path) -> None:
    results = complete(tmp_path, killed("stale-state"), ended=False)
    result = whole(results)
    attached = {a["name"]: a["source"] for a in result["attachments"]}
    assert {"Summary", "Observations", "Sessions and providers of each lane"} <= set(attached)
    assert all((results / source).is_file() for source in attached.values())
    steps = {s["name"].split(":")[0]: s["status"] for s in result["steps"]}
    assert steps["rotation.sent_id_is_fresh"] == "failed"
    assert steps["chat.starts_empty"] == "passed"
    assert result["start"] < result["stop"]


def test_a_session_killed_between_checks_is_reported(tmp_path: Path) -> None:
    """The run is complete and one test has a result: the others are missing, not passed."""
    write_result(tmp_path)
    result = whole(complete(tmp_path, small(), ended=False))
    assert result["status"] == "broken"
    assert "ended after the results of 1 check" in result["statusDetails"]["message"]


def test_an_interrupted_session_is_reported_beside_its_skipped_check(tmp_path: Path) -> None:
    """Ctrl-C: pytest leaves one skipped result without a message, and its own exit code."""
    write_result(tmp_path)
    records = with_meta(small(), interrupted="Ctrl-C", planned_chats=40)
    write_session(tmp_path, [write_run(tmp_path, records)], exit_code=2)
    complete_results(judge_last(tmp_path), tmp_path / "allure-results")
    result = whole(tmp_path / "allure-results")
    assert result["status"] == "broken"
    assert "interrupted: Ctrl-C" in result["statusDetails"]["message"]


@pytest.mark.parametrize(("faults", "status"), [((), "passed"), (("stale-state",), "failed")])
def test_evidence_alone_has_one_result_with_its_outcome(
    tmp_path: Path, faults: tuple[str, ...], status: str
) -> None:
    result = whole(complete(tmp_path, small(*faults), ended=False))
    assert result["status"] == status
    assert result["description"].startswith("The run ")
    assert result["name"] == "Recorded run: 8 of 8 chats observed"
    assert "partial" not in result["statusDetails"]["message"]


def test_completing_twice_changes_nothing(tmp_path: Path) -> None:
    def content(results: Path) -> dict[str, str]:
        return {
            p.name: re.sub(r'"timestamp": \d+', "", p.read_text(encoding="utf-8")) for p in results.iterdir()
        }

    results = complete(tmp_path, killed(), ended=False)
    first = content(results)
    judged = judge_last(tmp_path)
    complete_results(judged, results, chart_set(judged.run, tmp_path))
    assert content(results) == first


def test_the_result_of_the_whole_run_is_removed_once_results_exist(tmp_path: Path) -> None:
    results = complete(tmp_path, killed(), ended=False)
    assert (results / WHOLE).exists()
    write_result(tmp_path)
    folder = next((tmp_path / "evidence").iterdir())
    write_session(tmp_path, [folder])
    complete_results(judge_last(tmp_path), results)
    assert not (results / WHOLE).exists()


def test_problems_are_global_errors_with_their_hint(tmp_path: Path) -> None:
    write_result(tmp_path)
    problem = Problem("Blocked", "the chat answered 429", "lane 2", "wait an hour")
    errors = globals_of(complete(tmp_path, with_meta(small(), problems=(problem, problem))))["errors"]
    assert [e["message"] for e in errors] == ["Blocked: the chat answered 429 (2 times)"]
    assert errors[0]["trace"] == "lane 2\nwait an hour"


@pytest.mark.parametrize("masked", [True, False])
def test_the_report_has_the_path_of_a_trace_that_it_must_not_contain(tmp_path: Path, masked: bool) -> None:
    write_result(tmp_path)
    records = with_meta(small("stale-state"), trace="trace-lane-0.zip", masked=masked)
    results = complete(tmp_path, records)
    titles = [a["name"] for a in globals_of(results)["attachments"]]
    assert ("Path of the Playwright trace" in titles) is masked
    assert not list(results.glob("*.zip"))


def test_attachments_contain_no_path_of_this_machine(tmp_path: Path) -> None:
    results = complete(tmp_path, killed("stale-state"), ended=False)
    for path in results.iterdir():
        assert str(tmp_path) not in path.read_text(encoding="utf-8"), path.name


def test_the_environment_names_the_target_without_empty_facts() -> None:
    facts = {"browser": "chromium 1", "commit": ""}
    one = with_meta(small(), environment=facts)
    two = with_meta(small(run_id="another", seed=8), environment=facts)
    expected = {"target": "reference", "url": "http://127.0.0.1:8765/", "browser": "chromium 1"}
    assert [e.facts for e in environments(assemble([one]))] == [expected]
    assert [e.facts for e in environments(assemble([one, two]))] == [expected | {"runs": "2"}]
