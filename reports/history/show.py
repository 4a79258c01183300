"""The run history in a terminal and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from e2e.analysis.model.plurals import plural
from reports.history.alarm import UNCHANGED, alarms, level, steps
from reports.history.entry import HistoryEntry
from reports.history.store import History

_STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "broken": "bold magenta"}


def series_of(history: History) -> dict[tuple[str, str], list[HistoryEntry]]:
    """The entries by target and browser, each in order of time."""
    ordered = sorted(history.entries, key=lambda e: e.series)
    return {key: list(entries) for key, entries in groupby(ordered, key=lambda e: e.series)}


def print_history(history: History, alarms_per_year: float) -> None:
    """Print a table for each series, its alarms, and the files that could not be read."""
    console = _console()
    if not history.entries:
        console.print("the history is empty")
    for (target, browser), entries in series_of(history).items():
        table = Table(
            "date",
            "run",
            "outcome",
            "causes",
            "reuse bound",
            "providers",
            "log10 E",
            "sum",
            box=None,
            header_style="dim",
        )
        for step in steps(entries, alarms_per_year):
            n, evidence = step.entry, step.evidence
            table.add_row(
                n.date,
                n.run_id,
                f"[{_STYLES.get(n.outcome, 'white')}]{n.outcome}[/]",
                ", ".join(n.causes),
                _figure(n, "reuse_bound", "{:.1f} %"),
                _figure(n, "effective_providers", "{:.1f}"),
                _figure(n, "log10_e", "{:.1f}"),
                ""
                if evidence is None
                else f"{evidence.cusum / math.log(10):.1f}" + (" !" if step.alarms else ""),
            )
        console.print(f"\n[bold]{escape(target)}[/] {escape(browser)}")
        console.print(table)
        limit = math.log10(1 / level(alarms_per_year))
        console.print(
            f"sum: evidence against the expected shares; alarm (!) from {limit:.1f} on",
            style="dim",
        )
        print_alarms(alarm_lines(entries, alarms_per_year))
    for one in history.unread:
        console.print(f"[yellow]cannot be read:[/] {escape(one.name)}: {escape(one.why)}")
    if history.unread:
        console.print(
            "  hint: remove the file, or write it again with `make report` on the evidence of that run"
        )


def alarm_lines(entries: Sequence[HistoryEntry], alarms_per_year: float) -> tuple[str, ...]:
    """What is wrong in the last run of a series, since when, and what changed before it, as markup for the terminal."""
    lines = []
    for alarm in alarms(entries, alarms_per_year):
        lines.append(
            f"[bold red]since {alarm.since.date}[/] ({alarm.since.run_id}, {plural(alarm.runs, 'run')}): {escape(alarm.text)}"
        )
        if alarm.before is None:
            lines.append("[dim]  the history begins with it[/]")
        else:
            changed = escape("; ".join(alarm.changed) or UNCHANGED)
            lines.append(f"[dim]  last run without it: {alarm.before.date}; changed since: {changed}[/]")
    return tuple(lines)


def print_alarms(lines: Sequence[str]) -> None:
    """Print the lines of `alarm_lines`."""
    console = _console()
    for line in lines:
        console.print(line)


def as_json(history: History, alarms_per_year: float) -> dict[str, Any]:
    """The same as JSON-able data."""
    return {
        "series": [
            {
                "target": target,
                "browser": browser,
                "limit": round(math.log10(1 / level(alarms_per_year)), 3),
                "runs": [
                    {
                        "run_id": s.entry.run_id,
                        "date": s.entry.date,
                        "outcome": s.entry.outcome,
                        "headline": s.entry.headline,
                        "causes": dict(s.entry.causes),
                        "figures": dict(s.entry.figures),
                        "product": None
                        if s.evidence is None
                        else round(s.evidence.product / math.log(10), 3),
                        "cusum": None if s.evidence is None else round(s.evidence.cusum / math.log(10), 3),
                        "alarms": list(s.alarms),
                    }
                    for s in steps(entries, alarms_per_year)
                ],
                "alarms": [
                    {
                        "what": a.what,
                        "since": a.since.run_id,
                        "since_date": a.since.date,
                        "before": a.before.run_id if a.before else None,
                        "runs": a.runs,
                        "text": a.text,
                        "changed": list(a.changed),
                    }
                    for a in alarms(entries, alarms_per_year)
                ],
            }
            for (target, browser), entries in series_of(history).items()
        ],
        "unread": [{"name": one.name, "why": one.why} for one in history.unread],
    }


def _figure(entry: HistoryEntry, name: str, form: str) -> str:
    return form.format(entry.figures[name]) if name in entry.figures else ""


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)
