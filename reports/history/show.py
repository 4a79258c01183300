"""The history in a terminal and for machines."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from e2e.analysis.model.wording import plural
from reports.history.alarm import UNCHANGED, alarms, level, steps
from reports.history.entry import Night
from reports.history.store import History

_STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "broken": "bold magenta"}


def series_of(history: History) -> dict[tuple[str, str], list[Night]]:
    """The nights by target and browser, each in order of time."""
    ordered = sorted(history.nights, key=lambda n: n.series)
    return {key: list(nights) for key, nights in groupby(ordered, key=lambda n: n.series)}


def print_history(history: History, alarms_per_year: float) -> None:
    """Print a table for each series, what is wrong since when, and what could not be read."""
    console = _console()
    if not history.nights:
        console.print("the history is empty")
    for (target, browser), nights in series_of(history).items():
        table = Table(
            "night",
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
        for step in steps(nights, alarms_per_year):
            n, evidence = step.night, step.evidence
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
        print_alarms(History(tuple(nights)), alarms_per_year)
    for one in history.unread:
        console.print(f"[yellow]cannot be read:[/] {escape(one.name)}: {escape(one.why)}")
    if history.unread:
        console.print(
            "  remove such a file, or write its night again: `make report` on the evidence of that night"
        )


def print_alarms(history: History, alarms_per_year: float) -> None:
    """Print what is wrong in the last night of a series, since when, and what changed between."""
    console = _console()
    for alarm in alarms(history.nights, alarms_per_year):
        console.print(
            f"[bold red]since {alarm.since.date}[/] ({alarm.since.run_id}, {plural(alarm.nights, 'night')}): {escape(alarm.said)}"
        )
        if alarm.before is None:
            console.print("  the history begins with it", style="dim")
        else:
            changed = "; ".join(alarm.changed) or UNCHANGED
            console.print(
                f"  last without it: {alarm.before.date}; changed since: {escape(changed)}", style="dim"
            )


def as_json(history: History, alarms_per_year: float) -> dict[str, Any]:
    """The same for machines."""
    return {
        "series": [
            {
                "target": target,
                "browser": browser,
                "limit": round(math.log10(1 / level(alarms_per_year)), 3),
                "nights": [
                    {
                        "run_id": s.night.run_id,
                        "date": s.night.date,
                        "outcome": s.night.outcome,
                        "headline": s.night.headline,
                        "causes": dict(s.night.causes),
                        "figures": dict(s.night.figures),
                        "product": None
                        if s.evidence is None
                        else round(s.evidence.product / math.log(10), 3),
                        "cusum": None if s.evidence is None else round(s.evidence.cusum / math.log(10), 3),
                        "alarms": list(s.alarms),
                    }
                    for s in steps(nights, alarms_per_year)
                ],
                "alarms": [
                    {
                        "what": a.what,
                        "since": a.since.run_id,
                        "since_date": a.since.date,
                        "before": a.before.run_id if a.before else None,
                        "nights": a.nights,
                        "said": a.said,
                        "changed": list(a.changed),
                    }
                    for a in alarms(nights, alarms_per_year)
                ],
            }
            for (target, browser), nights in series_of(history).items()
        ],
        "unread": [{"name": one.name, "why": one.why} for one in history.unread],
    }


def _figure(night: Night, name: str, form: str) -> str:
    return form.format(night.figures[name]) if name in night.figures else ""


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)
