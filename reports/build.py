"""Builds everything from the last run: summary, charts, the entry in the run history, and the Allure report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.errors import HarnessError
from reports.composition import Composition, compose, history_key
from reports.history.entry import HistoryEntry, entry_of
from reports.history.store import ALLURE, KEEP, History, Store
from reports.prepared import prepared
from reports.summary.schema import Summary

if TYPE_CHECKING:
    from reports.browsers.session import JudgedSession
    from reports.summary.aggregate import Judged


@dataclass(frozen=True, slots=True)
class Built:
    """What was built, and from which run."""

    summary: Summary
    entry: HistoryEntry
    alarms: tuple[str, ...]
    """Alarms of the run history up to this run: lines for the terminal."""
    index: Path
    """The page of the Allure report to open."""
    lost: HarnessError | None = None
    """Why the run could not be added to the history; the report is built nevertheless."""


def build(
    out: Path,
    history: str | Path | None = None,
    *,
    judged: Judged | None = None,
    allure_history: Path | None = None,
    keep: int = KEEP,
    base_url: str = "",
) -> Built:
    """Write the summary, charts and report of the last run under ``out`` there, and add the run to ``history``.

    ``judged`` is that run if it is already judged. A report that the test session has prepared is taken if it is of this run and
    of this history; otherwise the run is judged here. ``base_url`` is the address of the report, with ``{run}`` for the run ID.
    Raises `HarnessError` when there is nothing to report, or when the report could not be built.
    """
    from reports.allure.build import build_allure

    place = history or out / "history"
    composition, lost = (_prepared(out, place, keep), None) if judged is None else (None, None)
    if composition is None:
        composition, lost = _composed(judged, out, place, keep)
    composition.write(out)
    run = replace(
        composition.allure,
        history=allure_history or out / "history" / ALLURE,
        base_url=base_url.replace("{run}", composition.entry.run_id),
    )
    index = build_allure(out / "allure-results", out / "allure-report", run)
    return Built(composition.summary, composition.entry, composition.alarms, index, lost)


def _prepared(out: Path, place: str | Path, keep: int) -> Composition | None:
    """The prepared report, with the run added to the history; None if there is none for this history."""
    found = prepared(out)
    if found is None:
        return None
    series, lost = _add(found.entry, place, keep)
    return found if lost is None and history_key(series.entries) == found.history else None


def _composed(
    judged: Judged | None, out: Path, place: str | Path, keep: int
) -> tuple[Composition, HarnessError | None]:
    """The report composed from the evidence, with the run added to the history; and the error if it could not be added."""
    if judged is None:
        from reports.browsers.session import judge_session

        session = judge_session(out)
        if len(session.browsers) > 1:
            return _composed_session(session, out, place, keep)
        judged = session.judged[0]
    entry = entry_of(judged)
    series, lost = _add(entry, place, keep)
    return compose(judged, series.entries, entry, out), lost


def _composed_session(
    session: JudgedSession, out: Path, place: str | Path, keep: int
) -> tuple[Composition, HarnessError | None]:
    """As `_composed`, of several browsers: each is a series of its own in the history."""
    from reports.browsers.compose import compose_session

    entries = [entry_of(judged) for judged in session.judged]
    added = [_add(entry, place, keep) for entry in entries]
    lost = next((error for _, error in added if error is not None), None)
    return compose_session(session, [series.entries for series, _ in added], entries, out), lost


def _add(entry: HistoryEntry, place: str | Path, keep: int) -> tuple[History, HarnessError | None]:
    """The series with the entry; and the error if it could not be added."""
    try:
        store = Store(place)
        store.add(entry, keep)
        return store.read().of(*entry.series), None
    except HarnessError as error:
        return History((entry,)), error
