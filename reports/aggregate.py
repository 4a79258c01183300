"""From an output folder to everything that is read of it: which runs, judged how, written where."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.analysis.catalogue import Judgement, judge
from e2e.analysis.frames import Run, assemble
from e2e.capture.evidence import find_runs, read_run
from e2e.errors import HarnessError
from reports.page import summary_page
from reports.summary import Summary, as_json, summarise

SESSION = "session.json"


@dataclass(frozen=True, slots=True)
class Judged:
    """Runs, pooled and judged."""

    run: Run
    judgement: Judgement
    summary: Summary
    folders: tuple[Path, ...]


def judge_folders(folders: Sequence[Path], alarms_per_year: float | None = None) -> Judged:
    """Read and judge recorded runs, pooled. Raises `HarnessError` when one of them is no run."""
    run = assemble([read_run(folder) for folder in folders], alarms_per_year=alarms_per_year)
    judgement = judge(run)
    return Judged(run, judgement, summarise(run, judgement), tuple(folders))


def judge_last(out: Path) -> Judged:
    """Judge what the last session under ``out`` recorded or read.

    A session that was killed has left no word of itself: then it is the newest run. Raises `HarnessError` when there is none.
    """
    newest = _newest_run(out)
    session = out / SESSION
    if session.is_file():
        said = json.loads(session.read_text(encoding="utf-8"))
        folders = [Path(f) for f in said["evidence"]]
        if newest is None or newest in folders or newest.stat().st_mtime < session.stat().st_mtime:
            return judge_folders(folders, said["alarms_per_year"])
    if newest is None:
        raise HarnessError(
            f"there is nothing to report in {out}",
            way_out="`make e2e` records a run; --out names another folder",
        )
    return judge_folders([newest])


def write_summary(judged: Judged, out: Path) -> None:
    """``summary.json`` and ``summary.md``."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_text(as_json(judged.summary), encoding="utf-8")
    evidence = [_shown(folder, out) for folder in judged.folders]
    (out / "summary.md").write_text(
        summary_page(judged.run, judged.judgement, judged.summary, evidence), encoding="utf-8"
    )


def _newest_run(out: Path) -> Path | None:
    try:
        return find_runs(out / "evidence")[-1]  # their names begin with the time
    except HarnessError:
        return None


def _shown(folder: Path, out: Path) -> str:
    """A folder as seen from ``summary.md``: no path of this machine goes into a report."""
    try:
        return folder.resolve().relative_to(out.resolve()).as_posix()
    except ValueError:
        return f"{folder.parent.name}/{folder.name}"
