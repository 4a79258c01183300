"""``summary.md`` of a session with several browsers: the verdicts side by side, differences first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from e2e.analysis.model.plurals import plural
from reports.browsers.session import JudgedSession, comparison
from reports.summary.page import release_note
from reports.summary.schema import BrowserResult, Summary
from reports.summary.verdict import executive_summary, headline
from reports.templates.rendering import bounded, template

MARKS = {"pass": "✔", "fail": "✘", "inconclusive": "–", "broken": "!"}


def session_page(session: JudgedSession, out: Path) -> str:
    """The Markdown, with paths relative to ``out``."""
    summary = session.summary
    page = template("browsers.md.j2").render(
        s=summary,
        title=session.judged[0].run.metas[0].title,
        headline=headline(summary),
        executive=executive_summary(summary),
        compared=len(session.judged) > 1,
        different=[row for row in summary.comparison if row.differs],
        undecided=_undecided(summary),
        folders={one.label: one.folder for one in session.browsers if one.judged is not None},
        evidence=[place for judged in session.judged for place in judged.places(out)],
        plural=plural,
        MARKS=MARKS,
    )
    return bounded(page)


def _undecided(summary: Summary) -> list[tuple[str, str, str]]:
    """Check, browser and reason, where a browser differs from others because it decided nothing."""
    different = {row.check for row in summary.comparison if row.differs}
    return [
        (check.name, one.browser, check.message)
        for one in summary.browsers
        for check in one.checks
        if check.name in different and check.verdict == "inconclusive"
    ]


def session_note(session: JudgedSession, link: str = "") -> str:
    """The comment of a pull request: of one browser decision, reason and layers; of several the differences."""
    if session.single is not None:
        return release_note(session.single.run, session.single.summary, link)
    summary = session.summary
    return template("release_browsers.md.j2").render(
        s=summary,
        headline=headline(summary),
        executive=executive_summary(summary),
        table=comparison_table(summary),
        link=link,
    )


def comparison_table(summary: Summary) -> str:
    """The differences as a Markdown table, for a pull request's comment; ``""`` without several browsers."""
    return table_of(summary.browsers) if summary.browsers else ""


def table_of(results: Sequence[BrowserResult]) -> str:
    """The checks in which browsers differ or fail, as a Markdown table."""
    names = [one.browser for one in results]
    lines = [f"| check | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    outcomes = [f"{MARKS[one.outcome]} {one.outcome}" for one in results]
    lines.append(f"| **the run** | {' | '.join(outcomes)} |")
    for row in comparison(results):
        if row.differs or "fail" in row.verdicts.values():
            cells = [
                f"{MARKS[row.verdicts[b]]} {row.verdicts[b]}"
                + (f": {row.causes[b]}" if b in row.causes else "")
                for b in names
            ]
            lines.append(f"| {row.check} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
