"""One fault, one cause, also where two tabs share the store: each tab sends the ID that its own state kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import assemble
from e2e.records.records import Event, RunRecords
from e2e.selftest.unit.analysis.causes.test_one_cause import after_reload
from e2e.selftest.unit.analysis.causes.two_tabs import two_tabs_run
from e2e.selftest.unit.builders import stack

TWO_TABS = "rotation.two_tabs"
STORES = [
    ("localStorage", "own", False),
    ("localStorage", "share", True),
    ("cookie", "own", True),
    ("cookie", "share", False),
]
everywhere = pytest.mark.parametrize(("store", "tabs", "overwrites"), STORES)


def judged(records: RunRecords) -> Judgement:
    return judge(assemble([records]))


def names(found: Judgement) -> list[str]:
    return [cause.name for cause in found.causes]


@everywhere
@pytest.mark.parametrize("fault", ["session-not-ended", "stale-state", "stale-closure"])
def test_a_fault_of_new_chat_is_the_only_cause_in_two_tabs_too(
    fault: str, store: str, tabs: str, overwrites: bool
) -> None:
    found = judged(two_tabs_run(fault, store=store, tabs=tabs, overwrites=overwrites))
    assert names(found) == [fault]
    assert found.verdict(TWO_TABS).outcome == "fail"
    assert found.verdict(TWO_TABS).numbers["wrong"] == 3
    assert found.causes[0].confidence == 1.0


@everywhere
def test_healthy_tabs_that_share_a_store_pass(store: str, tabs: str, overwrites: bool) -> None:
    found = judged(two_tabs_run(store=store, tabs=tabs, overwrites=overwrites))
    assert names(found) == []
    assert found.verdict(TWO_TABS).outcome == "pass"


@everywhere
def test_a_tab_bleed_alone_keeps_its_name(store: str, tabs: str, overwrites: bool) -> None:
    found = judged(two_tabs_run("tab-bleed", store=store, tabs=tabs, overwrites=overwrites))
    assert names(found) == ["tab-bleed"]
    assert found.causes[0].chats == 2


@everywhere
@pytest.mark.parametrize("fault", ["session-not-ended", "stale-state", "stale-closure"])
def test_a_tab_bleed_beside_another_fault_is_not_unexplained(
    fault: str, store: str, tabs: str, overwrites: bool
) -> None:
    found = judged(two_tabs_run(fault, "tab-bleed", store=store, tabs=tabs, overwrites=overwrites))
    assert names(found)[0] == fault
    assert set(names(found)) <= {fault, "tab-bleed"}


@pytest.mark.parametrize("tabs", ["own", "share"])
def test_a_stale_id_in_memory_is_the_only_cause_in_two_tabs_too(tabs: str) -> None:
    records = two_tabs_run("stale-state", store="none", tabs=tabs)
    assert names(judged(after_reload(records, "s…1", "s…2"))) == ["stale-state"]
    healthy = judged(two_tabs_run(store="none", tabs=tabs))
    assert (names(healthy), healthy.verdict(TWO_TABS).outcome) == ([], "pass")


def test_a_store_that_rotates_after_the_first_payload_is_not_a_session_that_was_not_ended() -> None:
    """The tab's New Chat came late: its write is after the payload that carried the old ID."""
    records = two_tabs_run("session-not-ended")
    last = max((c for c in records.chats if c.scenario == "two-tabs" and c.tab == 0), key=lambda c: c.chat)
    late = Event(
        records.meta.run_id, len(records.events) + 1, last.ended, last.lane, last.chat, "storage",
        {
            "store": "localStorage", "op": "set", "key": "chat_session", "session": "t…late", "previous": last.stored,
            "same_value": False, "shape": None, "time_offset": None, "by": "page", "stack": stack("mint", "newChat"), "tab": 0,
        },
    )  # fmt: skip
    found = judged(replace(records, events=(*records.events, late)))
    assert names(found) == ["session-not-ended", "unexplained"]
