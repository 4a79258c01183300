"""The files of a session beside its evidence: ``summary.md``, ``summary.json``, the charts, and what its report needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.plugin.run import FOLDERS, RUN
from e2e.plugin.settings.options import SETTINGS
from e2e.plugin.writer import report_write_error


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write ``summary.md``, ``summary.json`` and ``charts/``; without a run there is nothing to write.

    The report of a recorded run is prepared: `make e2e` builds it next, and need not judge again.
    """
    settings, run = session.config.stash.get(SETTINGS, None), session.config.stash.get(RUN, None)
    if settings is None or run is None or not settings.shard.whole:
        return
    from e2e.analysis.judge import judge
    from reports.charts.charts import chart_set
    from reports.prepared import prepare
    from reports.summary.aggregate import Judged, write_summary
    from reports.summary.summary import summarise

    folders: list[Path] = session.config.stash[FOLDERS]
    ended = exitstatus != pytest.ExitCode.INTERRUPTED
    judged = Judged(run, judge(run), summarise(run, judge(run)), tuple(folders), session_ended=ended)
    try:
        write_summary(judged, settings.out)
        chart_set(run, settings.out)
        if not settings.from_evidence:  # which is rarely followed by a report, and takes 0.4 s
            prepare(judged, settings.out, settings.out / "history")
    except OSError as error:
        report_write_error(session.config, error)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
