"""Which runs may be judged together, what is missing in them, and the frames that rows are made of: to the letter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pytest

from e2e.analysis.model.columns import (
    AnalysisError,
    Row,
    build,
    check_types,
    columns_of,
    frame_of,
    records,
    validate,
)
from e2e.analysis.model.pooling import agree, missing_shards, partial_reasons
from e2e.analysis.model.run import assemble
from e2e.analysis.model.schema import ChatRow, MessageRow, StorageRow
from e2e.records.records import Chat, RunMeta, RunRecords
from e2e.selftest.unit.builders import make_run, with_chats, with_meta

ONE = make_run(chats=4, lanes=2, backend=False)


def reasons(records: RunRecords, *, pooled: bool = False) -> list[str]:
    return partial_reasons(records, pooled=pooled)


class TestMissing:
    def test_a_whole_run_lacks_nothing(self) -> None:
        assert reasons(ONE) == reasons(ONE, pooled=True) == []

    def test_how_it_ended(self) -> None:
        assert reasons(with_meta(ONE, interrupted="Ctrl-C", finished=None)) == ["interrupted: Ctrl-C"]
        (killed,) = reasons(with_meta(ONE, finished=None))
        assert (
            killed
            == "the run did not finish (it was killed, its disk took nothing more, or it is still running)"
        )

    @pytest.mark.parametrize(
        ("torn", "text"), [(1, "1 incomplete line ignored"), (2, "2 incomplete lines ignored")]
    )
    def test_lines_that_are_torn(self, torn: int, text: str) -> None:
        assert reasons(replace(ONE, torn_lines=torn)) == [text]

    @pytest.mark.parametrize(
        ("planned", "cut", "text"),
        [
            (4, 0, None),
            (3, 0, None),
            (5, 0, "1 of 5 planned chats were not recorded"),
            (5, 1, None),
            (7, 1, "2 of 7 planned chats were not recorded"),
        ],
    )
    def test_chats_that_were_not_recorded(self, planned: int, cut: int, text: str | None) -> None:
        run = replace(with_meta(ONE, planned_chats=planned), cut_chats=cut)
        assert reasons(run) == ([] if text is None else [text])

    def test_chats_of_scenarios_are_not_among_the_planned_ones(self) -> None:
        records = with_chats(ONE, lambda c: replace(c, scenario="reload") if c.chat else c)
        assert reasons(records) == ["2 of 4 planned chats were not recorded"]

    def test_blocked_and_lost_chats_have_their_reasons_once(self) -> None:
        def change(chat: Chat) -> Chat:
            if chat.lane:
                return replace(chat, status="blocked", reason="a wall" if chat.chat else "")
            return replace(chat, status="lost", reason="gone")

        assert reasons(with_chats(ONE, change)) == [
            "2 chats blocked: no reason given; a wall",
            "2 chats lost: gone",
        ]
        one = with_chats(
            ONE, lambda c: replace(c, status="lost", reason="gone") if (c.lane, c.chat) == (0, 0) else c
        )
        assert reasons(one) == ["1 chat lost: gone"]

    @pytest.mark.parametrize(("status", "reported"), [("lost", False), ("blocked", True)])
    def test_an_incomplete_scenario_is_its_own_checks(self, status: Any, reported: bool) -> None:
        def change(chat: Chat) -> Any:
            return replace(chat, status=status, reason="x", scenario="reload") if chat.chat else chat

        found = reasons(with_meta(with_chats(ONE, change), planned_chats=2))
        assert bool(found) is reported

    def test_a_message_that_the_page_lost_was_seen(self) -> None:
        def change(chat: Chat) -> Chat:
            messages = tuple(replace(m, accepted="it is shown") for m in chat.messages)
            return replace(chat, status="lost", reason="x", messages=messages)

        assert reasons(with_chats(ONE, change)) == []

    def test_of_several_runs_each_is_named_with_its_shard(self) -> None:
        run = with_meta(ONE, run_id="r", interrupted="x")
        assert reasons(run, pooled=True) == ["r: interrupted: x"]
        assert reasons(with_meta(run, shard="2/3"), pooled=True) == ["r, shard 2 of 3: interrupted: x"]


def shards(*parts: str, whole: int = 10, planned: int = 2) -> list[RunMeta]:
    meta = replace(ONE.meta, whole_chats=whole, planned_chats=planned)
    return [replace(meta, run_id=part or "none", shard=part) for part in parts]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([""], []),
        (["1/2", "2/2"], []),
        (["1/2"], ["shard 2 of 2 left no evidence: 8 planned chats are missing"]),
        (["2/4", "4/4"], ["shards 1 and 3 of 4 left no evidence: 6 planned chats are missing"]),
        (
            ["1/2", "3/3"],
            [
                "shard 2 of 2 left no evidence: 8 planned chats are missing",
                "shards 1 and 2 of 3 left no evidence: 8 planned chats are missing",
            ],
        ),
    ],
)
def test_shards_without_evidence_are_named(parts: list[str], expected: list[str]) -> None:
    assert missing_shards(shards(*parts)) == expected


class TestTogether:
    def test_no_run_and_one_run_twice_are_refused(self) -> None:
        with pytest.raises(AnalysisError, match=r"^there is no run to judge$"):
            agree([])
        with pytest.raises(AnalysisError, match=r"^run .* is listed twice: its chats would count twice$"):
            agree([ONE.meta, ONE.meta])
        agree([ONE.meta])

    def test_runs_of_two_targets_are_refused(self) -> None:
        with pytest.raises(AnalysisError) as error:
            agree([replace(ONE.meta, run_id="a"), replace(ONE.meta, run_id="b", target="acme")])
        assert (
            str(error.value)
            == "runs of different targets cannot be judged together: a is of reference, b of acme"
        )

    def test_runs_under_two_policies_are_refused_with_the_key(self) -> None:
        policy = replace(ONE.meta.policy, rotation="on_first_reply")
        with pytest.raises(AnalysisError) as error:
            agree([replace(ONE.meta, run_id="a"), replace(ONE.meta, run_id="b", policy=policy)])
        assert str(error.value) == (
            f"runs under different policies cannot be judged together: rotation is {ONE.meta.policy.rotation!r} in a,"
            " 'on_first_reply' in b"
        )


@dataclass(frozen=True, slots=True)
class Sample(Row):
    name: str | None
    count: int | None
    share: float
    flag: bool
    data: Any


ROWS = (Sample("a", 1, 0.5, True, [1]), Sample(None, None, 2.0, False, None))
COLUMNS = {"name": "string", "count": "Int64", "share": "Float64", "flag": "boolean", "data": "object"}


class TestFrames:
    def test_columns_follow_from_the_fields(self) -> None:
        assert columns_of(Sample) == COLUMNS
        assert columns_of(ChatRow)["sent"] == columns_of(MessageRow)["after"] == "string"
        assert columns_of(ChatRow)["shows_from"] == "Int64"
        assert columns_of(StorageRow)["own"] == "boolean"

    def test_a_frame_has_the_dtypes_of_its_columns_and_gives_the_rows_back(self) -> None:
        frame = frame_of("samples", COLUMNS, ROWS)
        assert {c: str(t) for c, t in frame.dtypes.items()} == COLUMNS
        assert records(frame, Sample) == list(ROWS)
        empty = frame_of("samples", COLUMNS, ())
        assert {c: str(t) for c, t in empty.dtypes.items()} == COLUMNS
        assert records(empty, Sample) == []

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"name": 1}, "samples[1].name is 1, expected string"),
            ({"count": True}, "samples[1].count is True, expected Int64"),
            ({"count": 1.5}, "samples[1].count is 1.5, expected Int64"),
            ({"share": "x"}, "samples[1].share is 'x', expected Float64"),
            ({"share": False}, "samples[1].share is False, expected Float64"),
            ({"flag": 1}, "samples[1].flag is 1, expected boolean"),
        ],
    )
    def test_a_wrong_value_is_named(self, changes: dict[str, Any], text: str) -> None:
        rows = (ROWS[0], replace(ROWS[1], **changes))
        with pytest.raises(AnalysisError) as error:
            check_types("samples", Sample, rows)
        assert str(error.value) == text
        fields = [{name: getattr(row, name) for name in COLUMNS} for row in rows]
        with pytest.raises(AnalysisError) as error:
            build("samples", COLUMNS, fields)
        assert str(error.value) == text
        assert check_types("samples", Sample, ROWS) is ROWS

    def test_a_missing_key_is_not_there(self) -> None:
        frame = build("samples", COLUMNS, [{"name": "a"}, {"share": 1}])
        assert frame["count"].isna().all()
        assert frame["share"].tolist()[1] == 1.0

    @pytest.mark.parametrize(
        ("frame", "text"),
        [
            ({}, "samples has no column name"),
            ({"name": pd.Series([1])}, "samples.name has the dtype int64, expected string"),
            (
                {"name": pd.Series(["a"], dtype="string"), "more": pd.Series([1])},
                "samples has an undeclared column more",
            ),
        ],
    )
    def test_another_frame_is_refused(self, frame: dict[str, Any], text: str) -> None:
        with pytest.raises(AnalysisError) as error:
            validate("samples", {"name": "string"}, pd.DataFrame(frame))
        assert str(error.value) == text


class TestRun:
    def test_plain_chats_and_transitions_are_distinguished_from_those_of_scenarios(self) -> None:
        records = with_chats(
            make_run(chats=6, lanes=1, backend=False),
            lambda c: replace(c, scenario="reload") if c.chat > 3 else c,
        )
        records = with_chats(records, lambda c: replace(c, status="lost", reason="x") if c.chat == 3 else c)
        run = assemble([records])
        assert [c.chat for c in run.plain] == [0, 1, 2, 3]
        assert [c.chat for c in run.observed] == [0, 1, 2]
        assert {m.chat for m in run.observed_messages} == {0, 1, 2, 4, 5}
        assert list(run.transitions["chat"]) == [1, 2, 5]
        assert (run.partial, run.pooled) == (True, False)

    def test_rows_of_one_chat_are_those_of_all(self) -> None:
        for warm in (False, True):
            run = assemble([make_run(chats=4, lanes=2)])
            if warm:
                run.every(StorageRow)
            name = run.metas[0].run_id
            found = list(run.of_chat(StorageRow, name, 1, 1))
            assert found
            assert {(r.run_id, r.lane, r.chat) for r in found} == {(name, 1, 1)}
            assert list(run.of_chat(StorageRow, "another", 1, 1)) == []
            assert len(found) == sum((r.lane, r.chat) == (1, 1) for r in run.every(StorageRow))
            kept = run.those(StorageRow, lambda r: r.lane == 1)
            assert [r.t for r in kept] == sorted(r.t for r in run.every(StorageRow) if r.lane == 1)
            assert sorted(r.seq for r in run.each(StorageRow)) == sorted(r.seq for r in run.every(StorageRow))

    def test_the_budget_is_the_smallest_unless_one_is_given(self) -> None:
        runs = [
            with_meta(make_run(chats=1, lanes=1, run_id=n), alarms_per_year=b)
            for n, b in (("a", 0.5), ("b", 0.1))
        ]
        assert assemble(runs).alarms_per_year == 0.1
        assert assemble(runs, alarms_per_year=0.9).alarms_per_year == 0.9

    def test_a_shard_alone_misses_no_other_one_where_it_looks_at_itself(self) -> None:
        shard = with_meta(ONE, shard="1/2", whole_chats=9)
        assert assemble([shard]).partial_reasons == (
            "shard 2 of 2 left no evidence: 5 planned chats are missing",
        )
        assert assemble([shard], one_shard=True).partial_reasons == ()
