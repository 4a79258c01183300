"""Known issues: causes that the profile accepts until a date. They are reported, and do not fail a run."""

from __future__ import annotations

import datetime as dt

from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import Verdict
from e2e.records.records import Accepted


def accepted(run: Run) -> dict[str, Accepted]:
    """Cause -> known issue, for those that hold on the day (UTC) on which the newest run began."""
    return {one.cause: one for one in _accepted_by_profile(run) if one.until >= _day(run)}


def lapsed(run: Run) -> dict[str, Accepted]:
    """Cause -> known issue, for those that had expired when the newest run began."""
    return {one.cause: one for one in _accepted_by_profile(run) if one.until < _day(run)}


def is_accepted(verdict: Verdict, known: dict[str, Accepted]) -> bool:
    """The check failed, and each of its causes is a known issue: one more cause makes it count."""
    return verdict.outcome == "fail" and bool(verdict.causes) and all(c.name in known for c in verdict.causes)


def _accepted_by_profile(run: Run) -> tuple[Accepted, ...]:
    return max(run.metas, key=lambda meta: meta.started).policy.accepted


def _day(run: Run) -> str:
    return dt.datetime.fromtimestamp(max(meta.started for meta in run.metas), dt.UTC).date().isoformat()
