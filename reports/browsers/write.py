"""The files of a session with several browsers, as its tests end: the comparison, and each browser's own summary and charts."""

from __future__ import annotations

import shutil
from pathlib import Path

from reports.browsers.page import session_page
from reports.browsers.session import JudgedSession
from reports.charts.charts import drawn_charts
from reports.charts.drawing import remove_charts
from reports.summary.aggregate import Judged, page_of
from reports.summary.schema import as_json

FOLDER = "browsers"


def write_session(session: JudgedSession, out: Path) -> None:
    """``summary.md`` and ``summary.json`` with the comparison, and ``browsers/NAME/``."""
    remove_charts(out)  # of an earlier session with one browser
    forget_browsers(out)
    files = summaries(session, out)
    for one in session.browsers:
        if one.judged is not None:
            files |= charts(one.judged, one.folder)
    for name, data in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)


def summaries(session: JudgedSession, out: Path) -> dict[str, bytes]:
    """The texts of all summaries: path relative to ``out`` -> content."""
    files = {"summary.json": as_json(session.summary), "summary.md": session_page(session, out)}
    for one in session.browsers:
        if one.judged is not None:
            files[f"{one.folder}/summary.json"] = as_json(one.judged.summary)
            files[f"{one.folder}/summary.md"] = page_of(one.judged, out)
    return {name: text.encode() for name, text in files.items()}


def charts(judged: Judged, folder: str) -> dict[str, bytes]:
    """The charts of one browser: path relative to the output folder -> content."""
    return {f"{folder}/{name}": data for c in drawn_charts(judged.run) for name, data in c.files().items()}


def forget_browsers(out: Path) -> None:
    """Remove what an earlier session with several browsers left."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)
