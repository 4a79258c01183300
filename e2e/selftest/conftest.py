"""The order of the self tests, and an environment without the variables of an outer make."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from e2e.plugin.settings.from_make import exported

_RINGS = ("unit", "integration", "repo", "plugin", "browser")

LONGEST = (
    "plugin/test_specs.py",
    "plugin/test_bad_input.py",
    "browser/test_discover.py",
    "browser/lab_pages/test_scenarios.py",
    "browser/test_matrix.py",
    "browser/test_diagnosis.py",
    "browser/lab_pages/test_healthy.py",
    "browser/test_record.py",
    "browser/lab_pages/test_stale.py",
    "browser/test_variants.py",
    "browser/report/test_published.py",
    "browser/report/test_dry_run.py",
    "browser/lab_pages/test_hostile.py",
    "browser/test_step_recipes.py",
    "browser/test_firefox.py",
    "browser/lab_pages/test_without_ids.py",
)
"""Files that take more than 20 s: they begin first in their ring, so that no worker is left with one of them at the end."""


def pytest_configure() -> None:
    """``make test ARGS=-x`` exports ARGS to every make below it: a recipe under test would take it for its own."""
    for name in exported(os.environ):
        del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick ones first, and the browser last: once Playwright runs, its event loop is the process's only one.

    A unit test that calls ``asyncio.run`` after it fails, however the tests were asked for.
    """
    here = Path(__file__).parent

    def place(item: pytest.Item) -> tuple[int, int]:
        if not item.path.is_relative_to(here):
            return -1, 0
        path = item.path.relative_to(here)
        ring = _RINGS.index(path.parts[0]) if path.parts[0] in _RINGS else len(_RINGS)
        name = path.as_posix()
        return ring, LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)
