"""The Allure report of a few results: content, verdict, gate, history, and errors when it cannot be built."""

from __future__ import annotations

import base64
import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.errors import HarnessError
from e2e.setup.allure import allure_command
from e2e.setup.places import REPO
from reports.allure import build
from reports.allure.build import build_allure, quality_gate
from reports.allure.config import AllureCause, AllureRun, Environment

ENVIRONMENT = {  # as a run tells them
    "target": "reference",
    "url": "http://127.0.0.1:5173/?a=b#c",
    "id-pattern": "timestamp",
    "profile folder": r"C:\chats\new",
    "note": "one line\nand another",
}
RUN = AllureRun(
    name="Reference chat, 2026-11-22",
    environments=(Environment("reference", "chromium", ENVIRONMENT),),
    causes=(
        AllureCause("stale-state", "frontend state", "src/lib/session.ts:97 endSession", "move the key"),
    ),
)


def result(name: str, status: str, message: str = "", **more: Any) -> dict[str, Any]:
    """One result as allure-pytest writes it."""
    return {
        "uuid": f"{name}-uuid",
        "historyId": f"{name}-history",
        "fullName": f"e2e.specs.sample#{name}",
        "name": name,
        "status": status,
        "statusDetails": {"message": message} if message else {},
        "stage": "finished",
        "start": 1_790_000_000_000,
        "stop": 1_790_000_000_250,
        "labels": [
            {"name": "epic", "value": "Does every new chat get a session of its own?"},
            {"name": "feature", "value": "Sessions"},
            {"name": "story", "value": f"The story of {name}"},
            {"name": "severity", "value": "critical"},
            {"name": "target", "value": "reference"},
            {"name": "browser", "value": "chromium"},
            *({"name": "tag", "value": cause} for cause in more.pop("causes", ())),
        ],
        **more,
    }


RESULTS = (
    result(
        "fresh",
        "passed",
        steps=[
            {"name": "chat 1, lane 0: nothing -> session_…3f9a", "status": "passed", "start": 1, "stop": 2},
            {"name": "chat 2, lane 0: session_…3f9a -> session_…b1c2", "status": "passed"},
        ],
        attachments=[{"name": "Numbers", "source": "n-attachment.json", "type": "application/json"}],
    ),
    result(
        "reused",
        "failed",
        "rotation.sent_id_is_fresh: 16 of 16 new chats kept sending an old session ID",
        causes=["stale-state"],
    ),
    result("walled", "broken", "e2e.errors.Blocked: a login wall"),
    result("thin", "skipped", "Skipped: inconclusive: 3 chats cannot tell pinned from luck"),
    result("other", "skipped", "Skipped: this target has no backend of its own"),
)
NUMBERS = '{"reused": 0, "transitions": 16}'


def write_results(folder: Path) -> Path:
    """Fill ``folder/allure-results``."""
    results = folder / "allure-results"
    results.mkdir(parents=True)
    for number, content in enumerate(RESULTS):
        (results / f"{number}-result.json").write_text(json.dumps(content), encoding="utf-8")
    (results / "n-attachment.json").write_text(NUMBERS, encoding="utf-8")
    sample = {
        "id": "r",
        "key": "reuse_bound",
        "value": 100,
        "start": 1_790_000_000_000,
        "stop": 1_790_000_000_250,
    }
    (results / "run-perf.json").write_text(json.dumps([sample]), encoding="utf-8")
    return results


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a built report."""
    folder = tmp_path_factory.mktemp("allure")
    index = build_allure(write_results(folder), folder / "allure-report", RUN)
    assert index == folder / "allure-report" / "index.html"
    return index.parent


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_results(tmp_path)


def data_of(page: Path) -> dict[str, bytes]:
    """What a page of Allure carries inside itself, by file name."""
    inside = re.findall(r'd\("([^"]+)","([^"]*)"\)', page.read_text(encoding="utf-8"))
    return {name: base64.b64decode(content) for name, content in inside}


def read(report: Path, name: str) -> Any:
    return json.loads(data_of(report / "awesome" / "index.html")[name])


def results_in(report: Path) -> dict[str, Any]:
    data = data_of(report / "awesome" / "index.html")
    tests = [json.loads(text) for name, text in data.items() if name.startswith("data/test-results/")]
    return {test["name"]: test for test in tests}


def links_of(page: Path) -> list[str]:
    """All that a page loads or leads to, but for what it holds itself."""
    html = page.read_text(encoding="utf-8")
    named = re.findall(r'<(?:a|script|link|img|iframe)\b[^>]*?\b(?:href|src)="?([^">\s]+)', html)
    named += re.findall(r'http-equiv="refresh" content="[^"]*url=([^"]+)"', html)
    return [link for link in named if not link.startswith("data:")]


def fake_allure(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Put a Python program in the place of Allure's command line."""
    monkeypatch.setattr(build, "allure_command", lambda: [sys.executable, "-c", code])


