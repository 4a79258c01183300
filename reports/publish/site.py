"""A site of all nights: an index, a page for each night with its summary, its charts and its Allure report.

``DIR/index.html``, ``DIR/nights/<run>/{index.html,summary.json,summary.md,charts/,allure-report/}``, ``DIR/history/``. The folder is
all that the next night needs: it can be kept on a branch, in an artifact or on a disk.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from e2e.errors import HarnessError
from e2e.files import replace_file
from reports.build import Built, build
from reports.history.store import ALLURE, KEEP, Store
from reports.publish.pages import index_page, night_page
from reports.summary.aggregate import Judged, judge_last

_KEEP_REPORTS = 30
_TAKEN = ("summary.md", "summary.json", "charts", "allure-report")


def publish(
    out: Path, site: Path, *, url: str = "", keep: int = KEEP, keep_reports: int = _KEEP_REPORTS
) -> tuple[Built, Path]:
    """Build the last run under ``out`` and put it on the site. Returns what was built, and the night's page.

    Raises `HarnessError` when the run shows session IDs in the clear, when there is nothing to report, or when it could not be
    written: the site is then as it was.
    """
    judged = judge_last(out)
    _refuse_unmasked(judged, out)
    history = site / "history"
    base = f"{url.rstrip('/')}/nights/{{night}}/allure-report" if url else ""
    built = build(out, history, judged=judged, allure_history=history / ALLURE, keep=keep, base_url=base)
    night = site / "nights" / built.night.run_id
    _put(built.judged, out, night)
    write_index(site, built.judged.run.alarms_per_year, keep_reports)
    return built, night / "index.html"


def write_index(site: Path, alarms_per_year: float, keep_reports: int = _KEEP_REPORTS) -> None:
    """Write the site's index anew, and drop the reports of nights beyond ``keep_reports``; the nights stay in the index."""
    read = Store(site / "history").read()
    known = {night.run_id for night in read.nights}
    recent = {night.run_id for night in read.nights[-keep_reports:]}
    folder = site / "nights"
    for old in folder.iterdir() if folder.is_dir() else ():
        if old.is_dir() and (old.name.startswith(".") or (old.name in known and old.name not in recent)):
            shutil.rmtree(old)
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    replace_file(site / "index.html", index_page(read, there, alarms_per_year))
    replace_file(site / ".nojekyll", "")  # GitHub Pages takes the folder as it is


def _refuse_unmasked(judged: Judged, out: Path) -> None:
    shown = [meta.run_id for meta in judged.run.metas if not meta.masked]
    if shown:
        raise HarnessError(
            f"{', '.join(shown)} shows session IDs in the clear (--show-ids), and what is published is masked",
            where=str(out),
            hint="record it again without --show-ids",
        )


def _put(judged: Judged, out: Path, night: Path) -> None:
    """Copy beside, then rename: nobody sees half a night."""
    night.parent.mkdir(parents=True, exist_ok=True)
    draft = night.parent / f".{night.name}-{uuid.uuid4().hex[:8]}"
    try:
        draft.mkdir()
        for name in _TAKEN:
            source = out / name
            if source.is_dir():
                shutil.copytree(source, draft / name)
            elif source.is_file():
                shutil.copy2(source, draft / name)
        page = night_page(
            judged, (out / "summary.md").read_text(encoding="utf-8"), sorted((out / "charts").glob("*.svg"))
        )
        (draft / "index.html").write_text(page, encoding="utf-8")
        if night.exists():
            shutil.rmtree(night)
        draft.rename(night)
    except OSError as error:
        raise HarnessError(
            f"the night could not be put on the site: {error}",
            where=str(night.parent),
            hint="make room, then publish again: the run is kept, and so is the site",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
