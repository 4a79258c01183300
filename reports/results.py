"""Completes ``allure-results`` with what is said of the run as a whole, also when the session that made them was killed."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from e2e.analysis.frames import Run
from reports.aggregate import Judged
from reports.page import headline
from reports.tables import observations_html

_NAMESPACE = uuid.UUID("6a3c4f5e-0d5b-4c7e-9a53-1f0f3f6f6b7c")


def environment(run: Run) -> Mapping[str, str]:
    """What the report says of target and machine."""
    meta = run.metas[0]
    facts = {"target": meta.target, "url": meta.url, **meta.environment}
    if len(run.metas) > 1:
        facts["runs"] = str(len(run.metas))
    return {name: value for name, value in facts.items() if value}


def complete_results(judged: Judged, results: Path) -> None:
    """Add the summary as global attachments; and, when no test told its result, one that tells what was recorded.

    Files have fixed names: completing twice changes nothing.
    """
    results.mkdir(parents=True, exist_ok=True)
    attachments = [_attachment(results, "summary", "Summary", "text/markdown", "md", _summary_text(judged))]
    attachments.append(
        _attachment(
            results, "observations", "Observations", "text/html", "html", observations_html(judged.run)
        )
    )
    for meta in judged.run.metas:
        if meta.trace:
            text = f"{meta.trace} beside the evidence of {meta.run_id}; it holds session IDs in the clear.\n"
            text += f"playwright show-trace {meta.trace}\n"
            attachments.append(
                _attachment(
                    results,
                    f"trace-{meta.run_id}",
                    "Where the Playwright trace is",
                    "text/plain",
                    "txt",
                    text,
                )
            )
    errors = [
        {
            "message": f"{p.kind}: {p.what}" + (f" ({p.times} times)" if p.times > 1 else ""),
            "trace": _lines(p.where, p.way_out),
            "timestamp": _now(),
        }
        for p in judged.summary.problems
    ]
    _write(results, "run-globals.json", {"attachments": attachments, "errors": errors})
    told = [p for p in results.glob("*-result.json") if p.name != "run-result.json"]
    whole = results / "run-result.json"
    if judged.run.partial and not told:
        _write(results, whole.name, _partial_result(judged, attachments))
    else:
        whole.unlink(missing_ok=True)


def _partial_result(judged: Judged, attachments: list[dict[str, Any]]) -> dict[str, Any]:
    """A broken test in place of those that a killed session never came to."""
    meta = judged.run.metas[0]
    return {
        "uuid": str(uuid.uuid5(_NAMESPACE, meta.run_id)),
        "historyId": str(uuid.uuid5(_NAMESPACE, meta.target)),
        "fullName": "the run as a whole",
        "name": f"Partial run: {judged.summary.chats.observed} of {judged.summary.chats.planned} chats observed",
        "status": "broken",
        "statusDetails": {
            "message": "partial: "
            + "; ".join(judged.summary.partial_reasons)
            + f"\n{headline(judged.summary)}"
        },
        "description": "The session ended before its checks could speak; this judges what it had recorded until then.",
        "stage": "finished",
        "start": int(meta.started * 1000),
        "stop": int(
            (meta.finished or judged.run.chats["ended"].max() if len(judged.run.chats) else meta.started)
            * 1000
        ),
        "labels": [
            {"name": "epic", "value": "The run"},
            {"name": "feature", "value": "Completeness"},
            {"name": "severity", "value": "critical"},
        ],
        "attachments": attachments,
        "steps": [
            {
                "name": f"{c.name}: {c.verdict}: {c.message}",
                "status": {"pass": "passed", "fail": "failed"}.get(c.verdict, "skipped"),
            }
            for c in judged.summary.checks
        ],
    }


def _attachment(results: Path, name: str, title: str, kind: str, extension: str, text: str) -> dict[str, Any]:
    source = f"run-{name}-attachment.{extension}"
    (results / source).write_text(text, encoding="utf-8")
    return {"name": title, "source": source, "type": kind, "timestamp": _now()}


def _summary_text(judged: Judged) -> str:
    from reports.page import summary_page

    return summary_page(judged.run, judged.judgement, judged.summary, [f.name for f in judged.folders])


def _write(results: Path, name: str, content: Mapping[str, Any]) -> None:
    (results / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _lines(*texts: str) -> str:
    return "\n".join(t for t in texts if t)


def _now() -> int:
    return int(time.time() * 1000)