def test_names_and_statuses_arrive(report: Path) -> None:
    statuses = {name: test["status"] for name, test in results_in(report).items()}
    assert statuses == {
        "fresh": "passed",
        "reused": "failed",
        "walled": "broken",
        "thin": "skipped",
        "other": "skipped",
    }


def test_steps_and_attachments_arrive(report: Path) -> None:
    test = results_in(report)["fresh"]
    assert [step["name"] for step in test["steps"] if step["type"] == "step"] == [
        "chat 1, lane 0: nothing -> session_…3f9a",
        "chat 2, lane 0: session_…3f9a -> session_…b1c2",
    ]
    (attached,) = test["attachments"]
    link = attached["link"]
    assert link["name"] == "Numbers"
    kept = data_of(report / "awesome" / "index.html")[f"data/attachments/{link['id']}{link['ext']}"]
    assert kept.decode() == NUMBERS


def test_each_kind_of_bad_news_has_its_category(report: Path) -> None:
    by_test = {
        name: [c["name"].partition(":")[0] for c in t["categories"]] for name, t in results_in(report).items()
    }
    assert by_test == {
        "fresh": [],
        "reused": ["Cause"],
        "walled": ["Harness"],
        "thin": ["Inconclusive"],
        "other": [],  # a check that does not apply to the target is not thin evidence
    }


def test_checks_are_grouped_by_question(report: Path) -> None:
    groups = {group["name"] for group in read(report, "widgets/tree.json")["groupsById"].values()}
    assert {"Does every new chat get a session of its own?", "Sessions", "The story of fresh"} <= groups


def test_labels_assign_results_to_environments(report: Path) -> None:
    assert {test["environment"] for test in results_in(report).values()} == {RUN.environments[0].name}
    assert read(report, f"widgets/{RUN.environments[0].id}/variables.json") == ENVIRONMENT


def test_the_category_of_a_cause_has_layer_code_location_and_hint(report: Path) -> None:
    (category,) = results_in(report)["reused"]["categories"]
    assert (
        category["name"]
        == "Cause: stale-state (frontend state) at src/lib/session.ts:97 endSession. Hint: move the key"
    )


def test_a_failure_without_a_cause_has_the_product_category(tmp_path: Path) -> None:
    results = write_results(tmp_path)
    report = build_allure(results, tmp_path / "report", replace(RUN, causes=())).parent
    (category,) = results_in(report)["reused"]["categories"]
    assert category["name"] == "Product: the chat is wrong"


def test_the_gate_lists_figures_beyond_their_limit(tmp_path: Path) -> None:
    results = write_results(tmp_path)
    passed, reasons = quality_gate(results, replace(RUN, gates={"reuse_bound": 30}))
    assert not passed
    text = "\n".join(reasons)
    assert "Reuse of session IDs" in text
    assert "100 %" in text
    assert "failed tests 2" in text


def test_the_gate_compares_with_the_previous_run(tmp_path: Path) -> None:
    results, history = write_results(tmp_path), tmp_path / "allure.jsonl"
    for path in results.glob("*-result.json"):
        if path.name != "0-result.json":
            path.unlink()

    def latency(ms: float) -> None:
        sample = {
            "id": "l",
            "key": "chat_latency_p95",
            "value": ms,
            "start": 1_790_000_000_000,
            "stop": 1_790_000_000_250,
        }
        (results / "run-perf.json").write_text(json.dumps([sample]), encoding="utf-8")

    gated = replace(RUN, history=history, gates={"chat_latency_p95": 300})
    latency(100)
    build_allure(results, tmp_path / "report", replace(gated, name="first run"))
    latency(390)
    assert quality_gate(results, replace(gated, name="second run")) == (True, [])
    latency(410)
    second = replace(gated, name="second run")
    build_allure(results, tmp_path / "report", second)  # its own point is in the history now
    kept = history.read_text(encoding="utf-8")
    passed, reasons = quality_gate(results, second)
    assert not passed
    assert "95th percentile" in "\n".join(reasons)
    assert history.read_text(encoding="utf-8") == kept


