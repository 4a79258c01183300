"""Measures how much a judgement of many recorded chats costs: CPU time and memory of all processes, and size of the report."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil
from rich.console import Console
from rich.table import Table

from e2e.selftest.tools.matrix.samples import unpack
from e2e.selftest.tools.scale.multiply import multiply
from e2e.setup.places import REPO

FAULTS = ("healthy", "stale-state")
"""The samples that are multiplied. With the fault every chat fails, and is explained."""
_HUNDRED_THOUSAND, _MILLION = 100_000, 1_000_000
_CPU = 60.0
"""Seconds for 100,000 chats, and in proportion; a third of it for any number."""
_MEMORY = (1000.0, 4000.0)
"""MB at 100,000 and at a million chats."""
_REPORT = 30.0
"""MB of the Allure results, the charts and the summary, whatever the number of chats."""
_SHARD = 100_000
"""Chats of one run: more come as shards of one, as many machines record them."""
_VERDICTS = (0, 1)
"""Exit codes of a session that has judged its run."""
_SAMPLE_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """What one judgement took."""

    cpu: float
    """Seconds of the process and all that it started."""
    memory: float
    """Most MB that all of them had at one time."""
    report: float
    """MB that it wrote."""


def limits(chats: int) -> Cost:
    """What a judgement of so many chats may take."""
    cpu = max(_CPU / 3, _CPU * chats / _HUNDRED_THOUSAND)
    low, high = _MEMORY
    over = (chats - _HUNDRED_THOUSAND) / (_MILLION - _HUNDRED_THOUSAND)
    return Cost(cpu, low + max(0.0, over) * (high - low), _REPORT)


def run_scale(chats: int, out: Path) -> int:
    """Judge so many chats of each of `FAULTS`, print the costs, write ``scale.json``. Returns 1 if a limit was missed."""
    console = Console(file=sys.stdout, highlight=False)
    limit, costs = limits(chats), {}
    table = Table("measurement", "measured", "at most", "")
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            console.print(f"{chats} chats of {fault}")
            costs[fault] = cost = measure(fault, chats, Path(folder))
        for name, unit in (("cpu", "s of CPU"), ("memory", "MB of memory"), ("report", "MB of report")):
            value, most = getattr(cost, name), getattr(limit, name)
            table.add_row(
                f"{fault}: {unit}", f"{value:.1f}", f"{most:.0f}", "ok" if value <= most else "missed"
            )
    console.print(table)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "scale.json"
    content: dict[str, Any] = {"chats": chats, "limits": _rounded(limit)}
    content |= {fault: _rounded(cost) for fault, cost in costs.items()}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    console.print(f"written to {path}")
    return 0 if all(_within(cost, limit) for cost in costs.values()) else 1


def measure(fault: str, chats: int, folder: Path) -> Cost:
    """Multiply a sample, and judge it as `--from-evidence` does, with summary and charts. Raises ``RuntimeError`` when that fails."""
    run = unpack(fault, folder / "sample")
    shards = max(1, chats // _SHARD)
    runs = multiply(run, chats, folder / "runs", shards=shards)
    out = folder / "out"
    command = [sys.executable, "-m", "pytest", "e2e/specs", "-q", "--out", str(out)]
    for one in runs:
        command += ["--from-evidence", str(one)]
    before = _children_cpu()
    process = subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with _Peak(process.pid) as peak:
        printed, _ = process.communicate()
    if process.returncode not in _VERDICTS:
        raise RuntimeError(f"{chats} chats of {fault} could not be judged:\n{printed[-4000:]}")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return Cost(_children_cpu() - before, peak.memory, size / 1e6)


class _Peak:
    """The most memory that a process and its children have together."""

    def __init__(self, pid: int) -> None:
        self.memory = 0.0
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_SAMPLE_EVERY):
            total = 0
            try:
                for process in (self._process, *self._process.children(recursive=True)):
                    total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            self.memory = max(self.memory, total / 1e6)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _rounded(cost: Cost) -> dict[str, float]:
    return {name: round(getattr(cost, name), 1) for name in Cost.__slots__}


def _within(cost: Cost, limit: Cost) -> bool:
    return all(getattr(cost, name) <= getattr(limit, name) for name in Cost.__slots__)
