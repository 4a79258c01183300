"""Recorded runs of every fault are judged as the live matrix is: cause, failed checks, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.selftest.tools.matrix.samples import names, pack, read, unpack
from e2e.selftest.tools.matrix.table import FAILS, FAILS_ONE_OF, HEALTHY, Row, row_of
from fixtures.reference_chat.backend.faults import FAULTS

EVERY = [HEALTHY, *(fault.name for fault in FAULTS)]
LOCATED = {
    "stale-state": {"src/lib/session.ts", "src/components/ChatPage.tsx"},
    "session-restored": {"src/lib/session.ts", "src/variants/sessionRestored.ts"},
    "id-constant": {"src/lib/session.ts"},
}
"""Source files that the cause's code locations must name."""


def judged(name: str, scratch: Path) -> Row:
    return row_of(name, assemble([read(name, scratch)]), 0.0)


def test_every_fault_has_a_sample() -> None:
    assert set(names()) == set(EVERY)


@pytest.mark.parametrize("fault", EVERY)
def test_a_recorded_fault_is_named_and_nothing_else(tmp_path: Path, fault: str) -> None:
    row = judged(fault, tmp_path)
    assert row.ok, row
    assert FAILS.get(fault, set()) <= set(row.checks_failed)
    assert fault not in FAILS_ONE_OF or FAILS_ONE_OF[fault] & set(row.checks_failed)


@pytest.mark.parametrize("fault", LOCATED)
def test_the_cause_is_located_in_the_source(tmp_path: Path, fault: str) -> None:
    [cause] = judge(assemble([read(fault, tmp_path)])).causes
    assert LOCATED[fault] <= {place.partition(":")[0] for place in cause.where}


def test_a_sample_has_the_same_bytes_when_it_is_packed_again(tmp_path: Path) -> None:
    folder = unpack("stale-state", tmp_path)
    assert pack(folder, "again", tmp_path).read_bytes() == pack(folder, "once", tmp_path).read_bytes()
    assert not [p for p in folder.iterdir() if p.suffix not in (".json", ".jsonl")]
