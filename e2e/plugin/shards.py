"""A shard's session records and does not judge: the one test that it keeps asks whether it saw all that it was to see."""

from __future__ import annotations

import pytest

from e2e.plugin.settings.options import SETTINGS


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if SETTINGS not in config.stash or config.stash[SETTINGS].shard.whole:
        return
    kept = [item for item in items if _asks_for_completeness(item)]
    dropped = [item for item in items if item not in kept]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def _asks_for_completeness(item: pytest.Item) -> bool:
    function = getattr(item, "function", None)
    return function is not None and "require_complete" in function.__code__.co_names
