"""Several browsers of one session: judged each by itself, compared, reported together."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from e2e.errors import HarnessError
from e2e.records.records import RunRecords
from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.report_samples import write_result, write_run, write_session
from reports.allure import build as allure_build
from reports.allure.config import AllureRun
from reports.browsers.page import comparison_table, session_note, session_page, table_of
from reports.browsers.session import JudgedBrowser, JudgedSession, judge_session
from reports.build import build
from reports.history.store import Store
from reports.summary.aggregate import judge_folders
from reports.summary.schema import ProblemResult
from reports.summary.verdict import executive_summary, headline

GONE = {
    "kind": "HarnessError",
    "what": "webkit is not installed on this machine",
    "where": "",
    "way_out": "`playwright install webkit`",
}


def in_browser(name: str, *faults: str, run_id: str, **facts: str) -> RunRecords:
    records = make_run(*faults, chats=8, lanes=2, run_id=run_id)
    return with_meta(records, environment={"browser": f"{name} 150.0", **facts})


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Chromium passes, Firefox fails, WebKit is missing."""
    out = tmp_path_factory.mktemp("out")
    folders = [
        write_run(out, in_browser("chromium", run_id="2026-11-01T000000Z-0001")),
        write_run(out, in_browser("firefox", "stale-state", run_id="2026-11-01T000100Z-0002")),
    ]
    write_session(out, folders, exit_code=1)
    raw = json.loads((out / "session.json").read_text(encoding="utf-8"))
    raw["environments"] = [
        {"label": "chromium", "evidence": [str(folders[0])], "problem": None},
        {"label": "firefox", "evidence": [str(folders[1])], "problem": None},
        {"label": "webkit", "evidence": [], "problem": GONE},
    ]
    (out / "session.json").write_text(json.dumps(raw), encoding="utf-8")
    write_result(out)
    return out


@pytest.fixture(scope="module")
def session(out: Path) -> JudgedSession:
    return judge_session(out)


def test_each_browser_is_judged_by_its_own_chats(session: JudgedSession) -> None:
    summary = session.summary
    assert [(b.browser, b.outcome, b.chats.planned) for b in summary.browsers] == [
        ("chromium", "pass", 8),
        ("firefox", "fail", 8),
        ("webkit", "broken", 0),
    ]
    assert (summary.outcome, summary.chats.planned, len(summary.run_ids)) == ("fail", 16, 2)


def test_a_summary_has_the_worst_verdict_of_each_check(session: JudgedSession) -> None:
    checks = {c.name: c for c in session.summary.checks}
    sent = checks["rotation.sent_id_is_fresh"]
    assert (sent.verdict, sent.cause) == ("fail", "stale-state")
    assert sent.message.startswith("firefox: ")
    assert checks["provider.persists"].verdict == "pass"
    assert not checks["reply.is_live"].message.startswith("chromium")  # they agree


def test_differences_with_a_failure_come_first(session: JudgedSession) -> None:
    rows = session.summary.comparison
    kinds = [(row.differs, "fail" in row.verdicts.values()) for row in rows]
    assert kinds == sorted(kinds, reverse=True)
    assert rows[0].verdicts == {"chromium": "pass", "firefox": "fail", "webkit": "broken"}
    assert rows[0].causes == {"firefox": "stale-state"}


def test_a_missing_browser_is_no_difference(session: JudgedSession) -> None:
    same = [row for row in session.summary.comparison if not row.differs]
    assert {row.verdicts["webkit"] for row in same} == {"broken"}


def test_a_cause_names_its_browsers(session: JudgedSession) -> None:
    [cause] = session.summary.causes
    assert (cause.name, cause.browsers) == ("stale-state", ["firefox"])


def test_a_missing_browser_is_a_problem_of_the_session(session: JudgedSession) -> None:
    [problem] = session.summary.problems
    assert problem.what == "webkit: webkit is not installed on this machine"
    assert "fail in firefox; broken in webkit" in " ".join(executive_summary(session.summary))
    assert headline(session.summary).endswith("failed in firefox")


def test_session_without_any_run_is_an_error() -> None:
    session = JudgedSession((JudgedBrowser("firefox", problem=ProblemResult(**GONE, times=1)),))
    with pytest.raises(HarnessError, match="no browser has a run"):
        session.summary  # noqa: B018


