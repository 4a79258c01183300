"""The charts to point at: one HTML file that holds all it needs, drawn by ECharts, read aloud and used with a keyboard.

Each chart has its words and its numbers as a table below it, so that nothing is said by colour or by pointing alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from e2e.analysis.facts.freshness import freshness
from e2e.analysis.facts.sessions import provider_counts
from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.wording import key_of
from e2e.errors import HarnessError
from e2e.setup.places import NODE_HOME
from reports.charts.charts import band, expected_of, lanes_strip, provider_distribution
from reports.charts.drawing import Chart, initials
from reports.charts.flow import LAYERS, failing_chat, flow_of
from reports.charts.structure import KINDS, id_positions, id_structure, structure_alt, structure_title
from reports.charts.timeline import chat_timeline
from reports.history.alarm import level, steps
from reports.history.chart import history_chart
from reports.history.entry import Night
from reports.summary.tables import short
from reports.templates.rendering import template

_LIBRARY = NODE_HOME / "allure" / "node_modules" / "echarts" / "dist" / "echarts.min.js"
_MOST_CHATS = 400
"""Of a lane; what a browser still draws at once."""
_MOST_NIGHTS = 400


def interactive_page(run: Run, nights: Sequence[Night] = ()) -> str:
    """The page. Raises `HarnessError` when the library is not installed."""
    try:
        library = _LIBRARY.read_text(encoding="utf-8")
    except OSError:
        raise HarnessError(
            "the library of the interactive charts is not installed",
            where="reports/package.json",
            hint="make setup",
        ) from None
    figures = [
        one
        for one in (_providers(run), _lanes(run), _timeline(run), _structure(run), _history(run, nights))
        if one is not None
    ]
    data = json.dumps([f["data"] for f in figures], ensure_ascii=False).replace("</", "<\\/")
    return template("charts.html.j2").render(
        title=f"{run.metas[0].title}: charts",
        figures=figures,
        data=Markup(data),  # noqa: S704 - JSON, and no element can be closed in it
        library=Markup(library.replace("</script", "<\\/script")),  # noqa: S704 - the installed library
    )


def _still(chart: Chart | None) -> Markup:
    """The drawing that stands there until the script has drawn its own, and where no script may run, as inside Allure."""
    if chart is None:
        return Markup()
    text = chart.svg.decode("utf-8")
    drawing = text[text.index("<svg") :].replace("<svg ", '<svg style="max-width:100%;max-height:100%" ', 1)
    return Markup(drawing)  # noqa: S704 - drawn here


def _providers(run: Run) -> dict[str, Any] | None:
    chart = provider_distribution(run)
    if chart is None:
        return None
    counts = provider_counts(run)
    n = sum(counts.values())
    shares = expected_of(run)
    names = sorted({*counts, *shares}, key=lambda name: (-counts[name], name))
    bands = [band(n, shares[name]) if name in shares else None for name in names]
    return {
        "title": chart.title,
        "alt": chart.alt,
        "still": _still(chart),
        "head": ["provider", "new sessions", "95 % of healthy runs"],
        "rows": [
            [name, counts[name], f"{b[0]} to {b[1]}" if b else "not expected"]
            for name, b in zip(names, bands, strict=True)
        ],
        "height": 90 + 34 * len(names),
        "data": {
            "kind": "providers",
            "names": names,
            "counts": [counts[name] for name in names],
            "bands": bands,
            "expected": [n * shares[name] if name in shares else None for name in names],
        },
    }


def _lanes(run: Run) -> dict[str, Any] | None:
    chart = lanes_strip(run)
    if chart is None:
        return None
    chats = list(rows(run.chats.sort_values("order")))
    old = {f.key for f in freshness(run, "sent") if f.repeated}
    letters = initials(sorted({c.provider for c in chats if c.provider}))
    lanes = sorted({(c.run_id, c.lane) for c in chats})
    names = [f"lane {lane}" if not run.pooled else f"{run_id[-4:]} lane {lane}" for run_id, lane in lanes]
    sessions: dict[str, int] = {}
    cells, table = [], []
    seen: dict[tuple[str, int], int] = {}
    for c in chats:
        lane = (c.run_id, c.lane)
        column = seen[lane] = seen.get(lane, -1) + 1
        session = "nothing" if c.sent is None else short(c.sent)
        colour = -1 if c.sent is None else sessions.setdefault(c.sent, len(sessions))
        again = key_of(c) in old
        table.append(
            [
                names[lanes.index(lane)],
                c.chat,
                session,
                "sent before" if again else "",
                c.provider or "nobody",
            ]
        )
        if column < _MOST_CHATS:
            cells.append(
                {
                    "lane": lanes.index(lane),
                    "column": column,
                    "chat": c.chat,
                    "session": session,
                    "colour": colour,
                    "again": again,
                    "provider": c.provider or "nobody",
                    "letters": letters.get(c.provider, "–"),
                    "who": sorted(letters).index(c.provider) if c.provider else -1,
                    "scenario": c.scenario,
                }
            )
    return {
        "title": "Sessions and providers of each lane",
        "alt": chart.alt,
        "still": _still(chart),
        "head": ["lane", "chat", "session sent", "note", "provider"],
        "rows": table[:1000],
        "height": 110 + 58 * len(lanes),
        "data": {"kind": "lanes", "lanes": names, "cells": cells, "columns": max((c["column"] for c in cells), default=0) + 1},
    }  # fmt: skip


def _timeline(run: Run) -> dict[str, Any] | None:
    key = failing_chat(run) or next((key_of(c) for c in rows(run.observed)), None)
    flow = flow_of(run, key) if key is not None else None
    if flow is None:
        return None
    return {
        "title": f"Chat {flow.key.chat} of lane {flow.key.lane} over the five layers",
        "alt": "; ".join(f"{p.seconds:+.3f} s {p.said}" for p in flow.points),
        "still": _still(chat_timeline(run, flow.key)),
        "head": ["seconds", "layer", "what was seen", "note"],
        "rows": [[f"{p.seconds:+.3f}", LAYERS[p.layer], p.said, "not as it should be" if p.odd else ""] for p in flow.points],
        "height": 300,
        "data": {
            "kind": "timeline",
            "layers": list(LAYERS),
            "began": flow.began_by,
            "points": [
                {"t": round(p.seconds, 3), "layer": p.layer, "text": p.text, "odd": p.odd, "said": p.said}
                for p in flow.points
            ],
        },
    }  # fmt: skip


def _structure(run: Run) -> dict[str, Any] | None:
    found = id_positions(run)
    if not found:
        return None
    return {
        "title": structure_title(run),
        "alt": structure_alt(found),
        "still": _still(id_structure(run)),
        "head": ["position", "different symbols", "kind"],
        "rows": [[p["index"] + 1, p["distinct"], KINDS[p["kind"]]] for p in found],
        "height": 260,
        "data": {"kind": "structure", "positions": found, "kinds": KINDS},
    }


def _history(run: Run, nights: Sequence[Night]) -> dict[str, Any] | None:
    chart = history_chart(nights, run.alarms_per_year)
    if chart is None:
        return None
    found = steps(nights, run.alarms_per_year)[-_MOST_NIGHTS:]
    limit = math.log10(1 / level(run.alarms_per_year))
    return {
        "title": chart.title,
        "alt": chart.alt,
        "still": _still(chart),
        "head": ["night", "run", "outcome", "causes", "evidence, log10", "alarm"],
        "rows": [
            [
                s.night.date,
                s.night.run_id,
                s.night.outcome,
                ", ".join(s.night.causes),
                "" if s.evidence is None else f"{s.evidence.cusum / math.log(10):.1f}",
                "beyond the limit" if s.alarms else "",
            ]
            for s in found
        ],
        "height": 420,
        "data": {
            "kind": "history",
            "limit": limit,
            "nights": [
                {
                    "date": s.night.date,
                    "run": s.night.run_id,
                    "outcome": s.night.outcome,
                    "causes": ", ".join(s.night.causes),
                    "sum": None if s.evidence is None else round(s.evidence.cusum / math.log(10), 2),
                    "alarm": bool(s.alarms),
                    "reuse": s.night.figures.get("reuse_bound"),
                    "providers": s.night.figures.get("effective_providers"),
                }
                for s in found
            ],
        },
    }
