"""Measures the cost of one chat, of a start and of a report, compares it with its targets, and writes ``bench.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

from e2e.selftest.tools.bench.measure import run

TARGETS = {
    "one_lane": 0.45,
    "four_lanes": 0.4,
    "slow_eight_lanes": 0.12,
    "capture": 1.04,
    "scenarios": 2.5,
    "memory": 1.05,
    "collection": 1.5,
    "report": 0.5,
}
"""Upper limits of the ratios that `_MEANING` describes."""

_MEANING = {
    "one_lane": "one lane with full capture / plain Playwright script",
    "four_lanes": "four lanes / plain script",
    "slow_eight_lanes": "eight lanes / plain script, replies take 500 ms",
    "capture": "capture on / capture off, one lane",
    "scenarios": "52 chats with all scenarios / 52 chats, four lanes, whole runs",
    "memory": "suite's memory at the last chat / at chat 100",
    "collection": "pytest --collect-only: specs / empty file with pytest-playwright and allure-pytest",
    "report": "report of a run: prepared by its session / from the evidence alone",
}


def run_bench(*, rounds: int, chats: int, memory_chats: int, out: Path) -> int:
    """Measure, compare with `TARGETS`, write ``bench.json``. Returns 1 if a target was missed."""
    console = Console(file=sys.stdout, highlight=False)
    with sync_playwright() as playwright:
        result = run(playwright, rounds=rounds, chats=chats, memory_chats=memory_chats, report=console.print)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "bench.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    table = Table("measurement", "measured", "at most", "")
    for name, limit in TARGETS.items():
        value = result["ratios"][name]
        table.add_row(_MEANING[name], f"{value:.3f}", f"{limit:g}", "ok" if value <= limit else "missed")
    console.print(table)
    console.print("ms per chat: " + ", ".join(f"{k} {v:g}" for k, v in result["ms_per_chat"].items()))
    console.print(f"written to {path}")
    return 0 if all(result["ratios"][name] <= limit for name, limit in TARGETS.items()) else 1
