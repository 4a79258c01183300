"""The order of the rings."""

from __future__ import annotations

from pathlib import Path

import pytest

_RINGS = ("unit", "integration", "repo", "plugin", "browser")


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
