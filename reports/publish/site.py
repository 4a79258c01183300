"""A site of all runs: an index, and a page for each run with its summary, charts and Allure report.

``DIR/index.html``, ``DIR/runs/<run>/{index.html,summary.json,summary.md,charts/,allure-report/}``, ``DIR/history/``. The next run
needs this folder only; it can be kept on a branch, in an artifact or on a disk.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from e2e.errors import HarnessError
from e2e.files import replace_file
from reports.build import Built, build
from reports.history.store import ALLURE, KEEP, Store
from reports.publish.pages import index_page, run_page
from reports.summary.aggregate import Judged, judge_last

_KEEP_REPORTS = 30
_TAKEN = ("summary.md", "summary.json", "charts", "allure-report")


def publish(
    out: Path, site: Path, *, url: str = "", keep: int = KEEP, keep_reports: int = _KEEP_REPORTS
) -> tuple[Built, Path]:
    """Build the report of the last run under ``out`` and put it on the site. Returns what was built, and the page of the run.

    Raises `HarnessError` when the run shows session IDs in the clear, when there is nothing to report, or when it could not be
    written; the site is then unchanged.
    """
    judged = judge_last(out)
    _refuse_unmasked(judged, out)
    history = site / "history"
    base = f"{url.rstrip('/')}/runs/{{run}}/allure-report" if url else ""
    built = build(out, history, judged=judged, allure_history=history / ALLURE, keep=keep, base_url=base)
    _move_old_folder(site)
    folder = site / "runs" / built.entry.run_id
    _put(judged, out, folder)
    write_index(site, judged.run.alarms_per_year, keep_reports)
    return built, folder / "index.html"


def write_index(site: Path, alarms_per_year: float, keep_reports: int = _KEEP_REPORTS) -> None:
    """Write the index, and drop the reports beyond ``keep_reports``; their runs stay in the index."""
    read = Store(site / "history").read()
    known = {entry.run_id for entry in read.entries}
    recent = {entry.run_id for entry in read.entries[-keep_reports:]}
    folder = site / "runs"
    for old in folder.iterdir() if folder.is_dir() else ():
        if old.is_dir() and (old.name.startswith(".") or (old.name in known and old.name not in recent)):
            shutil.rmtree(old)
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    replace_file(site / "index.html", index_page(read, there, alarms_per_year))
    replace_file(site / ".nojekyll", "")  # GitHub Pages serves the folder unchanged


def _move_old_folder(site: Path) -> None:
    """Earlier versions kept the runs below ``nights``."""
    old, new = site / "nights", site / "runs"
    if old.is_dir() and not new.exists():
        old.rename(new)


def _refuse_unmasked(judged: Judged, out: Path) -> None:
    shown = [meta.run_id for meta in judged.run.metas if not meta.masked]
    if shown:
        raise HarnessError(
            f"{', '.join(shown)} shows session IDs in the clear (--show-ids); only masked runs can be published",
            where=str(out),
            hint="record it again without --show-ids",
        )


def _put(judged: Judged, out: Path, folder: Path) -> None:
    """Copy to a folder beside it, then rename: a reader never sees an incomplete run."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.parent / f".{folder.name}-{uuid.uuid4().hex[:8]}"
    try:
        draft.mkdir()
        for name in _TAKEN:
            source = out / name
            if source.is_dir():
                shutil.copytree(source, draft / name)
            elif source.is_file():
                shutil.copy2(source, draft / name)
        page = run_page(
            judged, (out / "summary.md").read_text(encoding="utf-8"), sorted((out / "charts").glob("*.svg"))
        )
        (draft / "index.html").write_text(page, encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    except OSError as error:
        raise HarnessError(
            f"the run could not be put on the site: {error}",
            where=str(folder.parent),
            hint="free disk space, then publish again; run and site are kept",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
