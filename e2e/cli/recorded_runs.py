"""Commands for recorded runs: report, summary, comparison, release gate."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e2e.cli.app import OUT, RUNS, HistoryPlace, Keep, Link, OutFolder, app, flag

if TYPE_CHECKING:
    from reports.build import Built
    from reports.summary.aggregate import Judged


@app.command(rich_help_panel=RUNS)
def report(
    out: OutFolder = OUT,
    history: HistoryPlace = None,
    keep: Keep = 400,
    base_url: Annotated[
        str, typer.Option(metavar="URL", help="Address where the report will be published, for links.")
    ] = "",
    open_: Annotated[bool, flag("--open", "Serve the report afterwards.")] = False,
) -> int:
    """Build the report of the last run: summary, charts, Allure report; add the run to the history."""
    from reports.build import build
    from reports.publish.nightly import write_job_summary

    built = build(out, history, keep=keep, base_url=base_url)
    write_job_summary(out / "summary.md", os.environ)
    print_built(built, ("summary", out / "summary.md"), ("report", built.index))
    return serve(out) if open_ else 0


@app.command("open", rich_help_panel=RUNS)
def serve(out: OutFolder = OUT) -> int:
    """Serve the Allure report on this machine, and print its address."""
    from e2e.errors import HarnessError
    from reports.allure.build import serve as serve_report

    built = out / "allure-report"
    if not (built / "index.html").is_file():
        raise HarnessError(f"there is no report in {built}", hint="`make e2e` or `make report` builds one")
    serve_report(built)
    return 0


@app.command(rich_help_panel=RUNS)
def summary(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIR]...", show_default="the last run", help="Folders of recorded runs."),
    ] = None,
) -> int:
    """Judge recorded runs together, and print the verdicts. Writes nothing."""
    from reports.browsers.session import judge_session
    from reports.summary.terminal import print_summary

    print_summary((_judged(folders) if folders else judge_session(OUT)).summary)
    return 0


@app.command(rich_help_panel=RUNS)
def compare(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="Folder with the runs before the change.")],
    head: Annotated[Path, typer.Argument(metavar="HEAD", help="Folder with the runs after the change.")],
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the comparison as a pull-request comment.")
    ] = None,
    link: Link = "",
) -> int:
    """Compare two runs. Exit code 1: a check passed before the change and fails after it."""
    from reports.summary.compare import comment, write_comment
    from reports.summary.compare import compare as compare_runs

    found = compare_runs(_judged([base]), _judged([head]))
    if markdown is not None:
        write_comment(found, markdown, link=link)
    print(comment(found, link=link))
    return 1 if found.regressed else 0


@app.command(rich_help_panel=RUNS)
def gate(out: OutFolder = OUT) -> int:
    """Decide whether the release may go out, with reasons. Exit code 1: no.

    Yes means: the run passed, every key figure is within its limit, and nothing is missing from the evidence.
    """
    from reports.allure.build import quality_gate
    from reports.allure.config import allure_run_of
    from reports.browsers.session import judge_session
    from reports.history.store import ALLURE
    from reports.summary.verdict import executive_summary

    session = judge_session(out)
    summary = session.summary
    run = allure_run_of(session.judged, summary, out / "history" / ALLURE)
    passed, reasons = quality_gate(out / "allure-results", run)
    if summary.outcome != "pass":
        reasons = [*executive_summary(summary), *reasons]
        passed = False
    print("yes: OK to release" if passed else "no:")
    for reason in reasons:
        print(f"  {reason}")
    return 0 if passed else 1


@app.command(rich_help_panel=RUNS)
def outcome(out: OutFolder = OUT) -> int:
    """Print outcome=pass, fail, broken or inconclusive of the last report, as GITHUB_OUTPUT takes it."""
    from e2e.errors import HarnessError

    path = out / "summary.json"
    if not path.is_file():
        raise HarnessError(
            f"there is no summary.json in {out}", hint="`make e2e` or `make report` writes one"
        )
    try:
        found = str(json.loads(path.read_text(encoding="utf-8"))["outcome"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise HarnessError(
            f"{path} cannot be read: {repr(error)[:300]}", hint="`make report` writes it again"
        ) from error
    if not found.isalpha():  # another line would set another variable of the job
        raise HarnessError(f"{path}: outcome is {found[:60]!r}", hint="`make report` writes it again")
    print(f"outcome={found}")
    return 0


def print_built(built: Built, *places: tuple[str, Path]) -> None:
    """Print verdicts, alarms and ``places`` (name, path). Raises `HarnessError` when the history was not written."""
    from reports.history.show import print_alarms
    from reports.summary.terminal import print_summary

    print_summary(built.summary, *places)
    print_alarms(built.alarms)
    if built.lost is not None:
        raise built.lost


def _judged(folders: list[Path]) -> Judged:
    from e2e.records.evidence import find_runs
    from reports.summary.aggregate import judge_folders

    return judge_folders([run for folder in folders for run in find_runs(folder)])
