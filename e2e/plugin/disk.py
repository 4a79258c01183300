"""A disk that is full, or a folder that nobody may write to: said in one line, in place of a traceback of whoever met it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from allure_commons import hookimpl
from allure_commons.logger import AllureFileLogger
from allure_pytest import plugin as allure_plugin

from e2e.plugin.settings.options import drives_the_suite

_UNWRITTEN = pytest.StashKey[list[OSError]]()


def tell_unwritten(config: pytest.Config, error: OSError) -> None:
    """Say what could not be written, and what to do; once in a session."""
    met = config.stash.setdefault(_UNWRITTEN, [])
    met.append(error)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or len(met) > 1:
        return
    what = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
    reporter.write_line("")
    reporter.write_line(f"error: not everything could be written: {what}", red=True)
    reporter.write_line(
        "  hint: make room or mend the access; what was recorded is kept, and --from-evidence judges it"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have a writer of Allure's results made that has a word for a full disk; its own one has none."""
    if not drives_the_suite(config):
        return
    own = allure_plugin.AllureFileLogger

    def restore() -> None:
        allure_plugin.AllureFileLogger = own

    allure_plugin.AllureFileLogger = partial(_Results, config)
    config.add_cleanup(restore)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash.get(_UNWRITTEN, None) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class _Results(AllureFileLogger):
    def __init__(self, config: pytest.Config, folder: str, clean: bool = False) -> None:
        super().__init__(folder, clean)  # type: ignore[no-untyped-call]
        self._config = config

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            tell_unwritten(self._config, error)

    def _report_item(self, item: Any) -> None:
        with self._told():
            super()._report_item(item)  # type: ignore[no-untyped-call]

    @hookimpl
    def report_attached_file(self, source: Any, file_name: str) -> None:
        with self._told():
            super().report_attached_file(source, file_name)  # type: ignore[no-untyped-call]

    @hookimpl
    def report_attached_data(self, body: Any, file_name: str) -> None:
        with self._told():
            super().report_attached_data(body, file_name)  # type: ignore[no-untyped-call]
