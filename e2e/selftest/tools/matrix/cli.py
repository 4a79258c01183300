"""``python -m e2e matrix``: fault x check on the reference chat; exit code 1 on any miss."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from e2e.errors import HarnessError
from e2e.profile.variants import ID_FORMATS, ROTATIONS, STORES
from e2e.selftest.tools.matrix.load import busy
from e2e.selftest.tools.matrix.play import play_all, task_for
from e2e.selftest.tools.matrix.table import HEALTHY, Row, Variant, playable
from e2e.selftest.tools.matrix.write import write
from fixtures.reference_chat.backend.faults import BY_NAME
from fixtures.reference_chat.backend.options import ID_PATTERNS, TRANSPORTS


def main(arguments: list[str]) -> int:
    """Play, write, and tell. Raises `HarnessError` for a fault that is not known or cannot be shown."""
    said = _parser().parse_args(arguments)
    variant = Variant(said.transport, said.store, said.id_format, said.rotation, said.id_pattern, said.seed)
    for name in said.fault:
        if name != HEALTHY and name not in BY_NAME:
            raise HarnessError(
                f"--fault {name}: no such fault", hint=f"one of {', '.join([HEALTHY, *BY_NAME])}"
            )
    faults = list(playable(variant, said.fault))
    unshown = [name for name in said.fault if name not in faults]
    if unshown:
        raise HarnessError(
            f"--fault {unshown[0]}: cannot be shown with store {variant.store} and transport {variant.transport}",
            hint="leave it out, or choose another store or transport",
        )
    console = Console(file=sys.stdout, highlight=False)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, busy(said.load):
        evidence = said.evidence or Path(folder)
        tasks = [
            task_for(name, variant, said.chats, said.lanes, evidence, quick=said.quick)
            for name in faults
            for _ in range(said.repeat)
        ]
        rows: list[Row] = []
        for row in play_all(tasks, said.workers):
            rows.append(row)
            mark = "ok  " if row.ok else "MISS"
            what = ", ".join(row.causes) or row.outcome
            console.print(f"{mark} {row.fault:<22} {what} ({row.seconds:.1f} s)")
            for line in () if row.ok else (*row.checks_failed, *row.headlines, *row.problems):
                console.print(f"       {line}")
    files = write(rows, said.out, variant)
    missed = [row for row in rows if not row.ok]
    console.print(
        f"{len(rows) - len(missed)} of {len(rows)} as expected, in {time.monotonic() - began:.0f} s; "
        f"written: {', '.join(map(str, files))}"
    )
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e matrix", description=__doc__)
    add = parser.add_argument
    add(
        "--fault",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one; repeatable (default: all)",
    )
    add("--transport", choices=TRANSPORTS, default="sse")
    add("--store", choices=STORES, default="localStorage")
    add("--id-format", choices=ID_FORMATS, default="blob")
    add("--rotation", choices=ROTATIONS, default="on_click")
    add("--id-pattern", choices=ID_PATTERNS, default="timestamp")
    add("--seed", type=int, metavar="N", help="of the reference chat's draws (default: none)")
    add("--chats", type=_positive, default=24, metavar="N", help="plain chats of each run (default 24)")
    add("--lanes", type=_positive, default=4, metavar="L", help="default 4")
    add("--quick", action="store_true", help="no more chats and scenarios than each fault takes")
    add("--repeat", type=_positive, default=1, metavar="N", help="play each fault so often (default 1)")
    add("--workers", type=_positive, metavar="W", help="runs side by side (default: one per core)")
    add("--load", type=_positive, default=0, metavar="N", help="busy processes beside it (default none)")
    add("--out", type=Path, default=Path("reports/out"), metavar="DIR", help="where matrix.* goes")
    add("--evidence", type=Path, metavar="DIR", help="keep the runs' evidence here (default: nowhere)")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)
