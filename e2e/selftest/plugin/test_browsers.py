"""Several browsers in one session: each is judged by itself, and Allure gets one test in several environments."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from e2e.selftest.plugin.conftest import Ended, Suite
from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.report_samples import write_run


@pytest.fixture(scope="module")
def two(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Recorded runs of two browsers, of which one has a fault."""
    recorded = tmp_path_factory.mktemp("recorded")
    healthy = make_run(chats=8, lanes=2, run_id="2026-11-01T000000Z-0001")
    wrong = make_run("stale-state", chats=8, lanes=2, run_id="2026-11-01T000100Z-0002")
    write_run(recorded, with_meta(healthy, environment={"browser": "chromium 150.0"}))
    write_run(recorded, with_meta(wrong, environment={"browser": "firefox 153.0"}))
    return suite("--from-evidence", str(recorded), f"--junit-xml={recorded}/junit.xml")


def results(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(p.read_text("utf-8")) for p in (ended.out / "allure-results").glob("*-result.json")]


def browser_of(result: dict[str, Any]) -> str:
    return str(next(label["value"] for label in result["labels"] if label["name"] == "browser"))


def test_each_browser_is_judged_by_itself(two: Ended) -> None:
    assert two.code == 1, two.output
    failed = Counter(browser_of(r) for r in results(two) if r["status"] == "failed")
    assert set(failed) == {"firefox"}
    assert len({browser_of(r) for r in results(two)}) == 2


def test_one_test_has_the_same_history_in_every_browser(two: Ended) -> None:
    """Else Allure shows two tests, not one in two environments."""
    by_test: dict[str, list[dict[str, Any]]] = {}
    for result in results(two):
        by_test.setdefault(result["fullName"], []).append(result)
    assert {len(found) for found in by_test.values()} == {2}
    assert {len({r["historyId"] for r in found}) for found in by_test.values()} == {1}


def test_summary_compares_the_browsers(two: Ended) -> None:
    summary = json.loads((two.out / "summary.json").read_text(encoding="utf-8"))
    assert [(b["browser"], b["outcome"]) for b in summary["browsers"]] == [
        ("chromium", "pass"),
        ("firefox", "fail"),
    ]
    assert summary["comparison"][0]["verdicts"] == {"chromium": "pass", "firefox": "fail"}
    assert (two.out / "browsers" / "firefox" / "charts" / "lanes-strip.svg").is_file()


def test_a_session_of_one_browser_removes_what_several_left(two: Ended, suite: Suite, tmp_path: Path) -> None:
    write_run(tmp_path / "recorded", make_run(chats=4, lanes=2))
    ended = suite("--from-evidence", str(tmp_path / "recorded"), out=two.out)
    assert ended.code == 0, ended.output
    assert not (two.out / "browsers").exists()
    assert json.loads((two.out / "summary.json").read_text(encoding="utf-8"))["browsers"] == []
    assert "[" not in Path(next(iter(ended.results))).name  # a test of one browser keeps its name


def test_junit_shows_verdict_cause_and_code_location(
    two: Ended, tmp_path_factory: pytest.TempPathFactory
) -> None:
    [path] = tmp_path_factory.getbasetemp().glob("recorded[0-9]/junit.xml")
    cases = {
        case.attrib["name"]: {p.attrib["name"]: p.attrib["value"] for p in case.iter("property")}
        | {"case": case}
        for case in ET.parse(path).iter("testcase")
    }
    wrong: Any = cases["test_every_new_chat_sends_its_own_session[firefox]"]
    assert (wrong["verdict"], wrong["cause"], wrong["browser"]) == ("fail", "stale-state", "firefox")
    assert wrong["layer"] == "frontend state"
    assert "src/lib/session.ts:" in wrong["code location"]
    assert "kept sending an old session ID" in wrong["case"].find("failure").attrib["message"]
    right = cases["test_every_new_chat_sends_its_own_session[chromium]"]
    assert (right["verdict"], right["check"]) == ("pass", "rotation.sent_id_is_fresh")
    thin: Any = cases["test_a_reload_keeps_the_session[chromium]"]
    assert thin["verdict"] == "inconclusive"
    assert thin["reason"]
    assert thin["needs"]
    assert thin["case"].find("skipped").attrib["message"].startswith("inconclusive: ")
