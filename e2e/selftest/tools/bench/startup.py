"""The start of pytest: collecting the specs against an empty test file, as whole processes that take turns."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from e2e.setup.places import REPO

_COLLECT = ("-m", "pytest", "--collect-only", "-q")
_ONLY_PLUGINS = ("-p", "no:anyio", "-p", "no:hypothesispytest", "-p", "no:xdist", "-p", "no:timeout")
"""Leaves pytest-playwright and allure-pytest."""


def collection_times(rounds: int) -> list[tuple[float, float]]:
    """Seconds of each round: the specs, and an empty file with pytest-playwright and allure-pytest loaded."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_empty.py").write_text("def test_empty(): pass\n", encoding="utf-8")
        _seconds(REPO, "e2e/specs")  # fills the caches of byte code
        return [
            (_seconds(REPO, "e2e/specs"), _seconds(Path(folder), *_ONLY_PLUGINS, ".")) for _ in range(rounds)
        ]


def _seconds(folder: Path, *arguments: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *_COLLECT, *arguments], cwd=folder, capture_output=True, check=True)
    return time.perf_counter() - begun
