"""Everything that is made of the last run: summary, charts, the night in the history, and the Allure report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from e2e.errors import HarnessError
from reports.history.alarm import told
from reports.history.entry import Night, night_of
from reports.history.store import ALLURE, KEEP, History, Store
from reports.summary.aggregate import Judged, judge_last, write_summary


@dataclass(frozen=True, slots=True)
class Built:
    """What was made, and of what."""

    judged: Judged
    night: Night
    nights: History
    """The series up to this night."""
    index: Path
    """The page of the Allure report to open."""
    lost: HarnessError | None = None
    """Why the history could not take the night: the report is built all the same."""


def build(
    out: Path,
    history: str | Path | None = None,
    *,
    judged: Judged | None = None,
    allure_history: Path | None = None,
    keep: int = KEEP,
    base_url: str = "",
) -> Built:
    """Judge the last run under ``out`` and write all that is made of it there; the night goes to ``history``.

    ``judged`` is that run where somebody has judged it already. ``base_url`` is where the report will be found, with ``{night}``
    for the night's name. Raises `HarnessError` when there is nothing to report, or the report could not be built.
    """
    from reports.allure.build import build_allure
    from reports.allure.config import allure_run
    from reports.allure.results import complete_results
    from reports.charts.charts import chart_set, write_chart
    from reports.history.chart import history_chart
    from reports.interactive import interactive_page

    judged = judged or judge_last(out)
    night = night_of(judged)
    nights, lost = _add(night, history or out / "history", keep)
    judged = replace(judged, since=told(nights.nights, judged.run.alarms_per_year))
    write_summary(judged, out)
    drawn = chart_set(judged.run, out)
    chart = history_chart(nights.nights, judged.run.alarms_per_year)
    if chart is not None:
        write_chart(chart, out)
        drawn.append(chart)
    page = interactive_page(judged.run, nights.nights)
    (out / "charts" / "charts.html").write_text(page, encoding="utf-8")
    results = out / "allure-results"
    complete_results(judged, results, drawn, page)
    link = base_url.replace("{night}", night.run_id)
    run = allure_run(judged, allure_history or out / "history" / ALLURE, link)
    index = build_allure(results, out / "allure-report", run)
    return Built(judged, night, nights, index, lost)


def _add(night: Night, place: str | Path, keep: int) -> tuple[History, HarnessError | None]:
    """The night's series with it; and the error where the history could not take it."""
    try:
        store = Store(place)
        store.add(night, keep)
        return store.read().of(*night.series), None
    except HarnessError as error:
        return History((night,)), error
