"""Copies the evidence of a run to where ``--evidence-to`` names: for the job that judges what several machines recorded."""

from __future__ import annotations

import pytest

from e2e.errors import HarnessError
from e2e.plugin.browsers.environments import runs_of
from e2e.plugin.settings.options import SETTINGS

NOT_HANDED_OVER = pytest.ExitCode.INTERNAL_ERROR
"""The exit code of a run whose evidence is not there: to record again on another machine helps. After exit code 1 it does not."""


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Copy the evidence, also that of an interrupted run, with ``run.json`` last."""
    settings = session.config.stash.get(SETTINGS, None)
    if settings is None or not settings.evidence_to or session.config.getoption("collectonly"):
        return
    from e2e.records.places import Place, retried

    folders = [folder for one in runs_of(session.config) for folder in one.folders]
    try:
        place = Place.at(settings.evidence_to)
        for folder in folders:
            retried(lambda folder=folder: place.put_run(folder))  # type: ignore[misc]
        if not folders:
            raise HarnessError("there is no evidence: nothing was recorded", hint="see the errors above")
    except (HarnessError, OSError) as error:
        _report(session.config, f"error: {error}", red=True)
        session.exitstatus = NOT_HANDED_OVER
    else:
        _report(session.config, f"evidence: {place.address}/{folders[0].name}")


def _report(config: pytest.Config, text: str, *, red: bool = False) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        reporter.write_line(text, red=red)
