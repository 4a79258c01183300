"""Completes ``allure-results`` with the summary of the whole run, also after a killed session."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.analysis.model.plurals import plural
from e2e.analysis.model.schema import ChatRow
from e2e.records.records import RunMeta
from reports.allure.config import WHOLE, environments, labels, metrics, results_of_tests
from reports.charts.drawing import Chart
from reports.summary.aggregate import Judged, page_of
from reports.summary.schema import Summary
from reports.summary.tables import observations_html
from reports.summary.verdict import executive_summary, verdict_line

_STATUS = {"pass": "passed", "fail": "failed", "broken": "broken", "inconclusive": "skipped"}
_NAMESPACE = uuid.UUID("6a3c4f5e-0d5b-4c7e-9a53-1f0f3f6f6b7c")


def complete_results(
    judged: Judged, results: Path, charts: Sequence[Chart] = (), interactive: str = ""
) -> None:
    """Add the summary as global attachments; and one result for the whole run if results of tests are missing.

    Files have fixed names, so completing twice changes nothing.
    """
    results.mkdir(parents=True, exist_ok=True)
    files = result_files(judged, results, charts, interactive)
    for name, text in files.items():
        (results / name).write_text(text, encoding="utf-8")
    if WHOLE not in files:
        (results / WHOLE).unlink(missing_ok=True)


def result_files(
    judged: Judged, results: Path, charts: Sequence[Chart] = (), interactive: str = ""
) -> dict[str, str]:
    """The files with which `complete_results` completes ``results``: name -> text."""
    files = {"run-perf.json": metrics(judged.run)}
    attachments = _of_run(files, judged, results, charts, interactive)
    return files | _global_files(files, judged, judged.summary, results, attachments, charts)


def session_files(session: Sequence[RunReport], summary: Summary, page: str, results: Path) -> dict[str, str]:
    """As `result_files`, of a session with several browsers: ``page`` compares them, each has its own attachments."""
    files = {"run-perf.json": metrics(*(one.judged.run for one in session))}
    attachments = [_attachment(files, "summary", "Summary: all browsers", "text/markdown", "md", page)]
    for one in session:
        attachments += _of_run(files, one.judged, results, one.charts, one.interactive, one.label)
    # Missing results are reported once, with the first browser whose session did not end.
    first = next((one for one in session if not one.judged.session_ended), session[0])
    return files | _global_files(files, first.judged, summary, results, attachments, first.charts)


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a report shows of one browser."""

    label: str
    judged: Judged
    charts: Sequence[Chart]
    interactive: str


def _of_run(
    files: dict[str, str],
    judged: Judged,
    results: Path,
    charts: Sequence[Chart],
    interactive: str,
    label: str = "",
) -> list[dict[str, Any]]:
    """The attachments of one run; ``label`` tells those of several browsers apart."""
    ending = f"-{re.sub(r'[^A-Za-z0-9]+', '-', label)}" if label else ""
    of = f": {label}" if label else ""

    def attach(name: str, title: str, kind: str, extension: str, text: str) -> dict[str, Any]:
        return _attachment(files, f"{name}{ending}", f"{title}{of}", kind, extension, text)

    attachments = [
        attach("summary", "Summary", "text/markdown", "md", page_of(judged, results.parent)),
        attach("observations", "Observations", "text/html", "html", observations_html(judged.run)),
    ]
    if interactive:
        attachments.append(attach("charts", "Interactive charts", "text/html", "html", interactive))
    history = next((c for c in charts if c.name == "history"), None)
    if history is not None:
        svg = history.svg.decode("utf-8")
        attachments.append(attach(history.name, history.title, "image/svg+xml", "svg", svg))
    return attachments + [_trace_note(files, m) for m in judged.run.metas if m.trace and m.masked]


def _global_files(
    files: dict[str, str],
    judged: Judged,
    summary: Summary,
    results: Path,
    attachments: list[dict[str, Any]],
    charts: Sequence[Chart],
) -> dict[str, str]:
    errors = [
        {
            "message": f"{p.kind}: {p.what}" + (f" ({p.times} times)" if p.times > 1 else ""),
            "trace": _lines(p.where, p.way_out),
            "timestamp": _now(),
        }
        for p in summary.problems
    ]
    files["run-globals.json"] = _text({"attachments": attachments, "errors": errors})
    reported = results_of_tests(results)
    if not (reported and judged.session_ended):
        drawn = [
            _attachment(files, c.name, c.title, "image/svg+xml", "svg", c.svg.decode("utf-8")) for c in charts
        ]
        files[WHOLE] = _text(_whole_run(judged, reported, [*attachments, *drawn]))
    return files


def _whole_run(judged: Judged, reported: int, attachments: list[dict[str, Any]]) -> dict[str, Any]:
    """One result in place of missing ones: the session was killed, or only its evidence is here."""
    meta, summary = judged.run.metas[0], judged.summary
    missing = list(summary.partial_reasons)
    if reported:
        missing.append(f"the test session ended after the results of {plural(reported, 'check')}")
    last = max((chat.ended for chat in judged.run.every(ChatRow)), default=meta.started)
    stop = int(1000 * (meta.finished or last))
    status = "broken" if missing else _STATUS[summary.outcome]
    name = "Partial run" if missing else "Recorded run"
    lines = [f"partial run: {'; '.join(missing)}"] if missing else []
    if status == "skipped":
        lines.append("inconclusive: too few observations")  # the report's categories match this word
    return {
        "uuid": str(uuid.uuid5(_NAMESPACE, meta.run_id)),
        "historyId": str(uuid.uuid5(_NAMESPACE, meta.target)),
        "fullName": "the run as a whole",
        "name": f"{name}: {summary.chats.observed} of {summary.chats.planned} chats observed",
        "status": status,
        "statusDetails": {"message": "\n".join([*lines, verdict_line(summary)])},
        "description": " ".join(executive_summary(summary)),
        "stage": "finished",
        "start": int(meta.started * 1000),
        "stop": stop,
        "labels": [
            {"name": "epic", "value": "The run"},
            {"name": "feature", "value": "Completeness"},
            {"name": "story", "value": "The run is complete"},
            {"name": "severity", "value": "critical"},
            *labels(environments(judged.run)),
            *({"name": "tag", "value": cause.name} for cause in summary.causes),
        ],
        "attachments": attachments,
        "steps": [
            {
                "name": f"{c.name}: {c.verdict}: {c.message}",
                "status": _STATUS[c.verdict],
                "start": stop,
                "stop": stop,
            }
            for c in summary.checks
        ],
    }


def _trace_note(files: dict[str, str], meta: RunMeta) -> dict[str, Any]:
    text = f"{meta.trace} beside the evidence of {meta.run_id}; it contains session IDs in the clear.\n"
    text += f"playwright show-trace {meta.trace}\n"
    title = "Path of the Playwright trace"
    return _attachment(files, f"trace-{meta.run_id}", title, "text/plain", "txt", text)


def _attachment(
    files: dict[str, str], name: str, title: str, kind: str, extension: str, text: str
) -> dict[str, Any]:
    source = f"run-{name}-attachment.{extension}"
    files[source] = text
    return {"name": title, "source": source, "type": kind, "timestamp": _now()}


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False)


def _lines(*texts: str) -> str:
    return "\n".join(t for t in texts if t)


def _now() -> int:
    return int(time.time() * 1000)
