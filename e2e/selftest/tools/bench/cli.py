"""``python -m e2e bench``: measures, says what it found against the aims, and writes ``bench.json``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

from e2e.selftest.tools.bench.measure import run

AIMS = {"one_lane": 0.6, "four_lanes": 0.5, "slow_eight_lanes": 0.2, "capture": 1.05, "memory": 1.1}
"""At most; the last two are capture on against off, and memory at chat 2,000 against chat 100."""

_MEANING = {
    "one_lane": "one lane with full capture / plain Playwright script",
    "four_lanes": "four lanes / plain script",
    "slow_eight_lanes": "eight lanes / plain script, replies take 500 ms",
    "capture": "capture on / capture off, one lane",
    "memory": "suite's memory at chat 2,000 / at chat 100",
}


def main(arguments: list[str]) -> int:
    """Exit code 0 when every aim is met, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m e2e bench", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("reports/out"), metavar="DIR", help="where bench.json goes"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=5,
        metavar="N",
        help="rounds in which the measurements take turns (default 5)",
    )
    parser.add_argument(
        "--chats", type=int, default=40, metavar="N", help="chats of one measurement (default 40)"
    )
    said = parser.parse_args(arguments)
    console = Console(file=sys.stdout, highlight=False)
    with sync_playwright() as playwright:
        result = run(playwright, rounds=said.rounds, chats=said.chats, say=console.print)
    said.out.mkdir(parents=True, exist_ok=True)
    path = said.out / "bench.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    table = Table("what", "measured", "at most", "")
    for name, aim in AIMS.items():
        value = result["ratios"][name]
        table.add_row(_MEANING[name], f"{value:.3f}", f"{aim:g}", "ok" if value <= aim else "missed")
    console.print(table)
    console.print("ms per chat: " + ", ".join(f"{k} {v:g}" for k, v in result["ms_per_chat"].items()))
    console.print(f"written to {path}")
    return 0 if all(result["ratios"][name] <= aim for name, aim in AIMS.items()) else 1
