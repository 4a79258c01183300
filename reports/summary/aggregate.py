"""From an output folder to everything that is read of it: which runs, judged how, written where."""

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
_INTERRUPTED = 2  # pytest's exit code after Ctrl-C: the session could leave word, its checks could not


@dataclass(frozen=True, slots=True)
class Judged:
    """Runs, pooled and judged."""

    run: Run
    judgement: Judgement
    summary: Summary
    folders: tuple[Path, ...]
    since: tuple[str, ...] = ()
    """What the history says of this run: since when something is wrong, one sentence each."""
    session_ended: bool = True
    """The test session that recorded them came to its end; one that was killed or interrupted has not told all its results."""

    def places(self, out: Path) -> list[str]:
        """The runs' folders as seen from ``out``: no path of this machine goes into a report."""
        return [_seen_from(out, folder) for folder in self.folders]


def judge_folders(folders: Sequence[Path], alarms_per_year: float | None = None) -> Judged:
    """Read and judge recorded runs, pooled. Raises `HarnessError` when one of them is no run, or they do not go together."""
    records = [read_run(folder) for folder in folders]
    try:
        run = assemble(records, alarms_per_year=alarms_per_year)
    except AnalysisError as error:
        raise HarnessError(str(error), hint="judge them one by one") from error
    judgement = judge(run)
    return Judged(run, judgement, summarise(run, judgement), tuple(folders))


def judge_last(out: Path) -> Judged:
    """Judge what the last session under ``out`` recorded or read.

    A session that was killed has left no word of itself: then it is the newest run. Raises `HarnessError` when there is none.
    """
    newest, session = _newest_run(out), out / SESSION
    said = _session(session)
    if said is not None:
        folders, alarms, ended = said
        if newest is None or newest.stat().st_mtime < session.stat().st_mtime:
            return replace(judge_folders(folders, alarms), session_ended=ended)
        if newest.resolve() in {f.resolve() for f in folders}:
            return replace(judge_folders(folders, alarms), session_ended=ended)
    if newest is None:
        raise HarnessError(
            f"there is nothing to report in {out}",
            hint="`make e2e` records a run; --out names another folder",
        )
    return replace(judge_folders([newest]), session_ended=False)


def write_summary(judged: Judged, out: Path) -> None:
    """``summary.json`` and ``summary.md``."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_text(as_json(judged.summary), encoding="utf-8")
    (out / "summary.md").write_text(page_of(judged, out), encoding="utf-8")


def page_of(judged: Judged, out: Path) -> str:
    """The text of ``summary.md``, with places as seen from ``out``."""
    return summary_page(judged.run, judged.judgement, judged.summary, judged.places(out), judged.since)


def _session(path: Path) -> tuple[list[Path], float, bool] | None:
    """What the last session left word of: its run folders, its false-alarm budget, and whether it came to its end; or None."""
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        ended = said.get("exit") != _INTERRUPTED
        return [Path(folder) for folder in said["evidence"]], float(said["alarms_per_year"]), ended
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(
            f"{path.name} cannot be read: {error!r}",
            where=str(path),
            hint="remove it: then the newest recorded run is reported",
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
