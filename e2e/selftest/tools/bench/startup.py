"""Whole processes that take turns: collecting the specs against an empty test file, and the two ways to build a report."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from e2e.setup.places import REPO

_COLLECT = ("pytest", "--collect-only", "-q")
_ONLY_PLUGINS = ("-p", "no:anyio", "-p", "no:hypothesispytest", "-p", "no:xdist", "-p", "no:timeout")
"""Leaves pytest-playwright and allure-pytest."""
_PREPARED = "prepared.json"
_VERDICTS = (0, 1)
"""Exit codes of a session that has judged its run."""


def collection_times(rounds: int) -> list[tuple[float, float]]:
    """Seconds of each round: the specs, and an empty file with pytest-playwright and allure-pytest loaded."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_empty.py").write_text("def test_empty(): pass\n", encoding="utf-8")
        _seconds(REPO, *_COLLECT, "e2e/specs")  # fills the caches of byte code and options
        return [
            (
                _seconds(REPO, *_COLLECT, "e2e/specs"),
                _seconds(Path(folder), *_COLLECT, *_ONLY_PLUGINS, "."),
            )
            for _ in range(rounds)
        ]


def report_times(rounds: int) -> list[tuple[float, float]]:
    """Seconds of each round: the report as `make e2e` builds it, and from the evidence alone.

    The second one judges the run again, as every report did before sessions prepared theirs.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        session = subprocess.run(
            [sys.executable, "-m", "pytest", "e2e/specs", "-q", "--out", folder],
            cwd=REPO,
            capture_output=True,
            text=True,
            check=False,
        )
        if session.returncode not in _VERDICTS:
            raise RuntimeError(f"no run to report was recorded:\n{session.stdout}{session.stderr}")
        prepared = (out / _PREPARED).read_bytes()
        times = []
        for _ in range(rounds):
            (out / _PREPARED).write_bytes(prepared)
            from_prepared = _seconds(REPO, "e2e", "report", "--out", folder)
            (out / _PREPARED).unlink()
            times.append((from_prepared, _seconds(REPO, "e2e", "report", "--out", folder)))
        return times


def _seconds(folder: Path, *arguments: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", *arguments], cwd=folder, capture_output=True, check=True)
    return time.perf_counter() - begun