def test_the_gate_opens_when_nothing_stands_against_it(tmp_path: Path) -> None:
    results = write_results(tmp_path)
    for path in results.glob("*.json"):
        if path.name not in {"0-result.json", "n-attachment.json"}:
            path.unlink()
    assert quality_gate(results, RUN) == (True, [])


def test_the_history_has_one_point_for_each_run_and_shows_what_changed(tmp_path: Path) -> None:
    results, history = write_results(tmp_path), tmp_path / "history" / "allure.jsonl"
    before = replace(RUN, name="first run", history=history)
    for _ in range(2):
        build_allure(results, tmp_path / "report", before)
    assert [json.loads(line)["name"] for line in history.read_text().splitlines()] == ["first run"]
    with history.open("a") as file:
        file.write('{"cut off')
    (results / "1-result.json").write_text(json.dumps(result("reused", "passed", "")), encoding="utf-8")
    index = build_allure(results, tmp_path / "report", replace(before, name="second run"))
    names = [json.loads(line)["name"] for line in history.read_text().splitlines()]
    assert names == ["first run", "second run"]
    assert results_in(index.parent)["reused"]["transition"] == "fixed"


def test_every_chart_of_the_dashboard_has_something_to_say(report: Path) -> None:
    charts = json.loads(data_of(report / "dashboard" / "index.html")["widgets/charts.json"])["general"]
    status = [chart["data"] for chart in charts.values() if chart["type"] == "currentStatus"]
    assert status == [{"total": 5, "passed": 1, "failed": 1, "broken": 1, "skipped": 2}]
    assert all(chart["title"] for chart in charts.values())
    # These compare runs, and a report holds one.
    trends = {"statusDynamics", "statusTransitions", "durationDynamics"}
    assert not trends & {chart["type"] for chart in charts.values()}


def test_what_could_not_be_judged_is_no_problem_of_its_area(report: Path) -> None:
    charts = json.loads(data_of(report / "dashboard" / "index.html")["widgets/charts.json"])["general"]
    (areas,) = [chart["data"] for chart in charts.values() if chart["type"] == "problemsDistribution"]
    assert [(area["x"], round(area["y"], 2)) for area in areas[0]["data"]] == [("Sessions", 0.67)]
    assert "successRateDistribution" not in {chart["type"] for chart in charts.values()}


def test_the_index_leads_to_pages_that_exist(report: Path) -> None:
    links = links_of(report / "index.html")
    assert {"awesome/index.html", "dashboard/index.html"} <= set(links)
    assert [link for link in links if not (report / link).is_file()] == []


@pytest.mark.parametrize("page", ["index.html", "awesome/index.html", "dashboard/index.html"])
def test_a_page_needs_no_server_and_calls_nobody(report: Path, page: str) -> None:
    text = (report / page).read_text(encoding="utf-8")
    assert "googletagmanager" not in text
    assert "gtag(" not in text
    beside = [link for link in links_of(report / page) if not link.endswith((".html", ".ico"))]
    assert beside == [], "a page opened from the file system may not read files beside it"


def test_only_the_report_is_left_behind(report: Path) -> None:
    assert {path.name for path in report.parent.iterdir()} == {"allure-report", "allure-results"}


