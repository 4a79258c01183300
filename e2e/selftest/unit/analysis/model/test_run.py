"""Records into frames: declared columns, pooling, transitions, what is partial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model import columns, schema
from e2e.analysis.model.columns import AnalysisError, Row, build, columns_of, validate
from e2e.analysis.model.run import assemble
from e2e.analysis.model.schema import TransitionRow
from e2e.records.evidence import EvidenceWriter, read_run
from e2e.records.records import Chat, CodePlace, Event, Policy, Problem, RunRecords
from e2e.selftest.unit.builders import make_run, with_chats, with_messages, with_meta

FRAMES = {
    "chats": schema.CHATS,
    "messages": schema.MESSAGES,
    "transitions": schema.TRANSITIONS,
    "storage": schema.STORAGE,
    "payloads": schema.PAYLOADS,
    "backend": schema.BACKEND,
    "problems": schema.PROBLEMS,
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("empty", [False, True])
def test_every_frame_has_its_declared_columns(name: str, empty: bool) -> None:
    records = make_run()
    if empty:
        records = replace(records, chats=(), events=())
    frame = getattr(assemble([records]), name)
    assert {c: str(d) for c, d in frame.dtypes.items()} == FRAMES[name]
    assert len(frame) == 0 if empty else name == "problems" or len(frame) > 0


def test_a_value_of_another_type_is_named() -> None:
    with pytest.raises(AnalysisError, match=r"chats\[1\]\.lane is 'two', expected Int64"):
        build("chats", {"lane": "Int64"}, [{"lane": 1}, {"lane": "two"}])
    with pytest.raises(AnalysisError, match="is True, expected Int64"):
        build("chats", {"lane": "Int64"}, [{"lane": True}])


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (pd.DataFrame({"b": [1]}), "x has no column a"),
        (pd.DataFrame({"a": [1.5]}), "x.a has the dtype float64, expected Int64"),
        (
            pd.DataFrame({"a": pd.array([1], dtype="Int64"), "b": [1]}),
            "x has an undeclared column b",
        ),
    ],
)
def test_a_frame_with_other_columns_is_refused(frame: pd.DataFrame, expected: str) -> None:
    with pytest.raises(AnalysisError, match=expected):
        validate("x", {"a": "Int64"}, frame)


@dataclass(frozen=True, slots=True)
class _Row(Row):
    a: int | None
    b: bool | None
    c: str | None


def test_what_is_not_there_comes_out_as_none() -> None:
    frame = build("x", columns_of(_Row), [{"a": 1, "b": True, "c": "z"}, {}])
    found = columns.records(frame, _Row)
    assert found == [_Row(1, True, "z"), _Row(None, None, None)]
    assert type(found[0].a) is int  # numbers of a verdict go into JSON
    assert found[1].b is None  # pd.NA equals nothing, and has no truth


def test_events_are_sorted_by_time_and_not_by_arrival() -> None:
    records = make_run(chats=4, lanes=2)
    run = assemble([replace(records, events=tuple(reversed(records.events)))])
    assert list(run.storage["t"]) == sorted(run.storage["t"])


def test_a_transition_needs_an_observed_chat_on_both_sides_in_one_context() -> None:
    recorded = make_run(chats=6, lanes=1)
    assert [t.chat for t in assemble([recorded]).every(TransitionRow)] == [1, 2, 3, 4, 5]

    def lost_third(chat: Chat) -> Chat:
        return replace(chat, status="lost", reason="x") if chat.chat == 2 else chat

    assert [t.chat for t in assemble([with_chats(recorded, lost_third)]).every(TransitionRow)] == [1, 4, 5]

    def other_context(chat: Chat) -> Chat:
        return replace(chat, context=1) if chat.chat >= 3 else chat

    assert [t.chat for t in assemble([with_chats(recorded, other_context)]).every(TransitionRow)] == [
        1,
        2,
        4,
        5,
    ]


def test_a_transition_has_the_stored_and_sent_id_of_the_chat_before() -> None:
    run = assemble([make_run(chats=3, lanes=1)])
    first, second = run.every(TransitionRow)
    assert second.sent_before == first.sent == second.stored_before
    assert second.sent == second.stored != first.sent


def test_a_run_read_from_its_folder_is_judged_as_it_was_recorded(tmp_path: Path) -> None:
    records = make_run("stale-state")
    writer = EvidenceWriter(tmp_path / "run", records.meta)
    for event in records.events:
        writer.event(event)
    for chat in records.chats:
        writer.chat(chat)
    writer.close()
    read = read_run(tmp_path / "run")
    assert (read.meta, read.events, read.chats) == (records.meta, records.events, records.chats)
    one, other = judge(assemble([records])), judge(assemble([read]))
    assert [replace(v, evidence="") for v in one.verdicts] == [
        replace(v, evidence="") for v in other.verdicts
    ]
    assert other.verdicts[0].evidence == f"{read.folder}/chats.jsonl"


def test_two_runs_are_pooled_with_lanes_of_their_own() -> None:
    one, two = make_run(run_id="a", chats=4), make_run(run_id="b", chats=4, seed=8)
    run = assemble([one, two])
    assert run.pooled
    assert len(run.chats) == 8
    assert set(run.chats["run_id"]) == {"a", "b"}
    assert sorted(run.chats["order"]) == list(range(8))


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], "there is no run to judge"),
        ([make_run(run_id="a"), make_run(run_id="a")], "run a is listed twice"),
        (
            [make_run(run_id="a"), with_meta(make_run(run_id="b"), target="acme")],
            "different targets .* a is of reference, b of acme",
        ),
        (
            [make_run(run_id="a"), make_run(run_id="b", policy=Policy(store="none"))],
            "different policies .* store is 'localStorage' in a, 'none' in b",
        ),
    ],
)
def test_runs_that_cannot_be_judged_together_are_refused(runs: list[RunRecords], expected: str) -> None:
    with pytest.raises(AnalysisError, match=expected):
        assemble(runs)


def test_a_whole_run_is_not_partial() -> None:
    assert assemble([make_run()]).partial_reasons == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda r: with_meta(r, finished=None), "did not finish"),
        (lambda r: with_meta(r, interrupted="Ctrl-C"), "interrupted: Ctrl-C"),
        (lambda r: replace(r, torn_lines=1), "1 incomplete line ignored"),
        (
            lambda r: with_chats(r, lambda c: replace(c, status="blocked", reason="429")),
            "20 chats blocked: 429",
        ),
        (
            lambda r: with_chats(r, lambda c: None if c.chat == 4 else c),
            "4 of 20 planned chats were not recorded",
        ),
        (
            lambda r: with_chats(r, lambda c: None if (c.lane, c.chat) == (3, 4) else c),
            "1 of 20 planned chats were not recorded",
        ),
    ],
)
def test_what_makes_a_run_partial(change: Any, expected: str) -> None:
    run = assemble([change(make_run())])
    assert run.partial
    assert expected in run.partial_reasons[0]


def test_problems_of_events_and_of_the_end_are_listed_once() -> None:
    problem = Problem("Blocked", "the backend answered 500", "lane 1, chat 2")
    records = make_run()
    event = Event(records.meta.run_id, 9999, records.meta.started, -1, None, "problem", problem.to_json())
    other = Problem("TargetNotReady", "no answer")
    records = replace(with_meta(records, problems=(problem, other)), events=(*records.events, event))
    assert list(assemble([records]).problems["kind"]) == ["Blocked", "TargetNotReady"]


def test_the_smallest_budget_of_the_runs_counts_unless_another_is_given() -> None:
    runs = [with_meta(make_run(run_id="a"), alarms_per_year=1.0), make_run(run_id="b")]
    assert assemble(runs).alarms_per_year == 0.02
    assert assemble(runs, alarms_per_year=0.5).alpha == pytest.approx(0.5 / (365 * 5))


def test_code_of_another_build_at_the_same_address_stays_with_its_run() -> None:
    place = CodePlace("src/other.ts", 1, 1, "f", mapped=True, vendor=False)
    first = make_run(run_id="a")
    key = next(iter(first.meta.code))
    second = with_meta(make_run(run_id="b"), code={key: place})
    run = assemble([first, second])
    assert run.code_of("b")[key] == place
    assert run.code[key] == run.code_of("a")[key] != place


def test_a_wrong_type_in_a_record_is_an_error_and_not_a_value() -> None:
    with pytest.raises(AnalysisError, match=r"messages\[0\]\.chunks is '6'"):
        assemble([with_messages(make_run(chats=1, lanes=1), chunks="6")])
