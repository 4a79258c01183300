"""Where things are. All that is installed or built lives under ``.venv``; nothing else in the tree is written to."""

from __future__ import annotations

from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
VENV = REPO / ".venv"
NODE_HOME = VENV / "node"
"""One folder for each set of npm packages, each with a copy of its package.json and lock."""

REPORTS = REPO / "reports"


def shown(path: Path) -> str:
    """A path as it is printed: relative to the repository where it lies inside."""
    try:
        return path.relative_to(REPO).as_posix()
    except ValueError:
        return str(path)
