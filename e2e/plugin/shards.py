"""A shard records and does not judge: of the specs it keeps the one that judges what the suite could observe."""

from __future__ import annotations

import pytest

from e2e.plugin.settings.options import SETTINGS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "completeness: the spec judges what the suite observed, not the chat; a shard keeps it"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if SETTINGS not in config.stash or config.stash[SETTINGS].shard.whole:
        return
    kept = [item for item in items if item.get_closest_marker("completeness")]
    dropped = [item for item in items if item not in kept]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept
