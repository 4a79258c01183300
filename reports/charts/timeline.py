"""One chat over the five layers, as a chart: stored ID, sent ID, and the provider by reply, backend and screen."""

from __future__ import annotations

from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey
from reports.charts.drawing import ALARM, BAR, INK, LINE, QUIET, Chart, finish, mark_area, new_figure
from reports.charts.flow import LAYERS, flow_of


def chat_timeline(run: Run, key: ChatKey) -> Chart | None:
    """One chat from New Chat to its last reply, with the last payload of the chat before; None when the chat is not known."""
    return run.once(f"chart.timeline.{'/'.join(map(str, key))}", lambda: _timeline(run, key))


def _timeline(run: Run, key: ChatKey) -> Chart | None:
    flow = flow_of(run, key)
    if flow is None:
        return None
    end = max([0.05, *(p.seconds for p in flow.points)])
    figure, axes = new_figure(10.2, 3.5)
    for layer, name in enumerate(LAYERS):
        axes.axhline(layer, color=LINE, linewidth=1, zorder=1)
        axes.text(
            -0.015,
            layer,
            name,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            color=INK,
            fontsize=9.5,
        )
    taken: dict[int, float] = {}
    marks = {}
    for number, (t, layer, text, alarm, sentence) in enumerate(flow.points):
        x = max(t, -0.12 * end)
        above = taken.get(layer, -1e9) + 0.16 * end > x
        taken[layer] = x
        colour = ALARM if alarm else BAR
        axes.plot([x], [layer], marker="D" if alarm else "o", color=colour, markersize=7, zorder=3)
        axes.text(
            x,
            layer + (0.42 if above else -0.22),
            text,
            ha="left",
            va="bottom",
            color=colour if alarm else INK,
            fontsize=8.5,
            zorder=4,
        )
        mark_area(axes, x - 0.012 * end, layer - 0.2, 0.024 * end, 0.4, f"point-{number}")
        marks[f"point-{number}"] = f"{t:+.3f} s: {sentence}" + (" (wrong)" if alarm else "")
    axes.axvline(0, color=QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.text(
        0,
        -0.62,
        f" {flow.began_by}",
        color=QUIET,
        fontsize=8.5,
        va="bottom",
    )
    axes.set_ylim(len(LAYERS) - 0.35, -0.85)
    axes.set_xlim(-0.14 * end, end * 1.2)
    axes.set_yticks([])
    axes.set_xlabel("seconds since the chat began (left of it: the chat before)")
    title = f"Chat {key.chat} of lane {key.lane} over the five layers"
    alt = title + ": " + "; ".join(f"{p.seconds:.3f} s {LAYERS[p.layer]} {p.text}" for p in flow.points)
    head = ("seconds", "layer", "event", "note")
    table = [
        (f"{p.seconds:+.3f}", LAYERS[p.layer], p.sentence, "wrong" if p.wrong else "") for p in flow.points
    ]
    return finish(
        figure, axes, f"timeline-{key.lane}-{key.chat}", title, alt, marks=marks, head=head, rows=table
    )
