"""Session IDs by position, as a chart: which positions are constant, and how many symbols the others take."""

from __future__ import annotations

from e2e.analysis.checks.session_ids import describe, minted
from e2e.analysis.id_patterns.positions import Position, positions
from e2e.analysis.model.run import Run
from e2e.analysis.model.wording import plural
from reports.charts.drawing import BAND, BAR, INK, NOTHING, QUIET, Chart, finish, mark_area, new_figure

KINDS = {"constant": "constant", "varying": "varies", "ragged": "missing in shorter IDs"}
_COLOURS = {"constant": NOTHING, "varying": BAR, "ragged": BAND}
_HATCHES = {"constant": "///", "varying": "", "ragged": "..."}


def id_positions(run: Run) -> list[Position]:
    """For each of the first 64 positions the number of different symbols; empty when no ID was recorded at its creation."""
    return run.once("structure.positions", lambda: positions(minted(run).samples))


def structure_title(run: Run) -> str:
    """The number of IDs and the pattern found in them."""
    n = minted(run).distinct
    return f"Structure of {plural(n, 'session ID')} by position: {describe(run).pattern}"


def id_structure(run: Run) -> Chart | None:
    """The chart; None when no ID was recorded at its creation."""
    return run.once("chart.structure", lambda: _draw(run))


def structure_alt(found: list[Position]) -> str:
    """The chart in words: ranges of positions of one kind."""
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
    most = max(p["distinct"] for p in found)
    marks = {}
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
        mark_area(axes, p["index"] + 0.5, 0, 1, most * 1.04, f"position-{p['index']}")
        symbols = plural(p["distinct"], "different symbol")
        marks[f"position-{p['index']}"] = f"position {p['index'] + 1}: {symbols}, {KINDS[p['kind']]}"
    axes.set_xlim(0.3, len(found) + 0.7)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("position in the ID; height: number of different symbols")
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
    head = ("position", "different symbols", "kind")
    table = [(p["index"] + 1, p["distinct"], KINDS[p["kind"]]) for p in found]
    alt = f"{title}: {structure_alt(found)}"
    return finish(figure, axes, "id-structure", title, alt, marks=marks, head=head, rows=table, pad=28)
