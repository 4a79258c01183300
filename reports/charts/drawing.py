"""What all charts share: one figure that is drawn as SVG and PNG, a colour theme, texts for each mark, the numbers as a table.

matplotlib is the only engine. The interactive page shows the same SVG: `finish` adds a text to each mark, and the page's script
shows it for pointer and keyboard.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

INK, QUIET, LINE, PAPER = "#23242a", "#61636e", "#d9d9e0", "#ffffff"
BAR, BAND, ALARM, NOTHING = "#4f5bd5", "#c9cdf5", "#b3261e", "#f0f0f3"
CELL_INK = "#24252b"
"""Text on a colour of `PALETTE`: dark in the dark theme too, so it must differ from `INK`."""
PALETTE = (
    "#8ea2f0",
    "#f2b880",
    "#8fd0b0",
    "#e79bb4",
    "#c4b0ea",
    "#d7cf86",
    "#8cc8dd",
    "#d8a98f",
    "#b5c99a",
    "#e0a3d8",
    "#a9b4c2",
    "#f0c9c9",
)


_NOT_OF_A_RUN = ("calibration", "history")


@dataclass(frozen=True)
class Chart:
    """A drawn chart. ``alt`` describes it in words; it is the SVG's description too."""

    name: str
    title: str
    alt: str
    svg: bytes
    head: tuple[str, ...] = ()
    """Columns of the table with the chart's numbers."""
    rows: tuple[tuple[str, ...], ...] = ()
    _figure: Any = field(default=None, repr=False, compare=False)

    @cached_property
    def png(self) -> bytes:
        """The same figure as pixels; drawn on first use, since the report itself needs the SVG only."""
        out = io.BytesIO()
        self._figure.savefig(out, format="png", dpi=140, metadata={"Software": None})
        return out.getvalue()

    def files(self) -> dict[str, bytes]:
        """``charts/NAME.svg`` and ``.png`` with their content."""
        return {f"charts/{self.name}.svg": self.svg, f"charts/{self.name}.png": self.png}

    @property
    def kind(self) -> str:
        """The name without numbers: ``timeline`` for ``timeline-0-1``."""
        return re.sub(r"(-\d+)+$", "", self.name)


def remove_charts(out: Path) -> None:
    """Remove the charts of an earlier run under ``out``."""
    folder = out / "charts"
    for old in (*folder.glob("*.svg"), *folder.glob("*.png"), *folder.glob("*.html")):
        if old.stem not in _NOT_OF_A_RUN:
            old.unlink()


def new_figure(width: float, height: float) -> tuple[Any, Any]:
    """A figure of this size in inches, and its axes, without frame and window."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=PAPER, layout="constrained")
    axes = figure.add_subplot()
    axes.set_facecolor(PAPER)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(colors=INK, length=0, labelsize=9.5)
    axes.xaxis.label.set_color(QUIET)
    axes.xaxis.label.set_fontsize(8.5)
    return figure, axes


def mark_area(axes: Any, left: float, top: float, width: float, height: float, mark: str) -> None:
    """An invisible rectangle that shows the text of ``mark``: a thin bar or a small dot is hard to point at."""
    from matplotlib.patches import Rectangle

    area = Rectangle(
        (left, top), width, height, facecolor=PAPER, edgecolor="none", alpha=0, zorder=9, gid=mark
    )
    axes.add_patch(area)


def finish(
    figure: Any,
    axes: Any,
    name: str,
    title: str,
    alt: str,
    *,
    marks: Mapping[str, str] | None = None,
    head: Sequence[str] = (),
    rows: Sequence[Sequence[object]] = (),
    pad: float = 10,
) -> Chart:
    """Give the figure its title and description and draw it as SVG.

    ``marks`` maps the gid of an artist to its text. ``head`` and ``rows`` are the numbers of the chart as a table.
    """
    import matplotlib as mpl
    from matplotlib.text import Text

    axes.set_title(title, loc="left", color=INK, fontsize=11.5, fontweight="bold", pad=pad)
    for text in figure.findobj(Text):  # a name of the target's with two $ is no formula
        if "$" in text.get_text() and "mathdefault" not in text.get_text():
            text.set_parse_math(False)
    figure.get_layout_engine().set(w_pad=0.18, h_pad=0.15)
    out = io.BytesIO()
    # Text stays text: searchable and readable by a screen reader. Fixed salt, no date: equal charts have equal bytes.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    described = f"<title>{escape(title)}</title><desc>{escape(alt)}</desc>"
    svg = re.sub(
        r"(<svg\b[^>]*)>", lambda m: f'{m[1]} role="img">{described}', out.getvalue().decode(), count=1
    )
    if marks:
        svg = re.sub(r'<g id="([^"]+)">', lambda m: _marked(m[0], m[1], name, marks), svg)
    table = tuple(tuple(str(cell) for cell in row) for row in rows)
    return Chart(name, title, alt, svg.encode(), tuple(head), table, figure)


def _marked(group: str, mark: str, name: str, marks: Mapping[str, str]) -> str:
    """The group with its text. Its ID gets the chart's name in front: several charts share one page.

    matplotlib draws an invisible area without a fill, which a pointer would pass through.
    """
    if mark not in marks:
        return group
    return f'<g id="{name}-{mark}" class="mark" pointer-events="all"><title>{escape(marks[mark])}</title>'


def initials(names: list[str]) -> dict[str, str]:
    """A short name for each, no two alike: "Big hat" is BH; "Blue hen" beside it makes them BH1 and BH2."""
    short = {
        name: "".join(word[0] for word in re.split(r"[\s_./-]+", name) if word)[:3].upper() or "?"
        for name in names
    }
    taken = list(short.values())
    found: dict[str, str] = {}
    for name, letters in short.items():
        alike = [n for n in names if short[n] == letters]
        found[name] = f"{letters}{alike.index(name) + 1}" if taken.count(letters) > 1 else letters
    return found
