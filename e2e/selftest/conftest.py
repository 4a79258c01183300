"""The order of the self tests, and an environment without the variables of an outer make."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from e2e.plugin.settings.from_make import exported

_RINGS = ("unit", "integration", "repo", "plugin", "browser")


def pytest_configure() -> None:
    """``make test ARGS=-x`` exports ARGS to every make below it: a recipe under test would take it for its own."""
    for name in exported(os.environ):
        del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick ones first, and the browser last: once Playwright runs, its event loop is the process's only one.

    A unit test that calls ``asyncio.run`` after it fails, however the tests were asked for.
    """
    here = Path(__file__).parent

    def ring(item: pytest.Item) -> int:
        if not item.path.is_relative_to(here):
            return -1
        name = item.path.relative_to(here).parts[0]
        return _RINGS.index(name) if name in _RINGS else len(_RINGS)

    items.sort(key=ring)
