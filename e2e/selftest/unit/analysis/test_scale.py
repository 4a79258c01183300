"""Judging takes time in proportion to the chats: counted in function calls, which do not depend on the machine."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from e2e.analysis.causes.evidence import chat_evidence
from e2e.analysis.checks.session_ids import describe
from e2e.analysis.ids.payloads import first_payloads, own_payloads
from e2e.analysis.ids.writes import new_ids, own_writes_by_lane
from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.records.records import RunRecords
from e2e.selftest.unit.builders import make_run, with_chats


def calls(records: RunRecords) -> int:
    """Function calls, and steps of generators, until the run is judged."""
    count = 0

    def watch(_frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        judge(assemble([records]))
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "faults",
    [(), ("stale-state",), ("session-restored", "label-stale"), ("id-constant",), ("provider-flaps",)],
)
def test_four_times_the_chats_take_at_most_five_times_the_calls(faults: tuple[str, ...]) -> None:
    """All chats of a lane are in one browser context, so that a comparison of each chat with all before it would show: 16 times."""
    judge(assemble([make_run(*faults, chats=20, lanes=1)]))  # imports, and what is kept from call to call
    few, many = (calls(make_run(*faults, chats=chats, lanes=1)) for chats in (120, 480))
    assert many < 5 * few


def test_chats_of_scenarios_in_one_browser_take_linear_time_too() -> None:
    """20,000 of them took 173 s and 1.3 GB where each was compared with all others."""

    def records(chats: int) -> RunRecords:
        of_scenario = lambda chat: replace(chat, scenario="rapid-send", tab=chat.chat % 2)  # noqa: E731
        return with_chats(make_run("stale-state", chats=chats, lanes=1), of_scenario)

    judge(assemble([records(20)]))
    few, many = (calls(records(chats)) for chats in (120, 480))
    assert many < 5 * few


def test_evidence_that_is_not_kept_explains_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    records = make_run("stale-state", "label-stale", chats=16, lanes=2)
    kept = judge(assemble([records]))
    monkeypatch.setattr(chat_evidence, "_KEPT", 1)
    assert judge(assemble([records])) == kept
    assert {cause.name for cause in kept.causes} == {"stale-state", "label-stale"}


@pytest.mark.parametrize("faults", [(), ("stale-state",), ("over-rotation",)])
def test_what_one_look_at_all_events_finds_is_what_a_look_of_its_own_does(faults: tuple[str, ...]) -> None:
    run, other = (assemble([make_run(*faults, chats=16, lanes=2)]) for _ in range(2))
    writes = [w for lane in own_writes_by_lane(run).values() for w in lane]
    assert new_ids(run) == new_ids(other)
    new = [w.session for w in writes if w.session not in (None, w.previous) and w.op != "start"]
    assert new_ids(run) == (len(new), len(set(new)))
    assert describe(run) == describe(other)
    first: dict[tuple[str, int, int | None], float] = {}
    for p in own_payloads(run):
        at = (p.run_id, p.lane, p.chat)
        first[at] = min(p.t, first.get(at, p.t))
    assert {tuple(key): one.t for key, one in first_payloads(run).items()} == first
