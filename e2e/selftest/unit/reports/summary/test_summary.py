"""summary.json keeps its contract, and no headline says more than the checks do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.records.records import Problem
from e2e.selftest.unit.builders import judge_run, make_run, with_chats, with_meta
from reports.summary.page import headline
from reports.summary.schema import SCHEMA_FILE, Summary, as_json, schema_text
from reports.summary.summary import summarise
from reports.summary.verdict import _shown, executive_summary


def summary_of(*faults: str, **fields: Any) -> Summary:
    run = judge_run(*faults, **fields)
    return summarise(run, judge(run))


def test_the_schema_file_is_in_step_with_the_model() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), (
        "write it anew: python -c 'from reports.summary.schema import *; SCHEMA_FILE.write_text(schema_text())'"
    )


def test_the_documented_keys_are_all_there() -> None:
    raw = json.loads(as_json(summary_of("stale-state")))
    top = {"schema", "run_ids", "target", "outcome", "chats", "checks", "causes", "providers", "session_ids"}
    assert top <= set(raw)
    assert raw["schema"] == 1
    assert {"name", "verdict", "cause", "numbers", "message"} <= set(raw["checks"][0])
    assert {"name", "layer", "chats", "confidence", "where", "explanation", "advice"} <= set(raw["causes"][0])
    assert set(raw["session_ids"]) == {"distinct_stored", "distinct_sent", "pattern", "supported_bits"}


@pytest.mark.parametrize("faults", [(), ("stale-state",), ("provider-pinned",), ("provider-flaps",)])
def test_what_is_written_is_valid_and_plain_json(faults: tuple[str, ...]) -> None:
    text = as_json(summary_of(*faults))
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    Summary.model_validate_json(text)


def test_a_summary_with_an_unknown_key_is_not_valid() -> None:
    raw = json.loads(as_json(summary_of()))
    with pytest.raises(ValidationError, match="surprise"):
        Summary.model_validate(raw | {"surprise": 1})


def test_a_healthy_run_passes_and_has_no_cause() -> None:
    summary = summary_of()
    assert summary.outcome == "pass"
    assert summary.causes == []
    assert summary.chats.model_dump() == {"planned": 20, "observed": 20, "blocked": 0, "lost": 0, "saved": 0}
    assert sum(summary.providers.values()) == 20


def test_failed_checks_have_their_cause() -> None:
    summary = summary_of("stale-state")
    failed = {c.name: c.cause for c in summary.checks if c.verdict == "fail"}
    assert failed == {
        "rotation.stored_id_is_fresh": "stale-state",
        "rotation.sent_id_is_fresh": "stale-state",
        "rotation.sent_equals_stored": "stale-state",
    }
    assert summary.causes[0].where[0] == "src/lib/session.ts:97 endSession"


def test_providers_are_counted_per_observed_chat() -> None:
    records = make_run("provider-pinned", chats=6, lanes=2)
    first = records.chats[0]

    def lose(chat: Any) -> Any:
        same = (chat.lane, chat.chat) == (first.lane, first.chat)
        return replace(chat, status="lost", reason="the page crashed") if same else chat

    run = assemble([with_chats(records, lose)])
    summary = summarise(run, judge(run))
    assert summary.providers == {"Big hat": 5}
    assert summary.chats.lost == 1


def test_chats_that_never_began_are_lost_and_the_run_is_partial() -> None:
    run = assemble([with_meta(make_run(chats=8, lanes=2), planned_chats=20, finished=None)])
    summary = summarise(run, judge(run))
    assert summary.chats.lost == 12
    assert summary.partial
    assert any("did not finish" in reason for reason in summary.partial_reasons)


def test_equal_mergedare_merged_with_a_count() -> None:
    problems = tuple(Problem("Blocked", "the chat answered 429", f"lane {n}", "wait") for n in range(3))
    run = assemble([with_meta(make_run(chats=4, lanes=2), problems=problems)])
    merged = summarise(run, judge(run)).problems
    assert [(p.kind, p.times, p.where) for p in merged] == [("Blocked", 3, "lane 0")]


def test_the_headline_of_a_failure_names_the_causes() -> None:
    assert headline(summary_of("stale-state")) == "stale-state: 3 of 25 checks failed"


def test_the_headline_of_a_failure_leaves_out_causes_that_are_accepted() -> None:
    summary = summary_of("stale-state")
    (cause,) = summary.causes
    known = cause.model_copy(update={"name": "known-one", "accepted_until": "2026-12-31"})
    checks = [
        c.model_copy(update={"verdict": "fail", "accepted": "known-one"}) if c.verdict == "pass" else c
        for c in summary.checks
    ]
    both = summary.model_copy(update={"checks": checks, "causes": [known, cause]})
    assert headline(both) == "stale-state: 3 of 25 checks failed"


def test_the_headline_of_a_healthy_run_states_what_passed() -> None:
    line = headline(summary_of())
    assert line.startswith("every new chat used a session ID of its own")
    assert "spread over the providers as expected" in line


def test_a_run_without_any_provider_states_that_provider_faults_cannot_be_seen() -> None:
    blind = summary_of().model_copy(update={"providers": {}})
    assert "provider faults cannot be seen" in headline(blind)
    assert "Provider faults cannot be seen" in " ".join(executive_summary(blind))
    assert "cannot be seen" not in headline(summary_of()) + " ".join(executive_summary(summary_of()))


def test_the_headline_claims_no_rotation_where_none_was_judged() -> None:
    one = summary_of(chats=1, lanes=1)
    assert one.outcome == "pass"  # what could be judged was sound
    line = headline(one)
    assert "every new chat" not in line
    assert "providers" not in line
    assert "checks inconclusive" in line


def test_the_headline_claims_no_expected_shares_where_they_were_not_judged() -> None:
    summary = summary_of()
    checks = [
        c.model_copy(update={"verdict": "inconclusive"}) if c.name == "provider.balanced" else c
        for c in summary.checks
    ]
    line = headline(summary.model_copy(update={"checks": checks}))
    assert "several providers" in line
    assert "as expected" not in line


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        ((), "no check that could be judged failed"),
        (("smoke", "provider.balanced"), "no check that could be judged failed"),
        (("rotation.sent_id_is_fresh",), "every new chat used a session ID of its own"),
        (("provider.varies",), "the sessions reach several providers"),
        (("provider.varies", "provider.balanced"), "the sessions spread over the providers as expected"),
        (
            ("rotation.sent_id_is_fresh", "provider.varies"),
            "every new chat used a session ID of its own, and the sessions reach several providers",
        ),
    ],
)
def test_only_what_passed_is_claimed(passed: tuple[str, ...], text: str) -> None:
    other = dict.fromkeys(
        ("rotation.sent_id_is_fresh", "provider.varies", "provider.balanced"), "inconclusive"
    )
    assert _shown(other | dict.fromkeys(passed, "pass")) == text
    assert _shown(dict.fromkeys(passed, "pass")) == text
