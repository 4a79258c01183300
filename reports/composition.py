"""What a report is composed of: all of its files but Allure's pages, and what the terminal shows. Loads no pandas.

A composition is composed where a run is judged, and written where the report is built: in one process, or in two with a file
between them (`reports.prepared`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from reports.allure.config import WHOLE, AllureCause, AllureRun, Environment
from reports.charts.drawing import remove_charts
from reports.history.entry import HistoryEntry
from reports.summary.schema import Summary, as_json

if TYPE_CHECKING:
    from reports.summary.aggregate import Judged


@dataclass(frozen=True, slots=True)
class Composition:
    """The content of one report, with the run history that it shows."""

    entry: HistoryEntry
    history: str
    """`history_key` of the series that the report shows."""
    alarms_per_year: float
    summary: Summary
    allure: AllureRun
    """Without Allure's own history and without an address."""
    alarms: tuple[str, ...] = ()
    """Lines for the terminal."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Path relative to the output folder -> content."""

    def write(self, out: Path) -> None:
        """Write the files below ``out``; what an earlier report left there of charts and of the whole run is removed."""
        remove_charts(out)
        for name, data in self.files.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if f"{_RESULTS}/{WHOLE}" not in self.files:
            (out / _RESULTS / WHOLE).unlink(missing_ok=True)

    def to_json(self) -> dict[str, Any]:
        """The composition as JSON-able data."""
        return {
            "entry": self.entry.rows(),
            "history": self.history,
            "alarms_per_year": self.alarms_per_year,
            "summary": json.loads(as_json(self.summary)),
            "allure": asdict(self.allure),
            "alarms": self.alarms,
            "files": {name: _encoded(data) for name, data in self.files.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`."""
        allure = dict(data["allure"])
        allure["environments"] = tuple(Environment(**one) for one in allure["environments"])
        allure["causes"] = tuple(AllureCause(**one) for one in allure["causes"])
        return cls(
            entry=HistoryEntry.from_rows(data["entry"]),
            history=data["history"],
            alarms_per_year=data["alarms_per_year"],
            summary=Summary.model_validate(data["summary"]),
            allure=AllureRun(**allure),
            alarms=tuple(data["alarms"]),
            files={name: _decoded(content) for name, content in data["files"].items()},
        )


_RESULTS = "allure-results"


def history_key(entries: Sequence[HistoryEntry]) -> str:
    """Names the content of a series: the report shows all of it, as chart and as alarms."""
    rows = [entry.rows() for entry in entries]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def compose(judged: Judged, entries: Sequence[HistoryEntry], entry: HistoryEntry, out: Path) -> Composition:
    """The report of judged runs. ``entries`` are those of the series with ``entry``, which is this run's."""
    from reports.allure.config import allure_run
    from reports.allure.results import result_files
    from reports.charts.charts import drawn_charts
    from reports.charts.page import charts_page
    from reports.history.alarm import since_when
    from reports.history.chart import history_chart
    from reports.history.show import alarm_lines
    from reports.summary.aggregate import summary_files

    budget = judged.run.alarms_per_year
    judged = replace(judged, since=since_when(entries, budget))
    charts = drawn_charts(judged.run)
    chart = history_chart(entries, budget)
    charts += [chart] if chart is not None else []
    page = charts_page(f"{judged.run.metas[0].title}: charts", charts)
    texts = {
        **summary_files(judged, out),
        "charts/charts.html": page,
        **{f"{_RESULTS}/{n}": text for n, text in result_files(judged, out / _RESULTS, charts, page).items()},
    }
    files = {name: data for chart in charts for name, data in chart.files().items()}
    return Composition(
        entry=entry,
        history=history_key(entries),
        alarms_per_year=budget,
        summary=judged.summary,
        allure=allure_run(judged),
        alarms=alarm_lines(entries, budget),
        files=files | {name: text.encode() for name, text in texts.items()},
    )


def _encoded(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _decoded(content: Mapping[str, str]) -> bytes:
    return base64.b64decode(content["base64"]) if "base64" in content else content["text"].encode("utf-8")
