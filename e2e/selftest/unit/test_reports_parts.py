"""The parts of the summary: no layer is accused of another one's fault, and a chat is told in the order of time."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from e2e.analysis.catalogue import CHECKS
from e2e.analysis.causes import TEXTS
from e2e.analysis.frames import Run, assemble
from e2e.analysis.verdict import UNEXPLAINED, ChatKey
from e2e.selftest.unit.builders import judge_run, make_run, with_chats, with_meta
from e2e.selftest.unit.report_samples import drawn_nights
from reports import interactive
from reports.backend import backend_now, four_tests, id_patterns
from reports.flow import SENT, failing_chat, flow_of
from reports.layers import LAYERS, Standing, standings
from reports.page import summary_page
from reports.summary import summarise


def layers(run: Run) -> dict[str, Standing]:
    return {one.layer.name: one for one in standings(run.judgement)}


def page(run: Run) -> str:
    return summary_page(run, run.judgement, summarise(run, run.judgement), ["evidence/one"])


def test_every_check_and_every_causes_layer_belongs_to_one_layer() -> None:
    named = [check for layer in LAYERS for check in layer.checks]
    assert sorted(named) == sorted(c.name for c in CHECKS)
    homes = [home for layer in LAYERS for home in layer.causes]
    assert len(homes) == len(set(homes))
    assert set(homes) == {text.layer for name, text in TEXTS.items() if name != UNEXPLAINED}


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        ("stale-state", "session in the frontend's state"),
        ("session-not-ended", "session store"),
        ("provider-pinned", "backend"),
        ("label-stale", "screen"),
    ],
)
def test_the_layer_of_the_cause_does_not_work_and_no_other_is_accused(fault: str, broken: str) -> None:
    found = layers(judge_run(fault))
    assert [name for name, one in found.items() if one.status == "does not work"] == [broken]
    assert found[broken].because.startswith(f"{fault}: ")
    assert "suspected" not in {one.status for one in found.values()}


def test_in_a_healthy_run_every_layer_that_was_judged_works() -> None:
    found = layers(judge_run())
    assert {one.status for one in found.values()} <= {"works", "not judged"}
    assert found["backend"].status == "works"


def test_what_no_cause_explains_is_suspected() -> None:
    records = make_run()
    odd = with_chats(records, lambda c: replace(c, screen_messages=2) if c.chat else c)
    run = assemble([odd])
    assert [c.name for c in run.judgement.causes] == [UNEXPLAINED]
    assert layers(run)["conversation and delivery"].status == "suspected"


def test_a_failure_that_nothing_explains_is_suspected_also_beside_one_that_is_explained() -> None:
    judgement = judge_run("session-not-ended").judgement
    assert judgement.verdict("rotation.sent_id_is_fresh").outcome == "fail"
    nobody = replace(judgement.causes[0], name=UNEXPLAINED)
    odd = replace(judgement.verdict("rotation.one_id_per_chat"), outcome="fail", causes=(nobody,))
    verdicts = tuple(odd if v.name == odd.name else v for v in judgement.verdicts)
    found = {one.layer.name: one for one in standings(replace(judgement, verdicts=verdicts))}
    assert found["session store"].status == "does not work"
    assert found["session in the frontend's state"].status == "suspected"


def test_the_evidence_of_nights_does_not_begin_anew_where_the_table_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nights = drawn_nights(random.Random(1), pinned_from=21)
    whole = interactive._history(judge_run(), nights)
    monkeypatch.setattr(interactive, "_MOST_NIGHTS", 5)
    last = interactive._history(judge_run(), nights)
    assert whole is not None
    assert last is not None
    assert len(whole["rows"]) == 30
    assert last["rows"] == whole["rows"][-5:]
    assert last["data"]["nights"] == whole["data"]["nights"][-5:]


def test_lanes_have_their_names_in_the_table() -> None:
    found = interactive._lanes(judge_run(lanes=4))
    assert found is not None
    assert {row[0] for row in found["rows"]} == {f"lane {n}" for n in range(4)} == set(found["data"]["lanes"])


def test_a_chats_flow_is_in_the_order_of_time_and_marks_the_old_id() -> None:
    run = judge_run("stale-state")
    key = failing_chat(run)
    assert key is not None
    flow = flow_of(run, key)
    assert flow is not None
    assert [p.seconds for p in flow.points] == sorted(p.seconds for p in flow.points)
    odd = [p for p in flow.points if p.odd]
    assert {p.layer for p in odd} == {SENT}
    assert "the ID of the chat before" in odd[0].said


def test_a_message_without_an_id_is_marked_in_the_flow() -> None:
    records = with_chats(
        make_run(),
        lambda c: replace(c, messages=tuple(replace(m, sent=None) for m in c.messages)) if c.chat else c,
    )
    run = assemble([records])
    key = failing_chat(run)
    assert key is not None
    flow = flow_of(run, key)
    assert flow is not None
    (sent,) = [p for p in flow.points if p.layer == SENT and "was sent" in p.said]
    assert sent.odd
    assert sent.said.startswith("message 1 was sent with no ID, while the store held ")


def test_a_chat_that_is_not_known_has_no_flow() -> None:
    assert flow_of(judge_run(), ChatKey("none", 0, 0)) is None
    assert failing_chat(judge_run()) is None


def test_the_four_tests_say_status_result_and_evidence() -> None:
    tests = four_tests(judge_run())
    assert len(tests) == 4
    assert all(t.question.endswith("?") and t.result for t in tests)
    pinned = four_tests(judge_run("provider-pinned"))
    assert pinned[0].verdict == "fail"
    assert "sessions" in pinned[0].evidence


def test_the_frontends_own_pattern_leads_the_table() -> None:
    own, *asked = id_patterns(judge_run("stale-state"))
    assert own.name.startswith("this chat: ")
    assert own.unique < own.ids
    assert own.verdict == "old ones were sent"  # these records do not tell how IDs were made
    assert all(p.verdict == "good" for p in asked if p.unique == p.ids)
    several, *_ = id_patterns(judge_run("over-rotation", messages=2))
    assert (several.ids, several.unique) == (20, 20)  # of chats: never more IDs than chats
    records = make_run(messages=2)
    records = with_meta(records, policy=replace(records.meta.policy, rotation="on_first_reply"))
    given = with_chats(
        records, lambda c: replace(c, messages=(replace(c.messages[0], sent=None), *c.messages[1:]))
    )
    late, *_ = id_patterns(assemble([given]))
    assert (late.ids, late.unique) == (20, 20)
    without = with_chats(
        make_run(),
        lambda c: replace(c, messages=tuple(replace(m, sent=None) for m in c.messages)) if c.chat else c,
    )
    assert id_patterns(assemble([without]))[0].verdict.endswith("chats were sent without one")


def test_without_a_backend_its_state_is_not_known_and_that_is_said() -> None:
    run = judge_run(backend=False)
    now = backend_now(run)
    assert now.counts == {}
    assert now.said.startswith("Not known: ")
    assert now.said in page(run)


def test_a_healthy_page_recommends_nothing_and_tells_no_flow() -> None:
    text = page(judge_run())
    for heading in ("## Root cause", "## Recommendations", "## Session flow", "## Experiments"):
        assert heading not in text
    assert "no action is needed" in text


def test_a_failed_page_has_all_parts_of_an_investigation_in_order() -> None:
    text = page(judge_run("stale-state"))
    parts = ("Executive summary", "Root cause: stale-state", "Session flow", "Four tests of the backend",
             "Session-ID patterns", "State of the backend now", "Recommendations", "Conclusion", "All checks")  # fmt: skip
    places = [text.index(f"## {part}") for part in parts]
    assert places == sorted(places)
    for said in (
        "**immediately:**",
        "**change needed:**",
        "**verify:**",
        "priority **critical**",
        "Impact: ",
    ):
        assert said in text


def test_a_broken_run_says_nothing_about_a_release() -> None:
    records = make_run(chats=8, lanes=2)
    text = page(assemble([with_meta(records, finished=None, planned_chats=20)]))
    assert "Nothing can be said about a release" in text
