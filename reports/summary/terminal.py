"""The summary for a terminal: executive summary, checks, causes, providers, detection limits, files."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.summary.schema import Summary
from reports.summary.verdict import detection_limits, executive_summary, headline

_STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "broken": "bold magenta"}
_BAR = 30


def terminal_summary(summary: Summary) -> RenderableType:
    """The renderable summary of a judged run."""
    title = Text(f"\n{summary.outcome}", style=_STYLES[summary.outcome]).append(
        f"  {headline(summary)}", style="default"
    )
    counts = summary.chats
    seen = f"{counts.observed} of {counts.planned} chats observed"
    seen += f", {counts.blocked} blocked" if counts.blocked else ""
    seen += f", {counts.lost} lost" if counts.lost else ""
    seen += f", {counts.saved} not needed" if counts.saved else ""
    executive = " ".join(executive_summary(summary)).replace("**", "").replace("`", "")
    parts: list[RenderableType] = [title, Text(f"{summary.target}: {seen}"), Text(f"\n{executive}")]
    if summary.partial:
        parts.append(Text("partial run: " + "; ".join(summary.partial_reasons), style="magenta"))
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
    parts += _limits(summary)
    return Group(*parts)


def print_summary(summary: Summary, *places: tuple[str, Path]) -> None:
    """Print the summary and the paths of its files."""
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
        result = (
            check.message
            + (f"; {check.needs}" if check.needs else "")
            + (f" (warning: {check.warning})" if check.warning else "")
        )
        table.add_row(
            check.name, Text(check.verdict, style=_STYLES[check.verdict]), Text(result)
        )  # not markup: [backend]
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
    lines.append(Text(f"hint: {cause.advice}"))
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
        table.add_row(Text(name), str(count), Text("█" * max(1, round(_BAR * count / most)), style="blue"))
    return table


def _limits(summary: Summary) -> list[RenderableType]:
    """Each limit once, with the checks that share it."""
    limits = detection_limits(summary)
    if not limits:
        return []
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for text, names in limits.items():
        table.add_row(names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else ""), Text(text))
    return [Text("\ndetection limits", style="dim"), table]


def _near(path: Path) -> str:
    """The path relative to the working directory, if it is below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
