"""Commands for what somebody else recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from e2e.cli.app import OUT, RUNS, WrittenFolder, app, flag

_FAILED = 1

imports = typer.Typer(
    name="import",
    help="Judge what somebody else recorded: a HAR file of a user or of a support desk.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(imports, name="import", rich_help_panel=RUNS)


@imports.command("har")
def har(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .har file, a zip with one in it, or a Playwright trace.")
    ],
    target: Annotated[
        str,
        typer.Option(
            "--target", metavar="NAME_OR_PATH", help="Profile of the chat: its name, or a TOML file."
        ),
    ],
    out: WrittenFolder = OUT / "imported",
    gap: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            min=0,
            show_default="a pause shows nothing",
            help="The user started a new chat after each pause of at least this length.",
        ),
    ] = None,
    show_ids: Annotated[
        bool, flag("--show-ids", "Write session IDs as they are. They may be secrets.")
    ] = False,
) -> int:
    """Judge a HAR file: which chats shared a session, and which provider replied.

    Writes the recording as evidence of a run, then judges it. A HAR has no stores, no clicks and no screen: checks
    that need those are inconclusive. Exit code 1: a check failed.
    """
    from rich.console import Console

    from e2e.explore.har.judge_har import Options, import_har
    from reports.summary.aggregate import judge_folders
    from reports.summary.terminal import print_summary

    folder = import_har(Options(file, target, out, gap, show_ids), Console(highlight=False))
    judged = judge_folders([folder])
    print_summary(judged.summary, ("evidence", folder))
    print(f"next: python -m pytest e2e/specs --target {target} --from-evidence {folder}")
    return _FAILED if judged.summary.outcome == "fail" else 0
