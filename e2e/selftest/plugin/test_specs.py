"""The specs, recorded and judged again: what passes, fails, breaks and is skipped, and what Allure gets to see of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from e2e.selftest.plugin.conftest import Ended, Suite

FAILING = {
    "test_every_new_chat_stores_its_own_session",
    "test_every_new_chat_sends_its_own_session",
    "test_what_is_sent_is_what_is_stored",
}


def texts(result: dict[str, Any]) -> str:
    return json.dumps(result, ensure_ascii=False)


def test_a_healthy_chat_passes(healthy: Ended) -> None:
    assert healthy.code == 0, healthy.output
    assert healthy.statuses == {"passed": 15}


def test_the_historical_fault_fails_what_it_should(stale: Ended) -> None:
    assert stale.code == 1, stale.output
    assert {name for name, r in stale.results.items() if r["status"] == "failed"} == FAILING
    assert stale.statuses["broken"] == 0


def test_a_failure_reads_as_it_should(stale: Ended) -> None:
    message = stale.results["test_every_new_chat_sends_its_own_session"]["statusDetails"]["message"]
    assert "rotation.sent_id_is_fresh: 9 of 9 new chats went on with an old session ID" in message
    for part in (
        "expected",
        "actual",
        "cause     stale-state (frontend state)",
        "src/lib/session.ts:",
        "advice",
        "evidence",
    ):
        assert part in message


def test_a_rotation_check_has_one_step_per_chat(healthy: Ended, stale: Ended) -> None:
    steps = healthy.results["test_every_new_chat_sends_its_own_session"]["steps"]
    assert len(steps) == 9
    assert all(s["name"].startswith("chat ") and " -> " in s["name"] for s in steps)
    assert {s["status"] for s in stale.results["test_every_new_chat_sends_its_own_session"]["steps"]} == {
        "failed"
    }


def test_results_mirror_the_questions(healthy: Ended) -> None:
    labels = {
        (label["name"], label["value"])
        for label in healthy.results["test_new_sessions_reach_several_providers"]["labels"]
    }
    assert ("epic", "Do the sessions spread over the providers?") in labels
    assert ("feature", "Providers") in labels
    assert ("story", "Providers vary") in labels


def test_failures_carry_what_people_look_at(stale: Ended) -> None:
    attached = {a["name"] for a in stale.results["test_every_new_chat_sends_its_own_session"]["attachments"]}
    assert {
        "Observations",
        "Code evidence",
        "Cause: stale-state",
        "Where the Playwright trace is",
    } <= attached
    assert not any("trace" in a["type"] for r in stale.results.values() for a in r.get("attachments", []))


def test_one_trace_of_the_first_failing_lane_is_kept(stale: Ended, healthy: Ended) -> None:
    assert [p.name for p in stale.folder.glob("*.zip")] == ["trace-lane-0.zip"]
    assert json.loads((stale.folder / "run.json").read_text())["trace"] == "trace-lane-0.zip"
    assert list(healthy.folder.glob("*.zip")) == []


def test_the_trace_enters_the_report_when_ids_may_be_shown(suite: Suite) -> None:
    ended = suite("--chats", "4", "--lanes", "1", "--fault", "stale-state", "--show-ids")
    kinds = {a["type"] for r in ended.results.values() for a in r.get("attachments", [])}
    assert "application/vnd.allure.playwright-trace" in kinds


def test_recorded_runs_are_judged_again_without_a_browser(suite: Suite, stale: Ended) -> None:
    again = suite("--from-evidence", str(stale.folder), CHROME_PATH="/nowhere/no-browser")
    assert again.code == 1, again.output
    assert {name for name, r in again.results.items() if r["status"] == "failed"} == FAILING


def test_recorded_runs_are_pooled(suite: Suite, healthy: Ended, stale: Ended) -> None:
    pooled = suite("--from-evidence", str(healthy.out), "--from-evidence", str(stale.folder))
    message = pooled.results["test_every_new_chat_sends_its_own_session"]["statusDetails"]["message"]
    assert "9 of 18 new chats" in message


def test_too_few_chats_are_inconclusive_and_skipped(suite: Suite) -> None:
    ended = suite("--chats", "2", "--lanes", "2")
    assert ended.code == 0, ended.output
    skipped = ended.results["test_every_new_chat_sends_its_own_session"]
    assert skipped["status"] == "skipped"
    assert "inconclusive" in skipped["statusDetails"]["message"]


def test_strict_evidence_fails_what_is_inconclusive(suite: Suite, healthy: Ended, tmp_path: Path) -> None:
    thin = tmp_path / "thin"
    shutil.copytree(healthy.folder, thin)
    (thin / "chats.jsonl").write_text(
        "".join((thin / "chats.jsonl").read_text().splitlines(keepends=True)[:1])
    )
    ended = suite("--from-evidence", str(thin), "--strict-evidence")
    assert ended.code == 1
    assert ended.results["test_every_new_chat_sends_its_own_session"]["status"] == "failed"


@pytest.mark.parametrize(
    ("fault", "said"), [("backend-down", "answered 500"), ("rate-limited", "answered 429")]
)
def test_a_backend_that_refuses_is_broken_not_failed(suite: Suite, fault: str, said: str) -> None:
    ended = suite("--chats", "4", "--lanes", "2", "--fault", fault)
    assert ended.code == 1
    assert set(ended.statuses) == {"broken"}
    assert said in texts(ended.results["test_a_chat_can_be_had"])


def test_variables_stand_for_options(suite: Suite) -> None:
    ended = suite(CHAT_E2E_CHATS="3", CHAT_E2E_LANES="1", CHAT_E2E_ID_PATTERN="fixed")
    meta = json.loads((ended.folder / "run.json").read_text())
    assert (meta["planned_chats"], meta["lanes"], meta["environment"]["id-pattern"]) == (3, 1, "fixed")
    assert ended.code == 1
