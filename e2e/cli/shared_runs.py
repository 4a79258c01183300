"""Commands for a run that several machines share through one place: judge its shards, read the result."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from e2e.cli.app import HISTORY, OUT, HistoryPlace, Keep, OutFolder, app, flag

_Place = Annotated[
    str,
    typer.Argument(
        metavar="PLACE",
        help="Where the shards hand over their evidence (--evidence-to): a folder, or an address such as "
        "s3://bucket/chats/{run}; {run} is the last part of JOB_NAME.",
    ),
]
_Wait = Annotated[
    float, typer.Option(metavar="SECONDS", min=0, help="How long to wait for what is not there yet.")
]


@app.command(rich_help_panel=HISTORY)
def judge(
    place: _Place,
    shards: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            envvar="JOB_COMPLETIONS",
            show_default="as the evidence says",
            help="Shards to wait for.",
        ),
    ] = None,
    wait: _Wait = 0.0,
    history: HistoryPlace = None,
    keep: Keep = 400,
    out: OutFolder = OUT,
) -> int:
    """Judge what several machines recorded, together, and put summary and report beside the evidence.

    A shard that was recorded again, because its machine died, counts once. Exit code 1: a check failed or could not
    look. Exit code 2: some evidence could not be judged.
    """
    from e2e.records.places import Place, with_shared_run
    from reports.publish.shared_run import judge_shared_run, print_progress

    at = Place.at(with_shared_run(place))
    found = judge_shared_run(
        at, out / "shared-run", shards=shards, wait=wait, history=history, keep=keep, report=print_progress
    )
    for one in found.series:
        print(f"{one.target}, {one.browser}: {one.outcome}: {one.headline}\n  {at.address}/{one.folder}")
    for reason in found.left_out:
        print(f"note: {reason}")
    for problem in found.wrong:
        print(f"error: {problem}", file=sys.stderr)
    return found.exit_code


@app.command(rich_help_panel=HISTORY)
def result(
    place: _Place,
    wait: _Wait = 0.0,
    to: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also copy summaries, charts and reports to this folder."),
    ] = None,
    short: Annotated[bool, flag("--short", "Print one line for each target and browser.")] = False,
) -> int:
    """Print the result of a shared run. Exit code as that of the command judge."""
    from e2e.records.places import Place, with_shared_run
    from reports.publish.shared_run import RESULT, read_result

    at = Place.at(with_shared_run(place))
    found = read_result(at, wait)
    for one in found.series:
        print(f"{one.target}, {one.browser}: {one.outcome}: {one.headline}")
        if not short:
            page = at.read(f"{one.folder}/summary.md")
            print(f"  {at.address}/{one.folder}\n\n{(page or b'').decode(errors='replace')}")
    for reason in found.left_out:
        print(f"note: {reason}")
    for problem in found.wrong:
        print(f"error: {problem}", file=sys.stderr)
    if to is not None:
        count = at.fetch_folder(RESULT, to)
        print(f"{count} files copied to {to}")
    return found.exit_code
