"""The summary for a terminal: checks with their verdicts, providers, causes, what green is worth, where the report is."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.summary.page import headline, worth_of
from reports.summary.summary import Summary

_STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "broken": "bold magenta"}
_BAR = 30


def terminal_summary(summary: Summary) -> RenderableType:
    """What to print of a judged run."""
    title = Text(f"\n{summary.outcome}", style=_STYLES[summary.outcome]).append(
        f"  {headline(summary)}", style="default"
    )
    counts = summary.chats
    seen = f"{counts.observed} of {counts.planned} chats observed"
    seen += f", {counts.blocked} blocked" if counts.blocked else ""
    seen += f", {counts.lost} lost" if counts.lost else ""
    seen += f", {counts.saved} not needed" if counts.saved else ""
    parts: list[RenderableType] = [title, Text(f"{summary.target}: {seen}")]
    if summary.partial:
        parts.append(Text("partial: " + "; ".join(summary.partial_reasons), style="magenta"))
    parts += [Text(""), _checks(summary)]
    parts += [_cause(summary, n) for n in range(len(summary.causes))]
    parts += [_problem(summary, n) for n in range(len(summary.problems))]
    if summary.providers:
        parts += [Text(""), _providers(summary)]
    ids = summary.session_ids
    bits = f", {ids.supported_bits:g} bits supported" if ids.supported_bits else ""
    parts.append(
        Text(
            f"\nsession IDs: {ids.distinct_stored} distinct stored, {ids.distinct_sent} sent, pattern {ids.pattern}{bits}"
        )
    )
    parts += _worth(summary)
    return Group(*parts)


def print_summary(summary: Summary, *places: tuple[str, Path]) -> None:
    """Print it, and where things are."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=120)
    console.print(terminal_summary(summary))
    console.print()
    for name, path in places:
        console.print(f"{name:<8} {_near(path)}", soft_wrap=True)


def _checks(summary: Summary) -> Table:
    table = Table("check", "verdict", "result", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for check in summary.checks:
        said = (
            check.message
            + (f"; {check.needs}" if check.needs else "")
            + (f" (warning: {check.warning})" if check.warning else "")
        )
        table.add_row(check.name, Text(check.verdict, style=_STYLES[check.verdict]), said)
    return table


def _cause(summary: Summary, number: int) -> RenderableType:
    cause = summary.causes[number]
    lines = [
        Text(f"\ncause {cause.name}", style="bold red").append(f" ({cause.layer})", style="default"),
        Text(cause.explanation),
    ]
    lines += [Text(f"at {where}", style="cyan") for where in cause.where]
    if cause.consequences:
        lines.append(Text(f"consequences: {', '.join(cause.consequences)}"))
    lines.append(Text(f"advice: {cause.advice}"))
    return Group(lines[0], Padding(Group(*lines[1:]), (0, 0, 0, 2)))


def _problem(summary: Summary, number: int) -> RenderableType:
    problem = summary.problems[number]
    times = f" ({problem.times} times)" if problem.times > 1 else ""
    lines = [Text(problem.what)]
    lines += [Text(f"where: {problem.where}")] if problem.where else []
    lines += [Text(f"hint: {problem.way_out}")] if problem.way_out else []
    return Group(Text(f"\n{problem.kind}{times}", style="bold magenta"), Padding(Group(*lines), (0, 0, 0, 2)))


def _providers(summary: Summary) -> Table:
    table = Table("provider", "chats", "", box=None, padding=(0, 2, 0, 0), header_style="dim")
    most = max(summary.providers.values())
    for name, count in summary.providers.items():
        table.add_row(name, str(count), Text("█" * max(1, round(_BAR * count / most)), style="blue"))
    return table


def _worth(summary: Summary) -> list[RenderableType]:
    """Each thing once: several checks of one run are worth the same."""
    worth = worth_of(summary)
    if not worth:
        return []
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for text, names in worth.items():
        table.add_row(names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else ""), text)
    return [Text("\nwhat green is worth", style="dim"), table]


def _near(path: Path) -> str:
    """As a user types it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
