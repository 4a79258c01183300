"""The files of a session beside its evidence: ``summary.md``, ``summary.json``, the charts, and what its report needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.plugin.browsers.environments import runs_of
from e2e.plugin.settings.options import SETTINGS
from e2e.plugin.writer import report_write_error

if TYPE_CHECKING:
    from e2e.plugin.browsers.environments import EnvironmentRun
    from reports.browsers.session import JudgedBrowser


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write ``summary.md``, ``summary.json`` and ``charts/``; without a run there is nothing to write.

    The report of a recorded run is prepared: `make e2e` builds it next, and need not judge again.
    """
    settings = session.config.stash.get(SETTINGS, None)
    runs = runs_of(session.config)
    if settings is None or all(one.run is None for one in runs) or not settings.shard.whole:
        return
    from reports.browsers.session import JudgedSession
    from reports.browsers.write import forget_browsers, write_session
    from reports.charts.charts import chart_set
    from reports.prepared import prepare
    from reports.summary.aggregate import write_summary

    ended = exitstatus != pytest.ExitCode.INTERRUPTED
    found = [_judged(one, session_ended=ended) for one in runs]
    try:
        if len(found) > 1:
            write_session(JudgedSession(tuple(found)), settings.out)
            return
        [judged] = (one.judged for one in found)
        assert judged is not None
        forget_browsers(settings.out)
        write_summary(judged, settings.out)
        chart_set(judged.run, settings.out)
        if not settings.from_evidence:  # which is rarely followed by a report, and takes 0.4 s
            prepare(judged, settings.out, settings.out / "history")
    except OSError as error:
        report_write_error(session.config, error)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _judged(one: EnvironmentRun, *, session_ended: bool) -> JudgedBrowser:
    from e2e.analysis.judge import judge
    from reports.browsers.session import JudgedBrowser
    from reports.summary.aggregate import Judged
    from reports.summary.schema import ProblemResult
    from reports.summary.summary import summarise

    label, run, problem = one.environment.label, one.run, one.problem
    if run is not None:
        judged = Judged(
            run, judge(run), summarise(run, judge(run)), tuple(one.folders), session_ended=session_ended
        )
        return JudgedBrowser(label, judged)
    if problem is None:
        return JudgedBrowser(label)
    kind = type(problem).__name__
    return JudgedBrowser(
        label,
        problem=ProblemResult(
            kind=kind, what=problem.what, where=problem.where, way_out=problem.hint, times=1
        ),
    )
