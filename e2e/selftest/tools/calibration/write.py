"""Writes the measured rates: Markdown page, chart, JSON."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from e2e.selftest.tools.calibration.campaigns import FAULTS, LANES
from e2e.selftest.tools.calibration.measure import (
    CHECKS,
    LEVELS,
    POWER_SHARE,
    PROVIDERS,
    SESSIONS,
    Rate,
    interval,
)
from reports.charts.drawing import ALARM, INK, LINE, PAPER, QUIET, Chart, finish, new_figure

SCHEMA = 1
_MADE_FOR = {
    "pinned": "provider.varies",
    "sticky 50 %": "provider.independent",
    "cycle": "provider.independent",
}
"""Fault -> the check that detects it; for skews `provider.balanced`."""
_COLOURS = {"provider.varies": "#4f5bd5", "provider.balanced": "#1f8a63", "provider.independent": "#b8642c"}


def made_for(fault: str) -> str:
    """The check that should detect a fault."""
    return _MADE_FOR.get(fault, "provider.balanced")


def write(
    rates: Sequence[Rate], out: Path, *, campaigns: int, seed: int, wrong: Sequence[Rate]
) -> list[Path]:
    """Write ``calibration.md``, ``calibration.json`` and ``charts/calibration.svg`` and ``.png`` under ``out``."""
    (out / "charts").mkdir(parents=True, exist_ok=True)
    drawn = chart(rates)
    files: dict[Path, bytes] = {
        out / "calibration.md": page(rates, campaigns=campaigns, seed=seed, wrong=wrong).encode(),
        out / "calibration.json": (json.dumps(as_json(rates, campaigns, seed), indent=1) + "\n").encode(),
        out / "charts" / "calibration.svg": drawn.svg,
        out / "charts" / "calibration.png": drawn.png,
    }
    for path, content in files.items():
        path.write_bytes(content)
    return list(files)


def as_json(rates: Sequence[Rate], campaigns: int, seed: int) -> dict[str, Any]:
    """``rates`` has one entry per check, k, n, alpha and fault (null: healthy); the rest reproduces the measurement."""
    versions = {"python": platform.python_version(), "numpy": version("numpy"), "scipy": version("scipy")}
    return {
        "schema": SCHEMA,
        "seed": seed,
        "campaigns": campaigns,
        "lanes": LANES,
        "versions": versions,
        "rates": [asdict(rate) for rate in rates],
    }


def pooled(rates: Sequence[Rate], check: str, alpha: float) -> tuple[int, int, Rate]:
    """Alarms and campaigns of all healthy cells together, and the cell with the highest rate."""
    found = [r for r in rates if r.check == check and r.alpha == alpha and r.fault is None]
    return sum(r.alarms for r in found), sum(r.campaigns for r in found), max(found, key=lambda r: r.rate)


def page(rates: Sequence[Rate], *, campaigns: int, seed: int, wrong: Sequence[Rate]) -> str:
    """The Markdown page."""
    parts = [
        "# False alarms and power of the statistical checks",
        f"{campaigns:,} simulated healthy campaigns for each of {_listed(PROVIDERS)} equal providers and {_listed(SESSIONS)} "
        f"new sessions in {LANES} lanes, and {max(1, campaigns // POWER_SHARE):,} for each fault, judged with the functions "
        f"of the checks (seed {seed}).",
        "![False alarms and power](charts/calibration.svg)",
        "## False alarms",
        "The rate must be at most alpha. Intervals: Clopper-Pearson, 95 %.",
        _table(
            ["check", "alpha", "campaigns", "alarms", "rate", "95 % interval", "highest of one kind"],
            [_summary(rates, check, level) for check in CHECKS for level in LEVELS],
        ),
        _judged(rates, wrong),
        "## Power",
        "Share of the faulty campaigns that fail the check for this fault, at alpha = 1e-5 (in brackets: at 1e-3).",
    ]
    for k in PROVIDERS:
        parts += [f"{k} providers:", _power(rates, k)]
    parts += [
        "## Rates of every kind of healthy campaign",
        _table(["check", "providers", "sessions", *_alphas()], _every(rates)),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(rates: Sequence[Rate], check: str, level: float) -> list[str]:
    alarms, campaigns, worst = pooled(rates, check, level)
    low, high = interval(alarms, campaigns)
    where = f"{worst.rate:.2g} ({worst.k} providers, {worst.n} sessions)" if worst.alarms else "0"
    return [
        f"`{check}`",
        f"{level:g}",
        f"{campaigns:,}",
        f"{alarms:,}",
        f"{alarms / campaigns:.2g}",
        f"{low:.2g} to {high:.2g}",
        where,
    ]


def _judged(rates: Sequence[Rate], wrong: Sequence[Rate]) -> str:
    tested = sum(r.is_false_alarm_rate for r in rates)
    if not wrong:
        return (
            f"None of {tested} rates is significantly above its threshold (simultaneous lower bounds, 95 %)."
        )
    lines = [
        f"- `{r.check}`, {r.k} providers, {r.n} sessions, {r.fault or 'healthy'}: {r.alarms} of {r.campaigns} at {r.alpha:g}"
        for r in wrong
    ]
    return f"**{len(wrong)} of {tested} rates are significantly above their threshold:**\n\n" + "\n".join(
        lines
    )


def _power(rates: Sequence[Rate], k: int) -> str:
    found = {(r.check, r.fault, r.n, r.alpha): r for r in rates if r.k == k and r.fault}
    lines = []
    for fault in FAULTS:
        check = made_for(fault)
        if (check, fault, SESSIONS[0], LEVELS[0]) in found:
            strict = [found[check, fault, n, LEVELS[0]].rate for n in SESSIONS]
            loose = [found[check, fault, n, LEVELS[1]].rate for n in SESSIONS]
            cells = [f"{100 * a:.0f} % ({100 * b:.0f} %)" for a, b in zip(strict, loose, strict=True)]
            lines.append([fault, f"`{check}`", *cells])
    return _table(["fault", "detected by", *(f"{n} sessions" for n in SESSIONS)], lines)


def _alphas() -> list[str]:
    return [f"rate at {level:g}" for level in LEVELS]


def _every(rates: Sequence[Rate]) -> list[list[str]]:
    found = {(r.check, r.k, r.n, r.alpha): r for r in rates if r.fault is None}
    return [
        [f"`{check}`", str(k), str(n)]
        + [f"{r.rate:.2g} ({r.low:.1g} to {r.high:.2g})" for r in (found[check, k, n, a] for a in LEVELS)]
        for check in CHECKS
        for k in PROVIDERS
        for n in SESSIONS
    ]


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"


def chart(rates: Sequence[Rate]) -> Chart:
    """Left: false alarms at 1e-2 as a share of what is allowed. Right: power at 1e-5 with three providers."""
    figure, left = new_figure(11, 4.4)
    grid = figure.add_gridspec(1, 2, width_ratios=(1, 1.15))
    left.set_subplotspec(grid[0])
    right = figure.add_subplot(grid[1])
    right.set_facecolor(PAPER)
    for side in ("top", "right", "left"):
        right.spines[side].set_visible(False)
    right.spines["bottom"].set_color(LINE)
    right.tick_params(colors=INK, length=0, labelsize=9.5)
    worst = _false_alarms(left, rates)
    powers = _curves(right, rates)
    for axes in (left, right):
        axes.xaxis.label.set_color(QUIET)
        axes.xaxis.label.set_fontsize(8.5)
        axes.grid(axis="y", color=LINE, linewidth=0.6)
        axes.set_axisbelow(True)
    right.set_title(
        "Power at alpha = 1e-5, 3 providers", loc="left", color=INK, fontsize=11.5, fontweight="bold", pad=10
    )
    alt = f"{worst}. Power at alpha 1e-5 with three providers: {powers}"
    return finish(figure, left, "calibration", "False alarms at alpha = 1e-2", alt)


def _false_alarms(axes: Any, rates: Sequence[Rate]) -> str:
    level, texts = LEVELS[-1], []
    for group, check in enumerate(CHECKS):
        found = [r for r in rates if r.check == check and r.alpha == level and r.fault is None]
        for i, r in enumerate(found):
            x = group + 0.8 * (i / max(1, len(found) - 1) - 0.5)
            axes.plot([x, x], [100 * r.low, 100 * r.high], color=_COLOURS[check], linewidth=1.4, alpha=0.5)
            axes.plot([x], [100 * r.rate], "o", color=_COLOURS[check], markersize=4)
        texts.append(f"{check} at most {100 * max(r.rate for r in found):.2f} %")
    axes.axhline(100 * level, color=ALARM, linewidth=1.2)
    axes.text(len(CHECKS) - 0.5, 100 * level, "alpha", color=ALARM, fontsize=9, va="center")
    axes.set_xticks(range(len(CHECKS)), [c.split(".")[1] for c in CHECKS])
    axes.set_ylim(0, None)
    axes.yaxis.set_major_formatter("{x:g} %")
    axes.set_xlabel(
        f"one point per number of providers and sessions ({len(PROVIDERS) * len(SESSIONS)} each), with 95 % interval"
    )
    return "False-alarm rates at alpha 1e-2: " + ", ".join(texts)


def _curves(axes: Any, rates: Sequence[Rate]) -> str:
    texts, ends = [], []
    for fault in FAULTS:
        check = made_for(fault)
        found = sorted(
            (r for r in rates if (r.check, r.fault, r.k, r.alpha) == (check, fault, 3, LEVELS[0])),
            key=lambda r: r.n,
        )
        power = [100 * r.rate for r in found]
        axes.plot([r.n for r in found], power, "o-", color=_COLOURS[check], linewidth=1.6, markersize=4)
        ends.append((power[::-1], fault, _COLOURS[check]))
        texts.append(
            f"{fault} " + ", ".join(f"{p:.0f} % of {r.n}" for p, r in zip(power, found, strict=True))
        )
    at = 1e9
    for power, fault, colour in sorted(ends, reverse=True, key=lambda end: end[0]):
        at = min(power[0], at - 6)
        axes.text(SESSIONS[-1] + 2, at, fault, color=colour, fontsize=9, va="center")
    axes.set_xlim(SESSIONS[0] - 3, SESSIONS[-1] * 1.32)
    axes.set_xticks(SESSIONS)
    axes.set_ylim(-3, 104)
    axes.yaxis.set_major_formatter("{x:g} %")
    axes.set_xlabel("new sessions; detected by varies (blue), balanced (green), independent (brown)")
    return "; ".join(texts)
