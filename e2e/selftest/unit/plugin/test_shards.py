"""Shards: every lane is in exactly one, and one that died is named while the rest is judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.shards import WHOLE, Shard
from e2e.capture.scheduling.pace import Pace
from e2e.plugin.settings.settings import OptionError, read_settings
from e2e.plugin.settings.values import SCENARIO_NAMES, shard_of
from e2e.profile.profile import Limits, load
from e2e.records.records import RunRecords
from e2e.selftest.unit.builders import make_run, with_meta
from reports.summary.summary import summarise


def plan(shard: Shard, chats: int = 20, lanes: int = 5) -> Plan:
    return Plan(
        load("reference"), "http://127.0.0.1/", chats, lanes, Path(), scenarios=SCENARIO_NAMES, shard=shard
    )


@pytest.mark.parametrize(("chats", "lanes", "of"), [(20, 5, 3), (20, 5, 5), (7, 4, 2), (100, 8, 3)])
def test_shards_have_every_lane_chat_and_scenario_once(chats: int, lanes: int, of: int) -> None:
    parts = [plan(Shard(n, of), chats, lanes) for n in range(1, of + 1)]
    assert sorted(lane for part in parts for lane in part.own_lanes) == list(range(lanes))
    assert sum(part.own_chats for part in parts) == chats
    whole = plan(WHOLE, chats, lanes).programme().times()
    played: dict[str, int] = {}
    for part in parts:
        for name, times in part.programme().times().items():
            played[name] = played.get(name, 0) + times
    assert played == whole


def test_machines_keep_to_the_limit_together() -> None:
    pace = Pace(Limits(requests_per_minute=60), shards=3)
    first = pace.book()
    assert pace.book() - first == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize(
    ("text", "environment", "shard"),
    [
        ("", {}, WHOLE),
        ("2/3", {}, Shard(2, 3)),
        ("2/3", {"JOB_COMPLETION_INDEX": "0"}, Shard(2, 3)),
        ("/3", {"JOB_COMPLETION_INDEX": "0"}, Shard(1, 3)),
        ("/3", {"CI_NODE_INDEX": "3"}, Shard(3, 3)),
        ("", {"JOB_COMPLETION_INDEX": "1", "JOB_COMPLETIONS": "4"}, Shard(2, 4)),
        ("", {"JOB_COMPLETION_INDEX": "1"}, WHOLE),
    ],
)
def test_a_shard_comes_from_the_option_or_from_the_job_index(
    text: str, environment: dict[str, str], shard: Shard
) -> None:
    assert shard_of(text, environment) == shard


@pytest.mark.parametrize(
    ("text", "environment", "rule"),
    [
        ("2", {}, "expected a part I/N"),
        ("0/3", {}, "there is no part"),
        ("4/3", {}, "there is no part"),
        ("/3", {}, "neither JOB_COMPLETION_INDEX nor CI_NODE_INDEX"),
        ("/3", {"JOB_COMPLETION_INDEX": "x"}, "not a whole number"),
        ("/3", {"JOB_COMPLETION_INDEX": "3"}, "there is no part"),
    ],
)
def test_an_impossible_shard_is_refused(text: str, environment: dict[str, str], rule: str) -> None:
    with pytest.raises(PydanticCustomError, match=rule):
        shard_of(text, environment)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"until_decided": True}, "only records"),
        ({"walk": "50"}, "only records"),
        ({"lanes": "2"}, "each shard needs one"),
    ],
)
def test_a_shard_refuses_options_that_need_the_whole_run(options: dict[str, Any], rule: str) -> None:
    with pytest.raises(OptionError, match=rule):
        read_settings({"shard": "1/3"} | options)


def shard_run(number: int, of: int = 3) -> RunRecords:
    records = make_run("stale-state", chats=8, lanes=2, run_id=f"shard-{number}", seed=number)
    return with_meta(records, shard=f"{number}/{of}", whole_chats=8 * of)


def test_all_shards_together_are_the_run() -> None:
    run = assemble([shard_run(n) for n in (1, 2, 3)])
    assert run.partial_reasons == ()
    assert judge(run).outcome == "fail"


def test_a_missing_shard_is_named_and_the_rest_is_judged() -> None:
    run = assemble([shard_run(1), shard_run(3)])
    assert run.partial_reasons == ("shard 2 of 3 left no evidence: 8 planned chats are missing",)
    assert judge(run).verdict("rotation.sent_id_is_fresh").outcome == "fail"
    chats = summarise(run, judge(run)).chats
    assert (chats.planned, chats.observed, chats.lost) == (24, 16, 8)


def test_a_killed_shard_is_named() -> None:
    dead = replace(shard_run(2), chats=shard_run(2).chats[:3])
    run = assemble([shard_run(1), with_meta(dead, finished=None), shard_run(3)])
    assert any("shard 2 of 3: the run did not finish" in reason for reason in run.partial_reasons)


def test_a_shard_by_itself_misses_no_other() -> None:
    assert assemble([shard_run(2)], one_shard=True).partial_reasons == ()
