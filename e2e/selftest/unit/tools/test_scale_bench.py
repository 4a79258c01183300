"""make bench SCALE=: its limits, its exit code, its file; and the command that multiplies evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.cli.main import main
from e2e.records.evidence import find_runs, read_meta
from e2e.selftest.tools.scale import bench
from e2e.selftest.tools.scale.bench import FAULTS, Cost, limits
from e2e.selftest.unit.builders import make_run
from e2e.selftest.unit.records.test_compressed import written


@pytest.mark.parametrize(
    ("chats", "cpu", "memory"),
    [(1000, 20, 1000), (100_000, 60, 1000), (1_000_000, 600, 4000), (550_000, 330, 2500)],
)
def test_a_million_chats_may_take_ten_times_the_time_and_four_times_the_memory(
    chats: int, cpu: float, memory: float
) -> None:
    assert limits(chats) == Cost(cpu, memory, 30)


@pytest.mark.parametrize(("memory", "code"), [(900.0, 0), (1100.0, 1)])
def test_a_limit_that_is_missed_is_exit_code_1(
    memory: float,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bench, "measure", lambda fault, chats, folder: Cost(12.34, memory, 4.0))
    assert main(["bench", "--scale", "5000", "--out", str(tmp_path)]) == code
    assert ("missed" in capsys.readouterr().out.partition("written to")[0]) is bool(code)
    found = json.loads((tmp_path / "scale.json").read_text(encoding="utf-8"))
    assert found["limits"] == {"cpu": 20.0, "memory": 1000.0, "report": 30.0}
    assert {fault: found[fault]["cpu"] for fault in FAULTS} == dict.fromkeys(FAULTS, 12.3)


def test_the_command_prints_the_folders_that_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(make_run(chats=4, lanes=2), tmp_path / "run")
    assert (
        main(["evidence", "multiply", str(folder), "8", "--shards", "2", "--out", str(tmp_path / "out")]) == 0
    )
    printed = [Path(line) for line in capsys.readouterr().out.split()]
    assert printed == find_runs(tmp_path / "out")
    assert [read_meta(one).shard for one in printed] == ["1/2", "2/2"]
