"""Playwright traces of the lanes' first chats: kept beside the evidence for the first failing lane, dropped for the others.

A trace holds session IDs in the clear, so it stays out of the report unless the user asks for IDs.
"""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import BrowserContext, Error

from e2e.files import replace_file
from e2e.records.evidence import RUN

TRACED_CHATS = 3
"""A stuck session shows in a lane's first New Chats; tracing all of them would slow the run and fill the disk."""


class Trace:
    """The trace of one lane, from its first page load to its ``TRACED_CHATS``-th chat."""

    def __init__(self, context: BrowserContext, folder: Path, lane: int) -> None:
        self._context = context
        self._path = folder / _name(lane)
        self._running = True
        context.tracing.start(snapshots=True, screenshots=False, sources=False)

    def stop(self) -> None:
        """Write the trace; nothing when that was done before or the browser is gone."""
        if not self._running:
            return
        self._running = False
        try:
            self._context.tracing.stop(path=self._path)
        except Error:
            self._path.unlink(missing_ok=True)


def keep_trace(folder: Path, lane: int | None) -> Path | None:
    """Keep the trace of ``lane`` in a run's folder, name it in ``run.json``, and drop the others. Returns the kept one."""
    kept = folder / _name(lane) if lane is not None else None
    for path in folder.glob("trace-lane-*.zip"):
        if path != kept:
            path.unlink()
    if kept is None or not kept.is_file():
        return None
    meta_path = folder / RUN
    meta = json.loads(meta_path.read_text(encoding="utf-8"))
    meta["trace"] = kept.name
    replace_file(meta_path, json.dumps(meta, ensure_ascii=False, indent=1))
    return kept


def _name(lane: int) -> str:
    return f"trace-lane-{lane}.zip"
