"""The run history of one series as a chart: key figures one above the other, with the limit of the alarm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from e2e.analysis.model.wording import plural
from reports.charts.drawing import ALARM, BAR, INK, LINE, PAPER, QUIET, Chart, finish
from reports.history.alarm import Step, level, steps
from reports.history.entry import HistoryEntry

_SHOWN = 60  # runs
_TABLE_ROWS = 400
_PANELS = {
    "reuse_bound": "reuse bound\nof IDs, %",
    "effective_providers": "effective\nproviders",
    "chat_latency_p95": "latency\np95, ms",
}


def history_chart(entries: Sequence[HistoryEntry], alarms_per_year: float) -> Chart | None:
    """The last runs of one series; None without a run. A failed run has a cross, one beyond the limit a ring."""
    every = steps(entries, alarms_per_year)
    found = every[-_SHOWN:]
    if not found:
        return None
    limit = math.log10(1 / level(alarms_per_year))
    panels = [name for name in _PANELS if any(name in s.entry.figures for s in found)]
    figure, all_axes = _figure(len(found), len(panels))
    _evidence(all_axes[0], found, limit)
    for axes, name in zip(all_axes[1:], panels, strict=True):
        _panel(axes, found, name)
    marks = _marks(all_axes[0], found, len(panels))
    every_nth = max(1, math.ceil(len(found) / 10))
    ticks = range(0, len(found), every_nth)
    all_axes[-1].set_xticks(list(ticks), [found[n].entry.date[5:10] for n in ticks])
    all_axes[-1].set_xlabel(
        "run; cross: a check failed or the suite could not look; ring: beyond the limit",
        fontsize=8.5,
        color=QUIET,
    )
    last = found[0].entry
    title = f"Key figures of {plural(len(found), 'run')}: {last.target}, {last.browser}"
    failed = [s.entry.date[:10] for s in found if s.entry.outcome in ("fail", "broken")]
    beyond = [s.entry.date[:10] for s in found if s.alarms]
    alt = f"{title}; runs with failures: {_dates(failed)}; beyond the limit of {limit:.1f}: {_dates(beyond)}"
    head = ("date", "run", "outcome", "causes", "evidence, log10", "alarm")
    table = [
        (s.entry.date, s.entry.run_id, s.entry.outcome, ", ".join(s.entry.causes), _sum(s), "beyond the limit" if s.alarms else "")
        for s in every[-_TABLE_ROWS:]
    ]  # fmt: skip
    return finish(figure, all_axes[0], "history", title, alt, marks=marks, head=head, rows=table)


def _figure(runs: int, panels: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    size = (max(7.0, 0.2 * runs + 2), 1.6 * (panels + 1) + 0.9)
    figure = Figure(figsize=size, facecolor=PAPER, layout="constrained")
    all_axes = figure.subplots(panels + 1, 1, sharex=True, squeeze=False)[:, 0]
    for axes in all_axes:
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(LINE)
        axes.tick_params(colors=INK, length=0, labelsize=8)
        axes.set_facecolor(PAPER)
    return figure, all_axes


def _evidence(axes: Any, found: Sequence[Step], limit: float) -> None:
    sums = [math.nan if s.evidence is None else s.evidence.cusum / math.log(10) for s in found]
    axes.axhline(limit, color=ALARM, linewidth=1.2, linestyle=(0, (5, 3)))
    place = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "bottom"}
    axes.text(1.0, limit, f"alarm from {limit:.1f}", color=ALARM, fontsize=8, **place)
    axes.plot(range(len(found)), sums, color=BAR, linewidth=1.3, marker="o", markersize=3.5)
    ring = {"marker": "o", "markersize": 10, "markerfacecolor": "none", "markeredgecolor": ALARM}
    beyond = [n for n, s in enumerate(found) if s.alarms]
    axes.plot(beyond, [sums[n] for n in beyond], linestyle="none", markeredgewidth=1.6, **ring)
    axes.margins(y=0.15)
    axes.set_ylabel("evidence against\nthe shares, log10", fontsize=8, color=QUIET)
    axes.set_xlim(-0.5, len(found) - 0.5)


def _panel(axes: Any, found: Sequence[Step], name: str) -> None:
    values = [s.entry.figures.get(name, math.nan) for s in found]
    axes.plot(range(len(found)), values, color=BAR, linewidth=1.3, marker="o", markersize=3.5)
    failed = [n for n, s in enumerate(found) if s.entry.outcome in ("fail", "broken")]
    cross = {"marker": "x", "markersize": 8, "color": ALARM, "markeredgewidth": 1.8}
    axes.plot(failed, [values[n] for n in failed], linestyle="none", **cross)
    axes.set_ylabel(_PANELS[name], fontsize=8, color=QUIET)
    axes.set_ylim(0, 1.15 * max((v for v in values if not math.isnan(v)), default=1) or 1)


def _marks(axes: Any, found: Sequence[Step], panels: int) -> dict[str, str]:
    """One area for each run, over all panels."""
    marks = {}
    for n, step in enumerate(found):
        area = axes.axvspan(
            n - 0.5, n + 0.5, -1.25 * panels, 1, alpha=0, facecolor=PAPER, edgecolor="none", gid=f"run-{n}"
        )
        area.set_clip_on(False)
        area.set_in_layout(False)
        entry, figures = step.entry, []
        if step.evidence is not None:
            figures.append(f"evidence {_sum(step)}" + (" (beyond the limit)" if step.alarms else ""))
        for name, label in _PANELS.items():
            if name in entry.figures:
                figures.append(f"{label.replace(chr(10), ' ')}: {entry.figures[name]:g}")
        causes = f" ({', '.join(entry.causes)})" if entry.causes else ""
        marks[f"run-{n}"] = f"{entry.date}, {entry.run_id}: {entry.outcome}{causes}; {'; '.join(figures)}"
    return marks


def _sum(step: Step) -> str:
    return "" if step.evidence is None else f"{step.evidence.cusum / math.log(10):.1f}"


def _dates(dates: Sequence[str]) -> str:
    """``none``, or how many with the first and the last."""
    if len(dates) < 3:
        return " and ".join(dates) or "none"
    return f"{len(dates)}, from {dates[0]} to {dates[-1]}"
