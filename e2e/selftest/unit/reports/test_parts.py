"""The parts of the summary: no layer is accused of another one's fault, and a chat is told in the order of time."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.causes.registry import definitions
from e2e.analysis.judge import CHECKS, judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import UNEXPLAINED, ChatKey
from e2e.records.records import Event
from e2e.selftest.unit.analysis.checks.test_scenarios import chat, message, run_with
from e2e.selftest.unit.builders import (
    START,
    code_map,
    judge_run,
    make_run,
    with_chats,
    with_messages,
    with_meta,
)
from e2e.selftest.unit.report_samples import drawn_nights
from reports import interactive
from reports.charts.flow import SCREEN, SENT, failing_chat, flow_of
from reports.summary.backend_state import backend_now, four_tests, id_patterns
from reports.summary.layers import LAYERS, Standing, standings
from reports.summary.page import again, summary_page
from reports.summary.summary import summarise


def layers(run: Run) -> dict[str, Standing]:
    return {one.layer.name: one for one in standings(judge(run))}


def page(run: Run) -> str:
    return summary_page(run, judge(run), summarise(run, judge(run)), ["evidence/one"])


def test_every_check_and_every_causes_layer_belongs_to_one_layer() -> None:
    named = [check for layer in LAYERS for check in layer.checks]
    assert sorted(named) == sorted(c.name for c in CHECKS)
    homes = [home for layer in LAYERS for home in layer.causes]
    assert len(homes) == len(set(homes))
    assert set(homes) == {cause.layer for name, cause in definitions().items() if name != UNEXPLAINED}


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
    assert [c.name for c in judge(run).causes] == [UNEXPLAINED]
    assert layers(run)["conversation and delivery"].status == "suspected"


def test_a_failure_that_nothing_explains_is_suspected_also_beside_one_that_is_explained() -> None:
    judgement = judge(judge_run("session-not-ended"))
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
    assert sent.said.startswith("message 0 was sent with no ID, while the store held ")


def _storage(t: float, **data: Any) -> Event:
    fields = {"store": "localStorage", "op": "set", "key": "k", "stack": [], "by": "page"} | data
    return Event(make_run().meta.run_id, 9000, t, 0, 1, "storage", fields)


def test_the_flow_shows_writes_of_the_sessions_own_key_only() -> None:
    """Another key's write tells nothing of the session, and a page that begins removes nothing."""
    records = make_run()
    [chat] = [c for c in records.chats if (c.lane, c.chat) == (0, 1)]
    other = _storage(chat.began + 0.01, key="theme")
    start = _storage(
        chat.began + 0.02, op="start", by="page-start", session=None, previous=None, same_value=True
    )
    known = flow_of(assemble([records]), ChatKey(chat.run_id, 0, 1))
    flow = flow_of(
        assemble([replace(records, events=(*records.events, other, start))]), ChatKey(chat.run_id, 0, 1)
    )
    assert known is not None
    assert flow is not None
    [more] = [p for p in flow.points if p not in known.points]
    assert more.said == "the page was loaded, and the store held nothing"
    assert not more.odd


def test_a_message_of_an_older_chat_with_a_newer_ones_id_is_marked() -> None:
    """session-unbound: the chat before is not the only one whose ID is wrong here."""
    chats = (
        chat("return-to-chat", 10, [("", "s…old1", "s…old1")]),
        chat("plain", 11, [("", "s…new2", "s…new2")], began=START + 120, ended=START + 121),
    )
    late = message(1, ("return", "s…new2", "s…new2"), START + 130)
    first = replace(chats[1], messages=(message(0, ("", "s…new2", "s…new2"), START + 120.1),))
    flow = flow_of(
        run_with(replace(chats[0], messages=(*chats[0].messages, late)), first),
        ChatKey(chats[0].run_id, 0, 10),
    )
    assert flow is not None
    assert [p.said for p in flow.points if p.odd] == ["message 1 was sent with …new2, the ID of chat 11"]


@pytest.mark.parametrize(
    ("named", "backend", "odd"), [(None, None, False), (None, "Tin drum", True), ("Big hat", None, False)]
)
def test_a_label_is_wrong_only_beside_another_name(named: str | None, backend: str | None, odd: bool) -> None:
    records = with_messages(
        make_run(), label_provider="Big hat", reply_provider=named, backend_provider=backend
    )
    run = assemble([records])
    flow = flow_of(run, ChatKey(records.meta.run_id, 0, 1))
    assert flow is not None
    assert {p.odd for p in flow.points if p.layer == SCREEN} == {odd}


def test_the_row_of_this_chat_counts_the_same_chats_in_all_columns() -> None:
    """Sessions of reloads and scenarios are not among the chats whose IDs are counted: their providers are not either."""
    more = tuple(chat("reload", 30 + n, [("", f"s…{n}", f"s…{n}")]) for n in range(6))
    more = tuple(
        replace(c, messages=tuple(replace(m, reply_provider=f"other {n}") for m in c.messages))
        for n, c in enumerate(more)
    )
    row = id_patterns(run_with(*more))[0]
    assert (row.ids, row.unique) == (4, 4)
    assert row.providers <= 4


@pytest.mark.parametrize(
    ("invocation", "target", "command"),
    [
        ({}, "reference", "make e2e"),
        ({"TRANSPORT": "json"}, "reference", "make e2e TRANSPORT=json"),
        ({}, "acme", "make e2e TARGET=acme"),
        (
            {"TARGET": "/srv/my chats/acme.toml", "BASE_URL": "https://a.example/x?a=1&b=2"},
            "acme",
            "make e2e TARGET='/srv/my chats/acme.toml' BASE_URL='https://a.example/x?a=1&b=2'",
        ),
        (
            {"TARGET": "/srv/tim's/acme.toml", "BASE_URL": "https://a.example"},
            "acme",
            """.venv/bin/python -m pytest e2e/specs --target '/srv/tim'"'"'s/acme.toml' --base-url https://a.example""",
        ),
    ],
)
def test_the_verify_command_can_be_pasted(invocation: dict[str, str], target: str, command: str) -> None:
    meta = replace(make_run().meta, invocation=invocation, target=target)
    assert again(meta) == command
    assert command in page(
        assemble([with_meta(make_run("stale-state"), invocation=invocation, target=target)])
    )


def test_a_cause_without_code_has_no_heading_for_it() -> None:
    bare = {key: replace(place, context=()) for key, place in code_map().items()}
    assert "Code evidence" in page(judge_run("stale-state"))
    assert "Code evidence" not in page(assemble([with_meta(make_run("stale-state"), code=bare)]))


def test_a_restored_session_names_the_removal_and_the_restoring_write_once_each() -> None:
    [cause] = judge(judge_run("session-restored")).causes
    assert cause.explanation == (
        "New Chat removed the key at src/lib/session.ts:97, and the same ID was written back at src/lib/persist.ts:15"
    )
    assert cause.code[0].source == "src/lib/persist.ts"
    assert any(place.function == "endSession" for place in cause.code)


def test_a_librarys_place_stands_behind_the_pages_own() -> None:
    code = {k: replace(p, library_like="persist" in p.source) for k, p in code_map().items()}
    [cause] = judge(assemble([with_meta(make_run("session-restored"), code=code)])).causes
    assert not cause.code[0].library_like


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
