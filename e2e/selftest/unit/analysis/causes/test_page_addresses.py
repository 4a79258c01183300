"""Where New Chat keeps an ID in the page's address, the sent ID may be the wrong one, and the backend is not blamed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from e2e.analysis.causes.evidence.page_addresses import ADDRESS_KEEPS_AN_ID
from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.records.records import Event, RunRecords
from e2e.selftest.unit.builders import make_run


def addressed(records: RunRecords, address: str) -> RunRecords:
    def change(e: Event) -> Event:
        if e.kind != "payload":
            return e
        return replace(e, data={**e.data, "address": address.format(lane=e.lane, chat=e.chat) or None})

    return replace(records, events=tuple(map(change, records.events)))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("", "provider-pinned"),
        ("tenant", "provider-pinned"),
        ("{lane}.{chat}", "provider-pinned"),
        ("{lane}", "unexplained"),
    ],
)
def test_the_backend_is_blamed_unless_each_browser_keeps_an_address(address: str, name: str) -> None:
    [cause] = judge(assemble([addressed(make_run("provider-pinned", backend=False), address)])).causes
    assert cause.name == name
    assert (ADDRESS_KEEPS_AN_ID in cause.explanation) is (name == "unexplained")


def test_a_failure_of_the_backend_itself_is_not_doubted() -> None:
    [cause] = judge(assemble([addressed(make_run("provider-pinned"), "{lane}")])).causes
    assert cause.name == "provider-pinned"
