"""The pages of the site: an index of all runs, and one page for each run."""

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
    "broken": "broken: the suite could not look",
    "inconclusive": "inconclusive",
}


_WIDE = '<div class="wide" tabindex="0" role="region" aria-label="Table {}">'


def index_page(history: History, there: Collection[str], alarms_per_year: float) -> str:
    """All runs by target and browser, the newest first. ``there`` holds the IDs of runs whose report is on the site."""
    series = []
    for (target, browser), entries in series_of(history).items():
        chart = history_chart(entries, alarms_per_year)
        found = steps(entries, alarms_per_year)
        series.append(
            {
                "target": target,
                "title": entries[-1].facts.get("title", target),
                "browser": browser,
                "alarms": alarms(entries, alarms_per_year),
                "chart": Markup(_inline(chart.svg)) if chart else None,  # noqa: S704 - drawn here
                "steps": list(reversed(found)),
                "changed": {now.run_id for before, now in pairwise(entries) if before.state != now.state},
            }
        )  # fmt: skip
    return _page("site_index.html.j2", series=series, there=set(there), unread=history.unread)


def run_page(judged: Judged, summary: str, charts: Sequence[Path]) -> str:
    """One run: its summary as a page, its charts, and a link to its report."""
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(summary)
    html = html.replace("<pre>", '<pre tabindex="0">').replace("</table>", "</table></div>")
    numbers = count(1)
    html = re.sub("<table>", lambda _: f"{_WIDE.format(next(numbers))}<table>", html)
    return _page(
        "site_run.html.j2",
        title=f"{judged.run.metas[0].title}: {WORDS[judged.summary.outcome]}",
        summary=Markup(html),  # noqa: S704 - Markdown without HTML in it
        charts=[Markup(_inline(path.read_bytes())) for path in charts],  # noqa: S704 - drawn here
    )


def _inline(svg: bytes) -> str:
    """The ``<svg>`` element alone, scaled to the width of the page."""
    text = svg.decode("utf-8")
    return text[text.index("<svg") :].replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1)


def _page(name: str, **values: Any) -> str:
    return template(name).render(MARKS=MARKS, WORDS=WORDS, UNCHANGED=UNCHANGED, **values)
