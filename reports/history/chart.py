"""The nights of one series as a chart: key figures one above the other, with the limits of the alarm."""

from __future__ import annotations

import math
from collections.abc import Sequence

from e2e.analysis.model.wording import plural
from reports.charts.drawing import ALARM, BAR, INK, LINE, PAPER, QUIET, Chart, finish
from reports.history.alarm import level, steps
from reports.history.entry import Night

_SHOWN = 60  # nights
_LABELS = {
    "reuse_bound": "reuse bound\nof IDs, %",
    "effective_providers": "effective\nproviders",
    "chat_latency_p95": "latency\np95, ms",
}


def history_chart(nights: Sequence[Night], alarms_per_year: float = 0.02) -> Chart | None:
    """The last nights of one series; None when there are none. A night that failed has a cross, one beyond the limit a ring."""
    from matplotlib.figure import Figure

    found = steps(nights, alarms_per_year)[-_SHOWN:]
    if not found:
        return None
    panels = [name for name in _LABELS if any(name in s.night.figures for s in found)]
    figure = Figure(
        figsize=(max(7.0, 0.2 * len(found) + 2), 1.6 * (len(panels) + 1) + 0.9),
        facecolor=PAPER,
        layout="constrained",
    )
    all_axes = figure.subplots(len(panels) + 1, 1, sharex=True, squeeze=False)[:, 0]
    x = list(range(len(found)))
    limit = math.log10(1 / level(alarms_per_year))
    top = all_axes[0]
    sums = [math.nan if s.evidence is None else s.evidence.cusum / math.log(10) for s in found]
    top.axhline(limit, color=ALARM, linewidth=1.2, linestyle=(0, (5, 3)))
    top.text(
        1.0,
        limit,
        f"alarm from {limit:.1f}",
        transform=top.get_yaxis_transform(),
        ha="right",
        va="bottom",
        color=ALARM,
        fontsize=8,
    )
    top.plot(x, sums, color=BAR, linewidth=1.3, marker="o", markersize=3.5)
    for n, s in enumerate(found):
        if s.alarms:
            top.plot(
                [n],
                [sums[n]],
                marker="o",
                markersize=10,
                markerfacecolor="none",
                markeredgecolor=ALARM,
                markeredgewidth=1.6,
            )
    top.margins(y=0.15)
    top.set_ylabel("evidence against\nthe shares, log10", fontsize=8, color=QUIET)
    for axes, name in zip(all_axes[1:], panels, strict=True):
        values = [s.night.figures.get(name, math.nan) for s in found]
        axes.plot(x, values, color=BAR, linewidth=1.3, marker="o", markersize=3.5)
        for n, s in enumerate(found):
            if s.night.outcome in ("fail", "broken"):
                axes.plot([n], [values[n]], marker="x", markersize=8, color=ALARM, markeredgewidth=1.8)
        axes.set_ylabel(_LABELS[name], fontsize=8, color=QUIET)
        axes.set_ylim(0, 1.15 * max((v for v in values if v == v), default=1) or 1)  # noqa: PLR0124 - not NaN
    for axes in all_axes:
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(LINE)
        axes.tick_params(colors=INK, length=0, labelsize=8)
        axes.set_facecolor(PAPER)
    top.set_xlim(-0.5, len(found) - 0.5)
    every = max(1, math.ceil(len(found) / 10))
    all_axes[-1].set_xticks(x[::every], [s.night.date[5:10] for s in found][::every])
    all_axes[-1].set_xlabel(
        "night; cross: a check failed or the suite could not look; ring: beyond the limit",
        fontsize=8.5,
        color=QUIET,
    )
    title = f"Key figures of {plural(len(found), 'night')}: {found[0].night.target}, {found[0].night.browser}"
    failed = [s.night.date[:10] for s in found if s.night.outcome in ("fail", "broken")]
    beyond = [s.night.date[:10] for s in found if s.alarms]
    alt = f"{title}; nights with failures: {_told(failed)}; beyond the limit of {limit:.1f}: {_told(beyond)}"
    return finish(figure, top, "history", title, alt)


def _told(dates: Sequence[str]) -> str:
    """``none``, or how many with the first and the last."""
    if len(dates) < 3:
        return " and ".join(dates) or "none"
    return f"{len(dates)}, from {dates[0]} to {dates[-1]}"
