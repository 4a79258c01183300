"""``python -m e2e rehearse``: plays the nights, looks at the site, writes ``rehearsal.json``; exit code 1 when something is amiss."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from rich.console import Console

from e2e.profile.profile import SUITE
from e2e.selftest.tools.dry_run.look import look
from e2e.selftest.tools.dry_run.nights import FAULTS, Stage, play

_OUT = SUITE / "reports" / "out"


def main(arguments: list[str]) -> int:
    """Play, look, tell. Raises `HarnessError` when a night could not be had at all."""
    parser = argparse.ArgumentParser("python -m e2e rehearse", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=_OUT, metavar="DIR", help="where rehearsal/ and rehearsal.json go"
    )
    parser.add_argument("--chats", type=int, default=18, metavar="N", help="of each night (default: 18)")
    parser.add_argument("--shards", type=int, default=3, metavar="N", help="of each night (default: 3)")
    said = parser.parse_args(arguments)
    console = Console(highlight=False)
    folder: Path = said.out / "rehearsal"
    shutil.rmtree(folder, ignore_errors=True)
    stage = Stage(folder, said.chats, said.shards)
    began = time.monotonic()
    nights = []
    for number, fault in enumerate(FAULTS, 1):
        night = play(stage, number, fault)
        nights.append(night)
        console.print(
            f"night {number}: {fault or 'healthy'}: {night.outcome}, {', '.join(night.causes) or 'no cause'}"
        )
    seen = look(stage, nights)
    for one in seen:
        console.print(f"{'ok  ' if one.ok else 'MISS'} {one.name}: {one.saw}")
    ok = all(one.ok for one in seen)
    told = {
        "ok": ok,
        "seconds": round(time.monotonic() - began, 1),
        "nights": [night.to_json() for night in nights],
        "checks": [{"name": one.name, "ok": one.ok, "saw": one.saw} for one in seen],
    }
    path = said.out / "rehearsal.json"
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    console.print(
        f"{sum(one.ok for one in seen)} of {len(seen)} as expected, in {told['seconds']:.0f} s; written: {path}"
    )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
