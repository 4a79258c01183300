"""Builds everything from the last run: summary, charts, the entry in the run history, and the Allure report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from e2e.errors import HarnessError
from reports.history.alarm import since_when
from reports.history.entry import HistoryEntry, entry_of
from reports.history.store import ALLURE, KEEP, History, Store
from reports.summary.aggregate import Judged, judge_last, write_summary


@dataclass(frozen=True, slots=True)
class Built:
    """What was built, and from which run."""

    judged: Judged
    entry: HistoryEntry
    history: History
    """The series up to this run."""
    index: Path
    """The page of the Allure report to open."""
    lost: HarnessError | None = None
    """Why the run could not be added to the history; the report is built nevertheless."""


def build(
    out: Path,
    history: str | Path | None = None,
    *,
    judged: Judged | None = None,
    allure_history: Path | None = None,
    keep: int = KEEP,
    base_url: str = "",
) -> Built:
    """Judge the last run under ``out``, write its summary, charts and report there, and add it to ``history``.

    ``judged`` is that run if it is already judged. ``base_url`` is the address of the report, with ``{run}`` for the run ID. Raises
    `HarnessError` when there is nothing to report, or when the report could not be built.
    """
    from reports.allure.build import build_allure
    from reports.allure.config import allure_run
    from reports.allure.results import complete_results
    from reports.charts.charts import chart_set, write_chart
    from reports.charts.page import charts_page
    from reports.history.chart import history_chart

    judged = judged or judge_last(out)
    entry = entry_of(judged)
    series, lost = _add(entry, history or out / "history", keep)
    judged = replace(judged, since=since_when(series.entries, judged.run.alarms_per_year))
    write_summary(judged, out)
    charts = chart_set(judged.run, out)
    chart = history_chart(series.entries, judged.run.alarms_per_year)
    if chart is not None:
        write_chart(chart, out)
        charts.append(chart)
    page = charts_page(f"{judged.run.metas[0].title}: charts", charts)
    (out / "charts" / "charts.html").write_text(page, encoding="utf-8")
    results = out / "allure-results"
    complete_results(judged, results, charts, page)
    link = base_url.replace("{run}", entry.run_id)
    run = allure_run(judged, allure_history or out / "history" / ALLURE, link)
    index = build_allure(results, out / "allure-report", run)
    return Built(judged, entry, series, index, lost)


def _add(entry: HistoryEntry, place: str | Path, keep: int) -> tuple[History, HarnessError | None]:
    """The series with the entry; and the error if it could not be added."""
    try:
        store = Store(place)
        store.add(entry, keep)
        return store.read().of(*entry.series), None
    except HarnessError as error:
        return History((entry,)), error
