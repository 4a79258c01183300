"""Writes the matrix: Markdown page, chart, JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from e2e.analysis.judge import CHECKS
from e2e.selftest.tools.matrix.table import Row, Variant
from reports.charts.drawing import ALARM, BAR, INK, LINE, NOTHING, QUIET, Chart, finish, new_figure


def write(rows: Sequence[Row], out: Path, variant: Variant) -> list[Path]:
    """Write ``matrix.json``, ``matrix.md`` and ``matrix.svg`` and ``.png`` under ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    drawn = chart(rows)
    files: dict[Path, bytes] = {
        out / "matrix.json": (json.dumps([row.to_json() for row in rows], indent=1) + "\n").encode(),
        out / "matrix.md": page(rows, variant).encode(),
        out / "matrix.svg": drawn.svg,
        out / "matrix.png": drawn.png,
    }
    for path, content in files.items():
        path.write_bytes(content)
    return list(files)


def page(rows: Sequence[Row], variant: Variant) -> str:
    """The matrix in Markdown."""
    as_expected = sum(row.ok for row in rows)
    lines = [
        "# Detection matrix",
        "",
        f"{as_expected} of {len(rows)} runs of the reference chat ended as expected "
        f"({', '.join(f'{k} {v}' for k, v in variant.options().items() if v is not None)}).",
        "",
        "![Faults and the checks that failed](matrix.svg)",
        "",
        "| fault | expected | found | checks that failed | |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        found = ", ".join(row.causes) or {"broken": "blocked", "pass": "none"}.get(row.outcome, row.outcome)
        failed = ", ".join(f"`{name}`" for name in row.checks_failed) or "–"
        lines.append(
            f"| {row.fault} | {row.expected} | {found} | {failed} | {'ok' if row.ok else '**miss**'} |"
        )
    return "\n".join(lines) + "\n"


def chart(rows: Sequence[Row]) -> Chart:
    """A row for each fault, a column for each check; filled: the check failed. The last column: was the cause correct."""
    from matplotlib.patches import Rectangle

    checks = [c.name for c in CHECKS]
    figure, axes = new_figure(2.6 + 0.36 * len(checks), 2.0 + 0.27 * len(rows))
    for y, row in enumerate(rows):
        for x, name in enumerate(checks):
            colour = BAR if name in row.checks_failed else NOTHING
            axes.add_patch(Rectangle((x + 0.05, y + 0.08), 0.9, 0.84, facecolor=colour, edgecolor="none"))
        result = "ok" if row.ok else f"miss: {', '.join(row.causes) or row.outcome}"
        axes.text(
            len(checks) + 0.25, y + 0.5, result, va="center", fontsize=8.5, color=QUIET if row.ok else ALARM
        )
    axes.set_xlim(0, len(checks) + 2)
    axes.set_ylim(len(rows), 0)
    axes.set_yticks([y + 0.5 for y in range(len(rows))], [row.fault for row in rows], fontsize=8.5)
    axes.set_xticks(
        [x + 0.5 for x in range(len(checks))], checks, rotation=60, ha="right", fontsize=8, color=INK
    )
    axes.spines["bottom"].set_color(LINE)
    title = f"Failed checks of each fault; {sum(row.ok for row in rows)} of {len(rows)} causes correct"
    alt = title + ". " + "; ".join(f"{row.fault}: {', '.join(row.checks_failed) or 'none'}" for row in rows)
    return finish(figure, axes, "matrix", title, alt)
