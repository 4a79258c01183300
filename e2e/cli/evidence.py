"""Commands for the files of recorded runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from e2e.cli.app import OUT, SELF_TEST, WrittenFolder, app, flag

evidence = typer.Typer(
    name="evidence",
    help="Tools for the files of recorded runs.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(evidence, name="evidence", rich_help_panel=SELF_TEST)


@evidence.command()
def multiply(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a recorded run.")],
    chats: Annotated[int, typer.Argument(metavar="N", min=1, help="Chats of the result, at least.")],
    out: WrittenFolder = OUT,
    lanes: Annotated[
        int, typer.Option(metavar="N", min=0, show_default="as recorded", help="Lanes of each run.")
    ] = 0,
    shards: Annotated[int, typer.Option(metavar="N", min=1, help="Spread the chats over N shards.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the provider draws.")] = 1,
    recorded_providers: Annotated[
        bool, flag("--recorded-providers", "Keep the recorded providers: for a fault of the backend.")
    ] = False,
) -> int:
    """Make a large run of a small one: copies of its chats with fresh IDs and independent provider draws."""
    from e2e.records.evidence import find_runs
    from e2e.selftest.tools.scale.multiply import multiply as copies_of

    folders = copies_of(
        find_runs(run)[-1],
        chats,
        out / "evidence",
        lanes=lanes,
        shards=shards,
        seed=seed,
        draws=not recorded_providers,
    )
    for folder in folders:
        print(folder)
    return 0
