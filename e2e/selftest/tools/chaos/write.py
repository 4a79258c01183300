"""The counts of each fault and every violation, as Markdown and JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from e2e.selftest.tools.chaos.faults.definition import Fault
from e2e.selftest.tools.chaos.judging import BROKEN, CLASSES, INCONCLUSIVE, RIGHT, VIOLATION
from e2e.selftest.tools.chaos.runs import Result


def write(
    results: Sequence[Result], faults: Mapping[str, Fault], left_out: Mapping[str, str], out: Path
) -> list[Path]:
    """Write ``chaos.md`` and ``chaos.json`` under ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    table, page = out / "chaos.json", out / "chaos.md"
    data = {"runs": [r.to_json() for r in results], "left_out": dict(left_out)}
    table.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    page.write_text(text_of(results, faults, left_out), encoding="utf-8")
    return [page, table]


def text_of(results: Sequence[Result], faults: Mapping[str, Fault], left_out: Mapping[str, str]) -> str:
    """A row for each fault; after the table every violation, with the command that repeats it."""
    counts = {name: Counter(r.found.outcome for r in results if r.draw.fault == name) for name in faults}
    lines = [
        "# Faulted runs",
        "",
        f"{len(results)} runs, {sum(c[VIOLATION] for c in counts.values())} with a violation.",
        "",
        "| fault | what | runs | right verdict | broken, true reason | inconclusive | violations | of these, not hit by the fault |",
        "|---|---|---|---|---|---|---|---|",
    ]
    missed = Counter(r.draw.fault for r in results if r.missed)
    lines += [_row(name, faults[name].what, count, missed[name]) for name, count in counts.items() if count]
    lines.append(_row("all", "", sum(counts.values(), Counter()), missed.total()))
    lines += _reasons(results)
    lines += [f"\n`{name}` was not tried: {why}" for name, why in left_out.items()]
    bad = [r for r in results if r.found.outcome == VIOLATION]
    lines += ["", "## Violations", ""] if bad else []
    for result in bad:
        drawn = result.draw
        lines.append(
            f"- `make chaos SEED={drawn.seed} RUN={drawn.number}{result.only}` ({drawn.fault}: {drawn}; {'; '.join(result.notes)})"
        )
        lines += [f"  - {' '.join(one.split())[:300]}" for one in result.found.violations]
    return "\n".join(lines) + "\n"


def _reasons(results: Sequence[Result]) -> list[str]:
    """Each reason of each fault, for a reader who judges whether it is true of that fault."""
    found = Counter(
        (r.draw.fault, re.sub(r"\d+(\.\d+)?", "N", " ".join(one.split())[:200]))
        for r in results
        if r.found.outcome != VIOLATION
        for one in r.found.reasons
    )
    lines = ["", "## Reasons of the runs without a right verdict", ""] if found else []
    return [*lines, *(f"- {fault}: {one} ({count})" for (fault, one), count in sorted(found.items()))]


def _row(name: str, what: str, count: Counter[str], missed: int) -> str:
    assert set(count) <= set(CLASSES)
    cells = (count[RIGHT], count[BROKEN], count[INCONCLUSIVE], count[VIOLATION], missed)
    return f"| {name} | {what} | {count.total()} | {' | '.join(map(str, cells))} |"