def test_relative_folders_are_those_of_the_caller(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(results.parent)
    index = build_allure(Path("allure-results"), Path("report"))
    assert index.resolve() == results.parent / "report" / "index.html"
    assert set(results_in(index.parent)) == {"fresh", "reused", "walled", "thin", "other"}


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    results = write_results(tmp_path / "run [1] {a,b} *ö")
    index = build_allure(results, results.parent / "report")
    assert len(results_in(index.parent)) == len(RESULTS)


def test_a_new_report_takes_the_place_of_the_old_one(results: Path) -> None:
    report = results.parent / "report"
    (report / "awesome").mkdir(parents=True)
    (report / "awesome" / "old.txt").write_text("old", encoding="utf-8")
    build_allure(results, report)
    assert not (report / "awesome" / "old.txt").exists()


def test_a_cut_off_result_is_named_in_the_report(results: Path) -> None:
    """A killed session may leave half a file, which Allure passes over in silence."""
    (results / "half-result.json").write_text('{"uuid": "half", "na', encoding="utf-8")
    report = build_allure(results, results.parent / "report").parent
    assert len(results_in(report)) == len(RESULTS)
    assert "half-result.json" in json.dumps(read(report, "widgets/globals.json")["errors"])

    (results / "half-result.json").unlink()
    report = build_allure(results, results.parent / "report").parent
    assert read(report, "widgets/globals.json")["errors"] == []


@pytest.mark.parametrize("content", [None, '{"uuid": "half", "na'], ids=["none", "cut off"])
def test_without_a_readable_result_there_is_no_report(tmp_path: Path, content: str | None) -> None:
    results = tmp_path / "allure-results"
    results.mkdir()
    if content is not None:
        (results / "half-result.json").write_text(content, encoding="utf-8")
    with pytest.raises(HarnessError, match="no test result") as error:
        build_allure(results, tmp_path / "report")
    assert error.value.where == str(results)
    assert not (tmp_path / "report").exists()


def test_a_file_in_place_of_the_results_is_named(tmp_path: Path) -> None:
    (tmp_path / "allure-results").write_text("not a folder", encoding="utf-8")
    with pytest.raises(HarnessError, match="not a folder") as error:
        build_allure(tmp_path / "allure-results", tmp_path / "report")
    assert error.value.where == str(tmp_path / "allure-results")


def test_a_failed_build_shows_allures_output_and_keeps_the_old_report(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = results.parent / "report"
    report.mkdir()
    (report / "index.html").write_text("old", encoding="utf-8")
    lines = "for n in range(99): print('line', n, file=sys.stderr)"
    fake_allure(monkeypatch, f"import sys\n{lines}\nsys.exit(3)")
    with pytest.raises(HarnessError, match="Allure could not build the report") as error:
        build_allure(results, report)
    assert "line 98" in error.value.what
    assert "line 5\n" not in error.value.what
    assert (report / "index.html").read_text(encoding="utf-8") == "old"
    assert {path.name for path in results.parent.iterdir()} == {"allure-results", "report"}


def test_an_error_that_allure_hides_in_its_log_is_shown(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Allure says "check logs" and writes the reason below the home folder."""
    config = tmp_path / "allurerc.mjs"
    config.write_text("export default { categories: [{ name: '' }] };", encoding="utf-8")
    monkeypatch.setattr(build, "CONFIG", config)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(HarnessError, match="must be non-empty") as error:
        build_allure(results, tmp_path / "report")
    assert "    at " not in error.value.what, "stack traces of Allure say nothing to the reader"
    assert not (tmp_path / "home").exists()


def test_a_success_without_pages_is_a_failure(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Allure ends with 0 when one of its plugins fails."""
    fake_allure(monkeypatch, "print('plugin awesome error')")
    with pytest.raises(HarnessError, match="plugin awesome error"):
        build_allure(results, results.parent / "report")


def test_a_hanging_allure_is_ended(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_allure(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(build, "_TIMEOUT_S", 0.5)
    with pytest.raises(HarnessError, match="did not finish within"):
        build_allure(results, results.parent / "report")


def test_allure_is_the_locked_one() -> None:
    locked = json.loads((REPO / "reports" / "package.json").read_text(encoding="utf-8"))
    found = subprocess.run([*allure_command(), "--version"], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == locked["dependencies"]["allure"]


@pytest.fixture
def server(report: Path) -> Iterator[subprocess.Popen[str]]:
    code = f"from pathlib import Path; from reports.allure.build import serve; serve(Path({str(report)!r}))"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_the_report_is_served_until_ctrl_c(server: subprocess.Popen[str]) -> None:
    assert server.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())
    assert found is not None
    with urllib.request.urlopen(found[0] + "awesome/index.html", timeout=10) as answer:
        assert answer.status == 200
    server.send_signal(signal.SIGINT)
    _, errors = server.communicate(timeout=10)
    assert (server.returncode, errors) == (0, "")
