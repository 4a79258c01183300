"""The writer of Allure's results: without fixtures of other plugins; a full disk is one line, not a traceback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import pytest
from allure_commons import hookimpl
from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Status, TestResultContainer
from allure_pytest import plugin as allure_plugin

from e2e.plugin.settings.options import drives_the_suite

Fixture = TypeVar("Fixture", bound=Any)
_WRITE_ERRORS = pytest.StashKey[list[OSError]]()
_TITLES = pytest.StashKey[set[str]]()
"""Titles of the fixtures that the report shows."""


def shown_as(title: str) -> Callable[[Fixture], Fixture]:
    """Decorator: shows a fixture as a step of the report; as `allure.title`, which has no types."""

    def name(function: Fixture) -> Fixture:
        function.__allure_display_name__ = title
        return function

    return name


def report_write_error(config: pytest.Config, error: OSError) -> None:
    """Name what could not be written, with a hint; once in a session."""
    errors = config.stash.setdefault(_WRITE_ERRORS, [])
    errors.append(error)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or len(errors) > 1:
        return
    what = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
    reporter.write_line("")
    reporter.write_line(f"error: results could not be written: {what}", red=True)
    reporter.write_line(
        "  hint: free disk space or change the permissions; --from-evidence judges what was recorded"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Replace the writer of allure-pytest, which has no hook for it, for this session."""
    if not drives_the_suite(config):
        return
    original = allure_plugin.AllureFileLogger

    def restore() -> None:
        allure_plugin.AllureFileLogger = original

    allure_plugin.AllureFileLogger = partial(_Results, config)
    config.add_cleanup(restore)


def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    title = getattr(fixturedef.func, "__allure_display_name__", None)
    if title is not None:
        request.config.stash.setdefault(_TITLES, set()).add(title)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash.get(_WRITE_ERRORS, None) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class _Results(AllureFileLogger):
    def __init__(self, config: pytest.Config, folder: str, clean: bool = False) -> None:
        super().__init__(folder, clean)  # type: ignore[no-untyped-call]
        self._config = config

    @contextmanager
    def _errors_reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            report_write_error(self._config, error)

    def _report_item(self, item: Any) -> None:
        with self._errors_reported():
            super()._report_item(item)  # type: ignore[no-untyped-call]

    @hookimpl
    def report_container(self, container: TestResultContainer) -> None:
        """Fixtures, which the report shows as steps of a test: those with a title, and of their ends only what failed."""
        titles = self._config.stash.get(_TITLES, set())
        container.befores = [one for one in container.befores if one.name in titles]
        # allure-pytest calls the end of a fixture title::finalizer
        container.afters = [
            one
            for one in container.afters
            if one.name.split("::")[0] in titles and one.status in (Status.FAILED, Status.BROKEN)
        ]
        if container.befores or container.afters:
            self._report_item(container)

    @hookimpl
    def report_attached_file(self, source: Any, file_name: str) -> None:
        with self._errors_reported():
            super().report_attached_file(source, file_name)  # type: ignore[no-untyped-call]

    @hookimpl
    def report_attached_data(self, body: Any, file_name: str) -> None:
        with self._errors_reported():
            super().report_attached_data(body, file_name)  # type: ignore[no-untyped-call]
