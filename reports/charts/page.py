"""The interactive page of the charts: one HTML file with the same SVG as ``charts/NAME.svg``, without network.

Pointing at a mark or reaching it with the arrow keys shows its text. Colours follow the light or dark theme. Each chart has its
description and its numbers as a table, so that neither colour nor pointing is needed. Where no script runs, as in an attachment
of Allure, the charts are the same and the browser shows the texts itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from reports.charts.drawing import ALARM, BAND, BAR, INK, LINE, NOTHING, PAPER, QUIET, Chart
from reports.templates.rendering import template

_THEME: Mapping[str, tuple[str, str]] = {
    INK: ("ink", "#e9e9ef"),
    QUIET: ("quiet", "#b1b3bf"),
    LINE: ("line", "#3c3d46"),
    PAPER: ("paper", "#1b1c21"),
    BAR: ("bar", "#8b96f5"),
    BAND: ("band", "#3a3f6b"),
    ALARM: ("alarm", "#ff8a80"),
    NOTHING: ("nothing", "#34353d"),
}
"""Colour of the light theme -> name of the CSS variable, colour of the dark theme."""
_COLOUR = re.compile("|".join(_THEME))


def charts_page(title: str, charts: Sequence[Chart]) -> str:
    """The page with these charts."""
    return template("charts.html.j2").render(
        title=title,
        charts=[(chart, _inline(chart)) for chart in charts],
        theme={name: (light, dark) for light, (name, dark) in _THEME.items()},
    )


def _inline(chart: Chart) -> Markup:
    """The ``<svg>`` element with CSS variables for colours; as wide as drawn at most, at a fixed size for a table of cells."""
    text = chart.svg.decode("utf-8")
    drawing = _COLOUR.sub(lambda m: f"var(--{_THEME[m[0]][0]})", text[text.index("<svg") :])
    return Markup(drawing)  # noqa: S704 - drawn by this package, texts escaped in `finish`
