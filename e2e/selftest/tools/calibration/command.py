"""Measures the statistical checks on simulated campaigns: false-alarm rate and power."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from e2e.selftest.tools.calibration.measure import CHECKS, LEVELS, beyond, interval, measure
from e2e.selftest.tools.calibration.write import pooled, write


def run_calibration(campaigns: int, seed: int, workers: int | None, out: Path) -> int:
    """Measure, write ``calibration.md``, print a table. Returns 1 if a false-alarm rate is above its threshold."""
    console = Console(file=sys.stdout, highlight=False)
    started = time.monotonic()
    rates = measure(campaigns, seed, workers=workers)
    wrong = beyond(rates)
    files = write(rates, out, campaigns=campaigns, seed=seed, wrong=wrong)
    table = Table("check", "alpha", "false alarms", "rate", "95 % interval")
    for check in CHECKS:
        for level in LEVELS:
            alarms, of, _ = pooled(rates, check, level)
            low, high = interval(alarms, of)
            table.add_row(
                check, f"{level:g}", f"{alarms} of {of}", f"{alarms / of:.2g}", f"{low:.2g} to {high:.2g}"
            )
    console.print(table)
    for r in wrong:
        console.print(
            f"above its threshold: {r.check}, {r.k} providers, {r.n} sessions, {r.fault or 'healthy'}: "
            f"{r.alarms} of {r.campaigns} at {r.alpha:g}"
        )
    console.print(f"{time.monotonic() - started:.0f} s; written: {', '.join(map(str, files))}")
    return 1 if wrong else 0
