"""Shards: every lane is in exactly one, and one that died is named while the rest is judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.shards import WHOLE, Shard
from e2e.capture.scheduling.pace import Pace
from e2e.plugin.settings.option_list import SCENARIO_NAMES
from e2e.plugin.settings.options import read_settings
from e2e.plugin.settings.values import shard_of
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
def test_a_shard_is_said_or_numbered_by_the_machine(
    text: str, environment: dict[str, str], shard: Shard
) -> None:
    assert shard_of(text, environment) == shard


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("2", {}, "such as 2/3"),
        ("0/3", {}, "no such part"),
        ("4/3", {}, "no such part"),
        ("/3", {}, "neither JOB_COMPLETION_INDEX nor CI_NODE_INDEX"),
        ("/3", {"JOB_COMPLETION_INDEX": "x"}, "not a number"),
        ("/3", {"JOB_COMPLETION_INDEX": "3"}, "no such part"),
    ],
)
def test_nonsense_is_refused_with_an_example(text: str, environment: dict[str, str], said: str) -> None:
    with pytest.raises(pytest.UsageError, match=said):
        shard_of(text, environment)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"until_decided": True}, "only records"),
        ({"walk": "50"}, "only records"),
        ({"lanes": "2"}, "each shard needs one"),
    ],
)
def test_what_a_shard_cannot_do_is_refused_before_any_browser(options: dict[str, Any], said: str) -> None:
    given = {"chat_shard": "1/3"} | {f"chat_{name}": value for name, value in options.items()}
    with pytest.raises(pytest.UsageError, match=said):
        read_settings(lambda name: given.get(name.replace("--", "chat_").replace("-", "_")), {}, None)


def shard_run(number: int, of: int = 3) -> RunRecords:
    records = make_run("stale-state", chats=8, lanes=2, run_id=f"shard-{number}", seed=number)
    return with_meta(records, shard=f"{number}/{of}", whole_chats=8 * of)


def test_all_shards_together_are_the_run() -> None:
    run = assemble([shard_run(n) for n in (1, 2, 3)])
    assert run.partial_reasons == ()
    assert judge(run).outcome == "fail"


def test_a_shard_that_left_nothing_is_named_and_the_rest_is_judged() -> None:
    run = assemble([shard_run(1), shard_run(3)])
    assert run.partial_reasons == ("shard 2 of 3 left no evidence: 8 planned chats are missing",)
    assert judge(run).verdict("rotation.sent_id_is_fresh").outcome == "fail"
    chats = summarise(run, judge(run)).chats
    assert (chats.planned, chats.observed, chats.lost) == (24, 16, 8)


def test_a_shard_that_died_half_way_is_named() -> None:
    dead = replace(shard_run(2), chats=shard_run(2).chats[:3])
    run = assemble([shard_run(1), with_meta(dead, finished=None), shard_run(3)])
    assert any("shard 2 of 3: the run did not end" in reason for reason in run.partial_reasons)


def test_a_shard_by_itself_misses_no_other() -> None:
    assert assemble([shard_run(2)], one_shard=True).partial_reasons == ()
