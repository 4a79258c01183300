"""Simulates nightly runs, checks the published site, and writes ``dry-run.json``."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from rich.console import Console

from e2e.selftest.tools.dry_run.runs import FAULTS, DryRun, simulate
from e2e.selftest.tools.dry_run.site_checks import check_all


def run_dry_run(chats: int, shards: int, out: Path) -> int:
    """Returns 1 if something differs from what is expected. Raises `HarnessError` when a run could not be recorded."""
    console = Console(highlight=False)
    folder = out / "dry-run"
    shutil.rmtree(folder, ignore_errors=True)
    dry_run = DryRun(folder, chats, shards)
    started = time.monotonic()
    runs = []
    for number, fault in enumerate(FAULTS, 1):
        run = simulate(dry_run, number, fault)
        runs.append(run)
        console.print(
            f"run {number}: {fault or 'healthy'}: {run.outcome}, {', '.join(run.causes) or 'no cause'}"
        )
    results = check_all(dry_run, runs)
    for result in results:
        console.print(f"{'ok  ' if result.ok else 'MISS'} {result.name}: {result.actual}", markup=False)
    ok = all(result.ok for result in results)
    seconds = round(time.monotonic() - started, 1)
    report = {
        "ok": ok,
        "seconds": seconds,
        "runs": [run.to_json() for run in runs],
        "checks": [result._asdict() for result in results],
    }
    path = out / "dry-run.json"
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    console.print(
        f"{sum(result.ok for result in results)} of {len(results)} as expected, in {seconds:.0f} s; written: {path}"
    )
    return 0 if ok else 1
