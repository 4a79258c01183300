"""Session IDs by position, as a chart: what is the same in all of them, and where they differ."""

from __future__ import annotations

from e2e.analysis.checks.session_ids import describe, samples_of
from e2e.analysis.id_patterns.positions import Position, positions
from e2e.analysis.model.run import Run
from reports.charts.drawing import BAND, BAR, INK, NOTHING, QUIET, Chart, finish, new_figure

KINDS = {"constant": "always the same", "varying": "different symbols", "ragged": "not in every ID"}
_COLOURS = {"constant": NOTHING, "varying": BAR, "ragged": BAND}
_HATCHES = {"constant": "///", "varying": "", "ragged": "..."}


def id_positions(run: Run) -> list[Position]:
    """For each of the first 64 positions: how many different symbols stand there; empty when no ID was seen being made."""
    return run.once("structure.positions", lambda: positions(samples_of(run)))


def structure_title(run: Run) -> str:
    """What is shown, and what was made of it."""
    n = len({s.ref for s in samples_of(run)})
    return f"Structure of {n} session ID{'s' if n != 1 else ''} by position: {describe(run).pattern}"


def id_structure(run: Run) -> Chart | None:
    """The chart; None when no ID was seen being made."""
    return run.once("chart.structure", lambda: _draw(run))


def structure_alt(found: list[Position]) -> str:
    """In words: stretches of positions of one kind."""
    stretches: list[tuple[str, int, int]] = []
    for p in found:
        if stretches and stretches[-1][0] == p["kind"]:
            stretches[-1] = (p["kind"], stretches[-1][1], p["index"])
        else:
            stretches.append((p["kind"], p["index"], p["index"]))
    return "; ".join(
        f"position{'s' if b > a else ''} {a + 1}{f' to {b + 1}' if b > a else ''}: {KINDS[kind]}"
        for kind, a, b in stretches
    )


def _draw(run: Run) -> Chart | None:
    from matplotlib.patches import Patch

    found = id_positions(run)
    if not found:
        return None
    title = structure_title(run)
    figure, axes = new_figure(max(6.4, 0.24 * len(found) + 1.4), 3.0)
    for p in found:
        axes.bar(
            p["index"] + 1,
            p["distinct"],
            width=0.86,
            color=_COLOURS[p["kind"]],
            hatch=_HATCHES[p["kind"]],
            edgecolor=QUIET,
            linewidth=0.5,
        )
    axes.set_xlim(0.3, len(found) + 0.7)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("position in the ID; height: how many different symbols were seen there")
    kinds = [kind for kind in KINDS if any(p["kind"] == kind for p in found)]
    patches = [
        Patch(facecolor=_COLOURS[k], hatch=_HATCHES[k], edgecolor=QUIET, linewidth=0.5, label=KINDS[k])
        for k in kinds
    ]
    axes.legend(
        handles=patches,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=3,
        frameon=False,
        fontsize=8.5,
        labelcolor=INK,
    )
    return finish(figure, axes, "id-structure", title, f"{title}: {structure_alt(found)}", pad=28)
