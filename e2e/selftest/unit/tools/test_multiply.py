"""Copies of a recorded run: fresh IDs, consistently renamed, with the verdicts of the run that they are made of."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.schema import BackendRow, ChatRow, MessageRow, MintedRow, PayloadRow, StorageRow
from e2e.errors import HarnessError
from e2e.records.evidence import read_for_judging, read_run
from e2e.records.records import RunRecords
from e2e.selftest.tools.scale.multiply import multiply
from e2e.selftest.unit.builders import PROVIDERS, make_run
from e2e.selftest.unit.records.test_compressed import written


def copies(records: RunRecords, tmp_path: Path, chats: int, **options: int) -> Run:
    folder = written(records, tmp_path / "run")
    made = multiply(folder, chats, tmp_path / "out", draws=not options.pop("recorded", 0), **options)
    return assemble([read_for_judging(one) for one in made])


def failed(judgement: Judgement) -> set[str]:
    return {v.name for v in judgement.verdicts if v.outcome == "fail"}


def test_copies_of_a_healthy_run_pass_and_share_no_id(tmp_path: Path) -> None:
    records = make_run(chats=10, lanes=2)
    run = copies(records, tmp_path, 400)
    assert failed(judge(run)) == set()
    assert len(run.every(ChatRow)) == 400
    sent = {m.sent for m in run.every(MessageRow)}
    assert len(sent) == 40 * len({m.sent for c in records.chats for m in c.messages})
    assert sent == {p.session for p in run.every(PayloadRow)} <= {w.session for w in run.every(StorageRow)}
    assert sent >= {r.session for r in run.every(BackendRow) if r.probe == "chat"}
    shapes = {(m or "").partition("…")[0] for m in sent}
    assert shapes == {(c.messages[0].sent or "").partition("…")[0] for c in records.chats if c.messages}


def test_each_session_has_a_draw_of_its_own(tmp_path: Path) -> None:
    """600 sessions of 9 providers: 66.7 each, with a deviation of 7.7."""
    run = copies(make_run(chats=6, lanes=1), tmp_path, 600)
    counts = Counter(c.provider for c in run.every(ChatRow))
    assert set(counts) == set(PROVIDERS)
    assert all(30 < n < 105 for n in counts.values())
    assert all(m.reply_provider == m.label_provider for m in run.every(MessageRow))


@pytest.mark.parametrize(
    ("fault", "options"), [("stale-state", {}), ("label-stale", {}), ("provider-pinned", {"recorded": 1})]
)
def test_a_fault_is_a_fault_in_every_copy(fault: str, options: dict[str, int], tmp_path: Path) -> None:
    records = make_run(fault, chats=16, lanes=2)
    one, many = judge(assemble([records])), judge(copies(records, tmp_path, 64, **options))
    assert [c.name for c in many.causes] == [c.name for c in one.causes] == [fault]
    # A stale label may name the right provider by chance; probes of the backend are kept once.
    assert many.causes[0].chats >= 3 * one.causes[0].chats
    assert failed(many) == failed(one)


def test_a_multiplied_run_is_a_run(tmp_path: Path) -> None:
    records = make_run(chats=10, lanes=2)
    folder = written(records, tmp_path / "run")
    [made] = multiply(folder, 35, tmp_path / "out", lanes=4)
    read = read_run(made)
    assert len(read.chats) == 40
    assert {c.lane for c in read.chats} == {0, 1, 2, 3}
    assert len({(c.lane, c.chat) for c in read.chats}) == 40
    assert (read.meta.lanes, read.meta.planned_chats) == (4, 40)
    assert len({e.seq for e in read.events}) == len(read.events)
    run = assemble([read])
    assert run.partial_reasons == ()
    assert len({p.request for p in run.every(PayloadRow)}) == len(run.every(PayloadRow))
    assert len({m.session for m in run.every(MintedRow)}) == len(run.every(MintedRow))


def test_shards_of_one_run_are_judged_together(tmp_path: Path) -> None:
    run = copies(make_run(chats=10, lanes=2), tmp_path, 60, shards=3)
    assert [m.shard for m in run.metas] == ["1/3", "2/3", "3/3"]
    assert run.partial_reasons == ()
    assert failed(judge(run)) == set()
    assert len(run.every(ChatRow)) == 60


@pytest.mark.parametrize(("options", "why"), [({"lanes": 3}, "3 lanes"), ({"shards": 50}, "50 shards")])
def test_what_does_not_fit_is_refused(options: dict[str, int], why: str, tmp_path: Path) -> None:
    folder = written(make_run(chats=10, lanes=2), tmp_path / "run")
    with pytest.raises(HarnessError, match=rf"{why}.*\n +hint: "):
        multiply(folder, 20, tmp_path / "out", **options)  # type: ignore[arg-type]