def test_the_page_compares_the_browsers(session: JudgedSession, out: Path) -> None:
    page = session_page(session, out)
    assert "| check | chromium | firefox | webkit |\n|---|---|---|---|\n| **rotation." in page
    assert "| **rotation.sent_id_is_fresh** | ✔ pass | ✘ fail: stale-state | ! broken |" in page
    assert "no check pools browsers" in page
    assert "`browsers/firefox/summary.md`" in page
    assert str(out) not in page


def test_the_page_names_the_reason_only_one_browser_decided_nothing(tmp_path: Path) -> None:
    few = with_meta(
        make_run(chats=2, lanes=1, run_id="2026-11-01T000100Z-0002"), environment={"browser": "firefox 150.0"}
    )
    many = in_browser("chromium", run_id="2026-11-01T000000Z-0001")
    write_session(tmp_path, [write_run(tmp_path, many), write_run(tmp_path, few)])
    page = session_page(judge_session(tmp_path), tmp_path)
    reasons = re.findall(r"^- `(.*)` is inconclusive in (\w+): (.*)$", page, re.M)
    assert reasons
    assert {browser for _, browser, _ in reasons} == {"firefox"}
    for check, _, _ in reasons:
        assert re.search(rf"^\| \*\*{check}\*\* \| . (pass|fail).* \| – inconclusive \|$", page, re.M)
    assert page.index("is inconclusive in firefox") < page.index("| check |")


def test_table_of_a_comment_has_differences_and_failures_only(session: JudgedSession) -> None:
    table = comparison_table(session.summary)
    assert table.splitlines()[2] == "| **the run** | ✔ pass | ✘ fail | ! broken |"
    assert "provider.persists" not in table
    assert table in session_note(session)


def test_a_check_that_fails_in_every_browser_is_in_the_table_too(session: JudgedSession) -> None:
    first, second = session.summary.browsers[:2]
    same = [first.model_copy(update={"checks": second.checks, "causes": second.causes}), second]
    failed = {check.name for check in second.checks if check.verdict == "fail"}
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table_of(same).splitlines()[3:]]
    assert failed
    assert set(rows) == failed


def test_devices_and_channels_are_environments_of_their_own(tmp_path: Path) -> None:
    phone = {"device": "iPhone 15"}
    folders = [
        write_run(tmp_path, in_browser("chromium", run_id="2026-11-01T000000Z-0001")),
        write_run(tmp_path, in_browser("chromium", run_id="2026-11-01T000100Z-0002", **phone)),
    ]
    write_session(tmp_path, folders)
    found = judge_session(tmp_path).browsers
    assert [one.label for one in found] == ["chromium", "chromium (iPhone 15)"]
    assert [one.folder for one in found] == ["browsers/chromium", "browsers/chromium-iPhone-15"]


def test_runs_of_different_browsers_are_not_judged_together(out: Path) -> None:
    with pytest.raises(HarnessError, match="different browsers are not judged together: chromium, firefox"):
        judge_folders(sorted((out / "evidence").iterdir()))


def test_one_report_has_all_browsers(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[AllureRun] = []

    def generate(results: Path, report: Path, run: AllureRun) -> Path:
        found.append(run)
        return report / "index.html"

    monkeypatch.setattr(allure_build, "build_allure", generate)
    built = build(out)
    [run] = found
    assert [e.name for e in run.environments] == [
        "reference, chromium",
        "reference, firefox",
        "reference, webkit",
    ]
    assert run.environments[2].facts["problem"] == "webkit is not installed on this machine"
    assert run.verdict.startswith("Failed: stale-state")
    assert built.summary.outcome == "fail"
    globals_ = json.loads((out / "allure-results" / "run-globals.json").read_text(encoding="utf-8"))
    titles = [a["name"] for a in globals_["attachments"]]
    assert titles[0] == "Summary: all browsers"
    assert {"Summary: chromium", "Observations: firefox", "Interactive charts: firefox"} <= set(titles)
    assert len({a["source"] for a in globals_["attachments"]}) == len(titles)
    for name in ("summary.md", "summary.json", "charts/charts.html", "charts/lanes-strip.svg"):
        assert (out / "browsers" / "firefox" / name).is_file()
    history = Store(out / "history").read().entries
    assert [(e.browser, e.outcome) for e in history] == [("chromium", "pass"), ("firefox", "fail")]
    figures = json.loads((out / "allure-results" / "run-perf.json").read_text(encoding="utf-8"))
    worst = next(f["value"] for f in figures if f["key"] == "reuse_bound")
    assert worst == max(e.figures["reuse_bound"] for e in history)
