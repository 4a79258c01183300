"""Runs the matrix, fault x check on the reference chat, and prints each row."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from e2e.errors import HarnessError
from e2e.selftest.tools.matrix.busy_processes import busy_processes
from e2e.selftest.tools.matrix.runs import run_all, task_for
from e2e.selftest.tools.matrix.table import HEALTHY, Row, Variant, possible_faults
from e2e.selftest.tools.matrix.write import write
from fixtures.reference_chat.backend.faults import BY_NAME


def run_matrix(
    variant: Variant,
    wanted: Sequence[str],
    *,
    chats: int,
    lanes: int,
    quick: bool,
    repeat: int,
    workers: int | None,
    load: int,
    out: Path,
    evidence: Path | None,
    browser: str = "chromium",
    wire: str = "auto",
) -> int:
    """Run the ``wanted`` faults (none: all), write the matrix, print each run. Returns 1 if one did not end as expected.

    Raises `HarnessError` for a fault that is unknown, or that this variant of the chat cannot have.
    """
    for name in wanted:
        if name != HEALTHY and name not in BY_NAME:
            raise HarnessError(
                f"--fault {name}: no such fault", hint=f"one of {', '.join([HEALTHY, *BY_NAME])}"
            )
    faults = list(possible_faults(variant, wanted))
    impossible = [name for name in wanted if name not in faults]
    if impossible:
        raise HarnessError(
            f"--fault {impossible[0]}: not possible with store {variant.store} and transport {variant.transport}",
            hint="leave it out, or choose another store or transport",
        )
    console = Console(file=sys.stdout, highlight=False)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, busy_processes(load):
        kept = evidence or Path(folder)
        tasks = [
            replace(task_for(name, variant, chats, lanes, kept, quick=quick), browser=browser, wire=wire)
            for name in faults
            for _ in range(repeat)
        ]
        rows: list[Row] = []
        for row in run_all(tasks, workers):
            rows.append(row)
            mark = "ok  " if row.ok else "MISS"
            result = ", ".join(row.causes) or row.outcome
            console.print(f"{mark} {row.fault:<22} {result} ({row.seconds:.1f} s)")
            for line in () if row.ok else (*row.checks_failed, *row.headlines, *row.problems):
                console.print(f"       {line}")
    files = write(rows, out, variant)
    missed = [row for row in rows if not row.ok]
    console.print(
        f"{len(rows) - len(missed)} of {len(rows)} as expected, in {time.monotonic() - started:.0f} s; "
        f"written: {', '.join(map(str, files))}"
    )
    return 1 if missed else 0
