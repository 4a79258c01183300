"""The command tree ``python -m e2e``, its panels of help, and what its commands share.

A command is one decorated function. It imports what it runs inside its body: to import
pandas, SciPy and Playwright for ``--help`` would take 6.5 s of processor time instead of 0.15 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

SUITE = Path(__file__).resolve().parents[2]
OUT = SUITE / "reports" / "out"

YOUR_CHAT = "Your chat"
RUNS = "Recorded runs"
HISTORY = "Run history and publishing"
SELF_TEST = "The suite itself"

app = typer.Typer(
    name="python -m e2e",
    help="Tools for preparing a run, and for what was recorded. The run itself is `make e2e` (pytest e2e/specs).",
    epilog="Exit codes: 0 done, 1 the answer is no (a failed check, a closed gate, an open question), 2 not done.",
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

OutFolder = Annotated[
    Path,
    typer.Option("--out", metavar="DIR", show_default="reports/out", help="Output folder of the run."),
]
WrittenFolder = Annotated[
    Path,
    typer.Option("--out", metavar="DIR", show_default="reports/out", help="Folder for the results."),
]
HistoryPlace = Annotated[
    str | None,
    typer.Option(
        "--history",
        metavar="PLACE",
        show_default="history/ in the output folder",
        help="Run history: a folder, or an address such as s3://bucket/chats.",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", metavar="URL", help="Address of the chat, instead of the profile's."),
]
Link = Annotated[str, typer.Option("--link", metavar="URL", help="Address of the report, for a link to it.")]
SiteFolder = Annotated[
    Path, typer.Option("--site", metavar="DIR", help="Folder of the published site and its run history.")
]
SiteUrl = Annotated[
    str, typer.Option("--url", metavar="URL", help="Address of the published site, for links.")
]
Keep = Annotated[int, typer.Option("--keep", metavar="N", min=1, help="Runs that the history keeps.")]
Workers = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, show_default="one per core", help="Processes that run side by side."),
]


def flag(name: str, text: str) -> Any:
    """An option without a value."""
    return typer.Option(name, metavar="", help=text)


def one_of(value: str, choices: Sequence[str]) -> str:
    """``value``, if it is one of ``choices``. Raises `typer.BadParameter`."""
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}")
    return value
