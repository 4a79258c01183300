"""The specs, recorded and judged again: what passes, fails, breaks and is skipped, and what Allure gets to see of it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from e2e.selftest.plugin.conftest import ROOT, Ended, Suite
from reports.prepared import prepared

FAILING = {
    "test_every_new_chat_stores_its_own_session",
    "test_every_new_chat_sends_its_own_session",
    "test_the_sent_id_equals_the_stored_id",
}


def texts(result: dict[str, Any]) -> str:
    return json.dumps(result, ensure_ascii=False)


def test_a_healthy_chat_passes(healthy: Ended) -> None:
    assert healthy.code == 0, healthy.output
    skipped = {name for name, r in healthy.results.items() if r["status"] == "skipped"}
    # Nobody asked for a walk; a dozen sessions say nothing about the order in which providers come.
    assert skipped <= {
        "test_random_user_actions_break_no_session",
        "test_the_provider_of_a_session_is_independent",
    }
    assert healthy.statuses == {"passed": 29 - len(skipped), "skipped": len(skipped)}


def test_the_historical_fault_fails_what_it_should(stale: Ended) -> None:
    assert stale.code == 1, stale.output
    assert {name for name, r in stale.results.items() if r["status"] == "failed"} == FAILING
    assert stale.statuses["broken"] == 0


def test_a_recorded_session_prepares_its_report(stale: Ended) -> None:
    found = prepared(stale.out)
    assert found is not None
    assert found.summary.outcome == "fail"
    assert {"summary.md", "charts/lanes-strip.png", "allure-results/run-globals.json"} <= set(found.files)


def test_a_failure_reads_as_it_should(stale: Ended) -> None:
    message = stale.results["test_every_new_chat_sends_its_own_session"]["statusDetails"]["message"]
    assert "rotation.sent_id_is_fresh: 9 of 9 new chats kept sending an old session ID" in message
    for part in (
        "expected",
        "actual",
        "cause     stale-state (frontend state)",
        "src/lib/session.ts:",
        "hint",
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


def test_every_scenario_was_played(healthy: Ended) -> None:
    meta = json.loads((healthy.folder / "run.json").read_text())
    assert meta["scenarios"] == dict.fromkeys(meta["scenarios"], 2)
    assert len(meta["scenarios"]) == 9
    assert meta["left_out"] == {}


def test_a_failure_is_looked_into(stale: Ended) -> None:
    chats = [json.loads(line) for line in (stale.folder / "chats.jsonl").read_text().splitlines()]
    made = {c["experiment"] for c in chats if c["scenario"] == "experiment"}
    assert made == {"new-context", "user-agent", "frozen-clock", "reload", "cache-off", "slow-network"}
    meta = json.loads((stale.folder / "run.json").read_text())
    assert "second account" in meta["left_out"]["user"]
    message = stale.results["test_every_new_chat_sends_its_own_session"]["statusDetails"]["message"]
    assert "stale-state" in message


def test_a_way_of_the_random_test_is_replayed(suite: Suite) -> None:
    for fault, status in (("stale-state", "failed"), ("none", "passed")):
        again = suite("--chats", "1", "--fault", fault, "--replay", "new send", "-k", "random_user_actions")
        result = again.results["test_random_user_actions_break_no_session"]
        assert result["status"] == status, again.output


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_random_test_finds_a_short_way_that_can_be_replayed(suite: Suite) -> None:
    """Several ways are equally short: New Chat, then anything that sends."""
    ended = suite(
        "--chats", "1", "--fault", "stale-state", "--walk", "120", "--experiments", "off",
        "-k", "random_user_actions",
    )  # fmt: skip
    result = ended.results["test_random_user_actions_break_no_session"]
    assert result["status"] == "failed", ended.output
    way = re.search(r'--replay "([^"]+)"', result["statusDetails"]["message"])
    assert way is not None
    assert len(way[1].split()) <= 4
    again = suite("--chats", "1", "--fault", "stale-state", "--replay", way[1], "-k", "random_user_actions")
    assert again.results["test_random_user_actions_break_no_session"]["status"] == "failed", again.output


def test_a_run_ends_when_everything_is_decided(suite: Suite) -> None:
    ended = suite("--until-decided", "--max-chats", "90")
    assert ended.code == 0, ended.output
    meta = json.loads((ended.folder / "run.json").read_text())
    assert meta["planned_chats"] + meta["saved_chats"] == 90
    assert meta["saved_chats"] >= 20
    assert meta["problems"] == []


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
        "Path of the Playwright trace",
    } <= attached
    assert not any("trace" in a["type"] for r in stale.results.values() for a in r.get("attachments", []))


def test_the_first_title_with_a_cause_has_code_location_and_hint(stale: Ended) -> None:
    first = stale.results["test_every_new_chat_stores_its_own_session"]["name"]
    assert first.startswith("Every new chat stores its own session: stale-state (frontend state) at src/")
    assert ". Hint: " in first
    second = stale.results["test_every_new_chat_sends_its_own_session"]["name"]
    assert second == "Every new chat sends its own session: stale-state"


def test_fixtures_of_plugins_are_no_steps_of_the_report(stale: Ended) -> None:
    containers = [json.loads(p.read_text()) for p in (stale.out / "allure-results").glob("*-container.json")]
    names = {one["name"] for container in containers for one in container["befores"]}
    assert names == {
        "The chat under test",
        "The run: recorded now, or read from evidence",
        "The random test over user actions",
    }


def test_one_trace_of_a_failing_lane_is_kept(stale: Ended, healthy: Ended) -> None:
    """Every lane fails here; which one does so first is a matter of luck."""
    (kept,) = (p.name for p in stale.folder.glob("*.zip"))
    assert re.fullmatch(r"trace-lane-\d\.zip", kept)
    assert json.loads((stale.folder / "run.json").read_text())["trace"] == kept
    assert list(healthy.folder.glob("*.zip")) == []


def test_the_trace_enters_the_report_when_ids_may_be_shown(suite: Suite) -> None:
    ended = suite(
        "--chats", "4", "--lanes", "1", "--fault", "stale-state", "--show-ids", "--experiments", "off"
    )
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
    ("fault", "fields"), [("backend-down", "answered 500"), ("rate-limited", "answered 429")]
)
def test_a_backend_that_refuses_is_broken_not_failed(
    suite: Suite, tmp_path: Path, fault: str, fields: str
) -> None:
    impatient = tmp_path / "impatient.toml"  # a profile that waits out no refusal
    reference = (ROOT / "fixtures" / "targets" / "reference.toml").read_text(encoding="utf-8")
    impatient.write_text(reference + "\n[limits]\nretry_after = 0.001\n", encoding="utf-8")
    ended = suite("--target", str(impatient), "--chats", "4", "--lanes", "2", "--fault", fault)
    assert ended.code == 1
    assert set(ended.of_run) == {"broken"}
    assert fields in texts(ended.results["test_a_chat_round_trip_works"])


def test_variables_stand_for_options(suite: Suite) -> None:
    ended = suite("--experiments", "off", CHAT_E2E_CHATS="3", CHAT_E2E_LANES="1", CHAT_E2E_ID_PATTERN="fixed")
    meta = json.loads((ended.folder / "run.json").read_text())
    assert (meta["planned_chats"], meta["lanes"], meta["environment"]["id-pattern"]) == (3, 1, "fixed")
    assert ended.code == 1
