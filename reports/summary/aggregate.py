"""Finds the last run below an output folder, judges it, and writes its summary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.columns import AnalysisError
from e2e.analysis.model.run import Run, assemble
from e2e.errors import HarnessError
from e2e.records.evidence import find_runs, read_run
from reports.summary.page import summary_page
from reports.summary.summary import Summary, as_json, summarise

SESSION = "session.json"
_INTERRUPTED = (
    2  # pytest's exit code after Ctrl-C: the session file is written, results of checks are missing
)


@dataclass(frozen=True, slots=True)
class Judged:
    """Runs, pooled and judged."""

    run: Run
    judgement: Judgement
    summary: Summary
    folders: tuple[Path, ...]
    since: tuple[str, ...] = ()
    """Alarms of the run history, one sentence each."""
    session_ended: bool = True
    """Whether the test session ended by itself; a killed or interrupted one lacks results."""

    def places(self, out: Path) -> list[str]:
        """The runs' folders relative to ``out``: a report contains no path of this machine."""
        return [_seen_from(out, folder) for folder in self.folders]


def judge_folders(folders: Sequence[Path], alarms_per_year: float | None = None) -> Judged:
    """Read and judge recorded runs, pooled. Raises `HarnessError` for an unreadable run, or runs that cannot be pooled."""
    records = [read_run(folder) for folder in folders]
    try:
        run = assemble(records, alarms_per_year=alarms_per_year)
    except AnalysisError as error:
        raise HarnessError(str(error), hint="judge the runs one by one") from error
    judgement = judge(run)
    return Judged(run, judgement, summarise(run, judgement), tuple(folders))


def judge_last(out: Path) -> Judged:
    """Judge what the last session under ``out`` recorded or read.

    A killed session leaves no session file; then the newest run is judged. Raises `HarnessError` when there is no run.
    """
    newest, session = _newest_run(out), out / SESSION
    last = _session(session)
    if last is not None:
        folders, alarms, ended = last
        if newest is None or newest.stat().st_mtime < session.stat().st_mtime:
            return replace(judge_folders(folders, alarms), session_ended=ended)
        if newest.resolve() in {f.resolve() for f in folders}:
            return replace(judge_folders(folders, alarms), session_ended=ended)
    if newest is None:
        raise HarnessError(
            f"there is no recorded run in {out}",
            hint="record a run with `make e2e`, or set --out",
        )
    return replace(judge_folders([newest]), session_ended=False)


def write_summary(judged: Judged, out: Path) -> None:
    """``summary.json`` and ``summary.md``."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_text(as_json(judged.summary), encoding="utf-8")
    (out / "summary.md").write_text(page_of(judged, out), encoding="utf-8")


def page_of(judged: Judged, out: Path) -> str:
    """The text of ``summary.md``, with paths relative to ``out``."""
    return summary_page(judged.run, judged.judgement, judged.summary, judged.places(out), judged.since)


def _session(path: Path) -> tuple[list[Path], float, bool] | None:
    """Run folders and false-alarm budget of the last session, and whether it ended by itself; None without a session file."""
    if not path.is_file():
        return None
    try:
        session = json.loads(path.read_text(encoding="utf-8"))
        ended = session.get("exit") != _INTERRUPTED
        return [Path(folder) for folder in session["evidence"]], float(session["alarms_per_year"]), ended
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(
            f"{path.name} cannot be read: {error!r}",
            where=str(path),
            hint="remove the file; then the newest recorded run is reported",
        ) from error


def _newest_run(out: Path) -> Path | None:
    try:
        return find_runs(out / "evidence")[-1]  # their names begin with the time
    except HarnessError:
        return None


def _seen_from(out: Path, folder: Path) -> str:
    try:
        return folder.resolve().relative_to(out.resolve()).as_posix()
    except ValueError:
        return f"{folder.parent.name}/{folder.name}"
