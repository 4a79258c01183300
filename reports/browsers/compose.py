"""The report of a session with several browsers: one Allure report, with the browsers as its environments side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reports.allure.config import Environment, allure_run_of
from reports.allure.results import RunReport, session_files
from reports.browsers.page import session_page
from reports.browsers.session import JudgedBrowser, JudgedSession
from reports.browsers.write import charts, forget_browsers, summaries
from reports.charts.charts import drawn_charts
from reports.charts.page import charts_page
from reports.composition import Composition
from reports.history.alarm import since_when
from reports.history.chart import history_chart
from reports.history.entry import HistoryEntry
from reports.history.show import alarm_lines

_RESULTS = "allure-results"


def compose_session(
    session: JudgedSession,
    series: Sequence[Sequence[HistoryEntry]],
    entries: Sequence[HistoryEntry],
    out: Path,
) -> Composition:
    """The report. ``entries`` are those of the browsers that have a run, ``series`` the run history of each, with its entry."""
    forget_browsers(out)
    session = JudgedSession(_with_since(session.browsers, series))
    reports: list[RunReport] = []
    files: dict[str, bytes] = {}
    with_run = [one for one in session.browsers if one.judged is not None]
    for one, history in zip(with_run, series, strict=True):
        assert one.judged is not None
        run = one.judged.run
        chart = history_chart(history, run.alarms_per_year)
        drawn = [*drawn_charts(run), *([chart] if chart is not None else [])]
        page = charts_page(f"{run.metas[0].title}, {one.label}: charts", drawn)
        files |= charts(one.judged, one.folder)
        files |= {f"{one.folder}/{n}": data for n, data in (chart.files().items() if chart else ())}
        files[f"{one.folder}/charts/charts.html"] = page.encode()
        reports.append(RunReport(one.label, one.judged, drawn, page))
    summary = session.summary
    results = session_files(reports, summary, session_page(session, out), out / _RESULTS)
    missing = [
        Environment(summary.target, one.label, {"problem": one.problem.what})
        for one in session.browsers
        if one.judged is None
    ]
    budget = session.judged[0].run.alarms_per_year
    alarms = tuple(
        line if line.startswith("[dim]") else f"{entry.browser}: {line}"
        for entry, history in zip(entries, series, strict=True)
        for line in alarm_lines(history, budget)
    )
    return Composition(
        entry=entries[0],
        history="",
        alarms_per_year=budget,
        summary=summary,
        allure=allure_run_of(session.judged, summary, more=missing),
        alarms=alarms,
        files=files
        | summaries(session, out)
        | {f"{_RESULTS}/{name}": text.encode() for name, text in results.items()},
    )


def _with_since(
    browsers: Sequence[JudgedBrowser], series: Sequence[Sequence[HistoryEntry]]
) -> tuple[JudgedBrowser, ...]:
    """The browsers, each with the alarms of its run history."""
    left = iter(series)
    return tuple(
        one
        if one.judged is None
        else replace(
            one, judged=replace(one.judged, since=since_when(next(left), one.judged.run.alarms_per_year))
        )
        for one in browsers
    )
