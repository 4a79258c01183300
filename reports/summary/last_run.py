"""Finds the last run below an output folder. Loads no pandas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.errors import HarnessError
from e2e.records.evidence import find_runs

SESSION = "session.json"
_INTERRUPTED = (
    2  # pytest's exit code after Ctrl-C: the session file is written, results of checks are missing
)


@dataclass(frozen=True, slots=True)
class LastEnvironment:
    """One browser of the last session."""

    label: str
    folders: tuple[Path, ...]
    problem: dict[str, str] | None = None
    """Why it has no run: kind, what, where, way_out."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """What the last session recorded or read."""

    folders: tuple[Path, ...]
    alarms_per_year: float | None = None
    """The session's false-alarm budget; None for that of the runs."""
    session_ended: bool = False
    """Whether the test session ended by itself; a killed or interrupted one lacks results."""
    environments: tuple[LastEnvironment, ...] = ()
    """The session's browsers, where it had several."""


def last_run(out: Path) -> LastRun:
    """The runs of the last session under ``out``.

    A killed session leaves no session file; then it is the newest run. Raises `HarnessError` when there is no run.
    """
    newest, session = _newest_run(out), out / SESSION
    last = _session(session)
    if last is not None:
        if newest is None or newest.stat().st_mtime < session.stat().st_mtime:
            return last
        if newest.resolve() in {f.resolve() for f in last.folders}:
            return last
    if newest is None:
        raise HarnessError(
            f"there is no recorded run in {out}",
            hint="record a run with `make e2e`, or set --out",
        )
    return LastRun((newest,))


def _session(path: Path) -> LastRun | None:
    """What the session file names; None without one."""
    if not path.is_file():
        return None
    try:
        session = json.loads(path.read_text(encoding="utf-8"))
        ended = session.get("exit") != _INTERRUPTED
        folders = tuple(Path(folder) for folder in session["evidence"])
        environments = tuple(_environment(one) for one in session.get("environments", ()))
        return LastRun(folders, float(session["alarms_per_year"]), ended, environments)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise HarnessError(
            f"{path.name} cannot be read: {repr(error)[:300]}",
            where=str(path),
            hint="remove the file; then the newest recorded run is reported",
        ) from error


def _environment(row: Mapping[str, Any]) -> LastEnvironment:
    problem = row["problem"]
    return LastEnvironment(
        str(row["label"]),
        tuple(Path(folder) for folder in row["evidence"]),
        None
        if problem is None
        else {name: str(problem[name]) for name in ("kind", "what", "where", "way_out")},
    )


def _newest_run(out: Path) -> Path | None:
    try:
        return find_runs(out / "evidence")[-1]  # their names begin with the time
    except HarnessError:
        return None
