"""Sends the run to an OpenTelemetry collector, where ``--otlp`` or the standard variables name one."""

from __future__ import annotations

import os

import pytest

from e2e.errors import HarnessError
from e2e.plugin.browsers.environments import runs_of
from e2e.plugin.settings.options import SETTINGS


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Export what was recorded; recorded evidence only where ``--otlp`` is given, for its own run has exported it already.

    An export that fails is one line: it changes no verdict and no exit code.
    """
    settings = session.config.stash.get(SETTINGS, None)
    if settings is None or session.config.getoption("collectonly"):
        return
    by_variables = (
        not settings.otlp and not settings.from_evidence and any(k.startswith("OTEL_") for k in os.environ)
    )
    if not settings.otlp and not by_variables:
        return
    from reports.traces.export import export, is_configured

    folders = [folder for one in runs_of(session.config) for folder in one.folders]
    if not folders or (not settings.otlp and not is_configured()):
        return
    from e2e.records.evidence import read_run

    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    try:
        sent, problem = export([read_run(folder) for folder in folders], settings.otlp)
    except HarnessError as error:
        sent, problem = 0, error.what
    if reporter is None:
        return
    reporter.write_line("")  # pytest's own line of results has not ended
    if problem:
        reporter.write_line(
            f"warning: traces were not exported: {problem}; the verdicts do not depend on them", yellow=True
        )
    else:
        reporter.write_line(f"traces: {sent} spans exported")
