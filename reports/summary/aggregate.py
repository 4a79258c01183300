"""Finds the last run below an output folder, judges it, and writes its summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.columns import AnalysisError
from e2e.analysis.model.run import Run, assemble
from e2e.errors import HarnessError
from e2e.records.evidence import read_for_judging, understood
from reports.summary.last_run import last_run
from reports.summary.page import summary_page
from reports.summary.schema import Summary, as_json
from reports.summary.summary import summarise


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
    records = [read_for_judging(folder) for folder in folders]
    browsers = list(dict.fromkeys(record.meta.browser for record in records))
    if len(browsers) > 1:
        raise HarnessError(
            f"runs of different browsers are not judged together: {', '.join(browsers)}",
            hint="name the runs of one browser; pytest --from-evidence judges each browser by itself",
        )
    with understood(folders):
        try:
            run = assemble(records, alarms_per_year=alarms_per_year)
            del records  # the rows are made: 100,000 chats take 150 MB as records
            judgement = judge(run)
        except AnalysisError as error:
            raise HarnessError(str(error), hint="judge the runs one by one") from error
        return Judged(run, judgement, summarise(run, judgement), tuple(folders))


def judge_last(out: Path) -> Judged:
    """Judge what the last session under ``out`` recorded or read. Raises `HarnessError` when there is no run."""
    last = last_run(out)
    return replace(judge_folders(last.folders, last.alarms_per_year), session_ended=last.session_ended)


def write_summary(judged: Judged, out: Path) -> None:
    """``summary.json`` and ``summary.md``."""
    out.mkdir(parents=True, exist_ok=True)
    for name, text in summary_files(judged, out).items():
        (out / name).write_text(text, encoding="utf-8")


def summary_files(judged: Judged, out: Path) -> dict[str, str]:
    """The texts of ``summary.json`` and ``summary.md``."""
    return {"summary.json": as_json(judged.summary), "summary.md": page_of(judged, out)}


def page_of(judged: Judged, out: Path) -> str:
    """The text of ``summary.md``, with paths relative to ``out``."""
    return summary_page(judged.run, judged.judgement, judged.summary, judged.places(out), judged.since)


def _seen_from(out: Path, folder: Path) -> str:
    try:
        return folder.resolve().relative_to(out.resolve()).as_posix()
    except ValueError:
        return f"{folder.parent.name}/{folder.name}"
