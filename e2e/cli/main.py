"""Runs a command of the tree, with its errors in one form and its earlier spellings."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from e2e.cli import chat, evidence, recorded_runs, recordings, run_history, shared_runs, suite, targets
from e2e.cli.app import app
from e2e.errors import HarnessError

PROGRAM = "python -m e2e"
COMMANDS = (chat, targets, recorded_runs, recordings, run_history, shared_runs, suite, evidence)
"""The modules whose commands the tree has, in the order of the panels in ``--help``."""
RENAMED = {"rehearse": "dry-run", "build": "report"}
"""Earlier name of a command -> its name."""

_NOT_DONE = 2
_INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Run a command. Returns its exit code: 0, 1 when its answer is no, 2 when it could not be done."""
    if not arguments:
        app(["--help"], prog_name=PROGRAM, standalone_mode=False)
        return _NOT_DONE
    try:
        code: int = app(_renamed(arguments), prog_name=PROGRAM, standalone_mode=False)
        return code or 0
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except TyperException as error:
        usage = getattr(getattr(error, "ctx", None), "command_path", PROGRAM)
        shown = HarnessError(_with_value(error), hint=f"{usage} --help")
    except HarnessError as error:
        shown = error
    except OSError as error:
        what = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
        shown = HarnessError(
            what,
            hint="free disk space or fix the access rights, then repeat the command; recorded runs are kept",
        )
    print(f"error: {shown}", file=sys.stderr)
    return _NOT_DONE


def main_of_reports(arguments: Sequence[str]) -> int:
    """``python -m reports COMMAND``, as it was spelled before: runs the command of the tree, with a notice."""
    command = RENAMED.get(arguments[0], arguments[0]) if arguments else "COMMAND"
    _notice(f"python -m reports {arguments[0] if arguments else 'COMMAND'}", command)
    return main([command, *arguments[1:]] if arguments else [])


def _with_value(error: TyperException) -> str:
    """The message with the refused value, which typer leaves out when pydantic refused it."""
    from pydantic import ValidationError

    message = error.format_message()
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        message += f" (got {cause.errors()[0]['input']!r})"
    return message


def _renamed(arguments: Sequence[str]) -> list[str]:
    name, *rest = arguments
    if name not in RENAMED:
        return [*arguments]
    _notice(f"{PROGRAM} {name}", RENAMED[name])
    return [RENAMED[name], *rest]


def _notice(earlier: str, command: str) -> None:
    print(f"note: `{earlier}` is now `{PROGRAM} {command}`", file=sys.stderr)
