"""``python -m e2e calibrate``: simulated campaigns through the statistical checks; their false alarms and their power."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from e2e.selftest.tools.calibration.measure import CHECKS, LEVELS, beyond, interval, measure
from e2e.selftest.tools.calibration.write import pooled, write


def main(arguments: list[str]) -> int:
    """Exit code 0 when every false-alarm rate is within its threshold, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m e2e calibrate", description=__doc__)
    parser.add_argument(
        "--campaigns",
        type=_positive,
        default=20_000,
        metavar="N",
        help="of each healthy kind (default 20000)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports/out"), metavar="DIR", help="where calibration.md goes"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the random numbers (default 1)")
    parser.add_argument("--workers", type=_positive, metavar="W", help="processes (default: one per core)")
    said = parser.parse_args(arguments)
    console = Console(file=sys.stdout, highlight=False)
    began = time.monotonic()
    rates = measure(said.campaigns, said.seed, workers=said.workers)
    wrong = beyond(rates)
    files = write(rates, said.out, campaigns=said.campaigns, seed=said.seed, wrong=wrong)
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
    console.print(f"{time.monotonic() - began:.0f} s; written: {', '.join(map(str, files))}")
    return 1 if wrong else 0


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return number
