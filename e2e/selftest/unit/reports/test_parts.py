"""The parts of the summary: status of the layers, flow of a chat, backend tables, order of the page."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.analysis.causes.registry import definitions
from e2e.analysis.judge import CHECKS, judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import UNEXPLAINED, ChatKey
from e2e.errors import HarnessError
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
from e2e.selftest.unit.report_samples import example_history
from reports import build
from reports.charts.charts import lanes_strip
from reports.charts.flow import SCREEN, SENT, failing_chat, flow_of
from reports.history import chart as history_chart_module
from reports.history.chart import history_chart
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
def test_only_the_layer_of_the_cause_does_not_work(fault: str, broken: str) -> None:
    found = layers(judge_run(fault))
    assert [name for name, one in found.items() if one.status == "does not work"] == [broken]
    assert found[broken].because.startswith(f"{fault}: ")
    assert "suspected" not in {one.status for one in found.values()}


def test_every_judged_layer_of_a_healthy_run_works() -> None:
    found = layers(judge_run())
    assert {one.status for one in found.values()} <= {"works", "not judged"}
    assert found["backend"].status == "works"


def test_a_layer_with_an_unexplained_failure_is_suspected() -> None:
    records = make_run()
    odd = with_chats(records, lambda c: replace(c, screen_messages=2) if c.chat else c)
    run = assemble([odd])
    assert [c.name for c in judge(run).causes] == [UNEXPLAINED]
    assert layers(run)["conversation and delivery"].status == "suspected"


def test_a_layer_is_suspected_beside_an_explained_failure_of_another() -> None:
    judgement = judge(judge_run("session-not-ended"))
    assert judgement.verdict("rotation.sent_id_is_fresh").outcome == "fail"
    nobody = replace(judgement.causes[0], name=UNEXPLAINED)
    odd = replace(judgement.verdict("rotation.one_id_per_chat"), outcome="fail", causes=(nobody,))
    verdicts = tuple(odd if v.name == odd.name else v for v in judgement.verdicts)
    found = {one.layer.name: one for one in standings(replace(judgement, verdicts=verdicts))}
    assert found["session store"].status == "does not work"
    assert found["session in the frontend's state"].status == "suspected"


def test_evidence_accumulates_over_runs_that_the_chart_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = example_history(random.Random(1), pinned_from=21)
    whole = history_chart(entries, 0.02)
    monkeypatch.setattr(history_chart_module, "_TABLE_ROWS", 5)
    last = history_chart(entries, 0.02)
    assert whole is not None
    assert last is not None
    assert len(whole.rows) == 30
    assert last.rows == whole.rows[-5:]


def test_the_table_of_the_lanes_names_each_lane() -> None:
    strip = lanes_strip(judge_run(lanes=4))
    assert strip is not None
    assert {row[0] for row in strip.rows} == {f"lane {n}" for n in range(4)}


def test_the_flow_of_a_chat_is_in_order_of_time_and_marks_the_reused_id() -> None:
    run = judge_run("stale-state")
    key = failing_chat(run)
    assert key is not None
    flow = flow_of(run, key)
    assert flow is not None
    assert [p.seconds for p in flow.points] == sorted(p.seconds for p in flow.points)
    odd = [p for p in flow.points if p.wrong]
    assert {p.layer for p in odd} == {SENT}
    assert "the ID of the chat before" in odd[0].sentence


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
    (sent,) = [p for p in flow.points if p.layer == SENT and "was sent" in p.sentence]
    assert sent.wrong
    assert sent.sentence.startswith("message 0 was sent with no ID, while the store held ")


def _storage(t: float, **data: Any) -> Event:
    fields = {"store": "localStorage", "op": "set", "key": "k", "stack": [], "by": "page"} | data
    return Event(make_run().meta.run_id, 9000, t, 0, 1, "storage", fields)


def test_the_flow_shows_writes_to_the_session_key_only() -> None:
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
    assert more.sentence == "the page loaded; the store held nothing"
    assert not more.wrong


def test_a_message_of_an_older_chat_with_a_newer_id_is_marked() -> None:
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
    assert [p.sentence for p in flow.points if p.wrong] == [
        "message 1 was sent with …new2, the ID of chat 11"
    ]


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
    assert {p.wrong for p in flow.points if p.layer == SCREEN} == {odd}


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
def test_the_verification_command_is_valid_shell(
    invocation: dict[str, str], target: str, command: str
) -> None:
    meta = replace(make_run().meta, invocation=invocation, target=target)
    assert again(meta) == command
    assert command in page(
        assemble([with_meta(make_run("stale-state"), invocation=invocation, target=target)])
    )


def test_a_cause_without_code_has_no_code_evidence() -> None:
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


def test_an_unknown_chat_has_no_flow() -> None:
    assert flow_of(judge_run(), ChatKey("none", 0, 0)) is None
    assert failing_chat(judge_run()) is None


def test_the_backend_tests_have_status_result_and_evidence() -> None:
    tests = four_tests(judge_run())
    assert len(tests) == 4
    assert all(t.question.endswith("?") and t.result for t in tests)
    pinned = four_tests(judge_run("provider-pinned"))
    assert pinned[0].verdict == "fail"
    assert "sessions" in pinned[0].evidence


def test_the_pattern_table_begins_with_the_frontend() -> None:
    own, *probed = id_patterns(judge_run("stale-state"))
    assert own.name.startswith("this chat: ")
    assert own.unique < own.ids
    assert own.verdict == "old IDs were sent"  # these records do not tell how IDs were made
    assert all(p.verdict == "good" for p in probed if p.unique == p.ids)
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


def test_without_a_backend_its_state_is_unknown() -> None:
    run = judge_run(backend=False)
    now = backend_now(run)
    assert now.counts == {}
    assert now.text == "Unknown: the backend was not probed in this run."
    assert now.text in page(run)


def test_the_state_of_a_pinned_backend_is_reported_as_wrong() -> None:
    now = backend_now(judge_run("provider-pinned"))
    assert "This state is wrong: all 20 sessions reached Big hat" in now.text
    assert next(iter(now.counts.items())) == ("Big hat", 20)
    assert "wrong" not in backend_now(judge_run()).text


def test_the_backends_sessions_are_listed_by_their_number() -> None:
    counts = backend_now(judge_run()).counts
    assert len(set(counts.values())) > 2
    assert list(counts.values()) == sorted(counts.values(), reverse=True)


def test_the_page_of_a_healthy_run_has_no_cause_flow_or_recommendation() -> None:
    text = page(judge_run())
    for heading in ("## Root cause", "## Recommendations", "## Session flow", "## Experiments"):
        assert heading not in text
    assert "OK to release. No check failed." in text


def test_the_page_of_a_failed_run_has_all_parts_in_order() -> None:
    text = page(judge_run("stale-state"))
    parts = ("Executive summary", "Tests of the backend", "Session-ID patterns", "Root cause: stale-state", "Session flow",
             "Production state", "Recommendations", "Verification steps", "Conclusion", "All checks")  # fmt: skip
    places = [text.index(f"## {part}") for part in parts]
    assert places == sorted(places)
    for part in (
        "**immediately:**",
        "**change needed:**",
        "**impact:**",
        "priority **critical**",
    ):
        assert part in text


def test_a_broken_run_allows_no_decision_about_a_release() -> None:
    records = make_run(chats=8, lanes=2)
    text = page(assemble([with_meta(records, finished=None, planned_chats=20)]))
    assert "No decision about a release" in text


@pytest.mark.parametrize("broken", [(), (1,), (0, 1)])
def test_a_history_that_cannot_be_written_is_reported_once_and_the_report_is_built(
    broken: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several browsers, each of which is a series of its own."""
    judged: list[Any] = ["chromium", "firefox", "webkit"]
    session: Any = SimpleNamespace(judged=judged)
    composed: list[Any] = []

    def add(one: str, place: str, keep: int) -> tuple[Any, HarnessError | None]:
        n = judged.index(one)
        return SimpleNamespace(entries=(one,)), HarnessError(f"disk {n}") if n in broken else None

    def compose(*args: Any) -> str:
        composed.append(args)
        return "report"

    monkeypatch.setattr(build, "entry_of", lambda one: one)
    monkeypatch.setattr(build, "_add", add)
    monkeypatch.setattr("reports.browsers.compose.compose_session", compose)
    report: Any
    report, lost = build._composed_session(session, Path("out"), "history", 7)
    assert report == "report"
    assert composed == [(session, [("chromium",), ("firefox",), ("webkit",)], judged, Path("out"))]
    assert (lost.what if lost else None) == (f"disk {broken[0]}" if broken else None)
