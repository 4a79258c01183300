"""What all charts share: a ground of their own, colours that are told apart on it, words for what a colour says."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

INK, QUIET, LINE, PAPER = "#23242a", "#61636e", "#d9d9e0", "#ffffff"
BAR, BAND, ALARM, NOTHING = "#4f5bd5", "#c9cdf5", "#b3261e", "#f0f0f3"
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


@dataclass(frozen=True)
class Chart:
    """A drawn chart. ``alt`` says in words what it shows; it is the SVG's description too."""

    name: str
    title: str
    alt: str
    svg: bytes
    _figure: Any = field(repr=False, compare=False)

    @cached_property
    def png(self) -> bytes:
        """The same as pixels; made only when asked for, since a report takes the SVG."""
        out = io.BytesIO()
        self._figure.savefig(out, format="png", dpi=140, metadata={"Software": None})
        return out.getvalue()


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


def finish(figure: Any, axes: Any, name: str, title: str, alt: str, *, pad: float = 10) -> Chart:
    """Give the drawing its title and words, and make the SVG of it."""
    import matplotlib as mpl

    axes.set_title(title, loc="left", color=INK, fontsize=11.5, fontweight="bold", pad=pad)
    figure.get_layout_engine().set(w_pad=0.18, h_pad=0.15)
    out = io.BytesIO()
    # Text stays text: it can be searched and read aloud. A fixed salt and no date: equal charts are equal bytes.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    described = f"<title>{escape(title)}</title><desc>{escape(alt)}</desc>"
    svg = re.sub(
        r"(<svg\b[^>]*)>", lambda m: f'{m[1]} role="img">{described}', out.getvalue().decode(), count=1
    )
    return Chart(name, title, alt, svg.encode(), figure)


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
