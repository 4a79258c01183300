"""The site's pages: an index of the nights, and a night."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import count, pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from reports.history.alarm import UNCHANGED, alarms, steps
from reports.history.chart import history_chart
from reports.history.show import series_of
from reports.history.store import History
from reports.summary.aggregate import Judged
from reports.templates.rendering import template

MARKS = {"pass": "✔", "fail": "✘", "broken": "!", "inconclusive": "–"}
WORDS = {
    "pass": "passed",
    "fail": "failed",
    "broken": "could not look",
    "inconclusive": "too little was seen",
}


_WIDE = '<div class="wide" tabindex="0" role="region" aria-label="Table {}">'


def index_page(history: History, there: Collection[str], alarms_per_year: float) -> str:
    """All nights, the newest first, by target and browser. ``there`` names those whose report is on the site."""
    series = []
    for (target, browser), nights in series_of(history).items():
        chart = history_chart(nights, alarms_per_year)
        found = steps(nights, alarms_per_year)
        series.append(
            {
                "target": target,
                "title": nights[-1].facts.get("title", target),
                "browser": browser,
                "alarms": alarms(nights, alarms_per_year),
                "chart": Markup(_inline(chart.svg)) if chart else None,  # noqa: S704 - drawn here
                "steps": list(reversed(found)),
                "changed": {n.run_id for before, n in pairwise(nights) if before.state != n.state},
            }
        )  # fmt: skip
    return _page("site_index.html.j2", series=series, there=set(there), unread=history.unread)


def night_page(judged: Judged, summary: str, charts: Sequence[Path]) -> str:
    """One night: its summary as a page, its charts, and the way to its report."""
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(summary)
    html = html.replace("<pre>", '<pre tabindex="0">').replace("</table>", "</table></div>")
    numbers = count(1)
    html = re.sub("<table>", lambda _: f"{_WIDE.format(next(numbers))}<table>", html)
    return _page(
        "site_night.html.j2",
        title=f"{judged.run.metas[0].title}: {WORDS[judged.summary.outcome]}",
        summary=Markup(html),  # noqa: S704 - Markdown without HTML in it
        charts=[Markup(_inline(path.read_bytes())) for path in charts],  # noqa: S704 - drawn here
    )


def _inline(svg: bytes) -> str:
    """The ``<svg>`` element alone, as wide as there is room."""
    text = svg.decode("utf-8")
    return text[text.index("<svg") :].replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1)


def _page(name: str, **values: Any) -> str:
    return template(name).render(MARKS=MARKS, WORDS=WORDS, UNCHANGED=UNCHANGED, **values)
