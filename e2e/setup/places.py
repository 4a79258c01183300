"""Paths. Everything that is installed or built is in ``.venv``, except links to ``node_modules``."""

from __future__ import annotations

from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
VENV = REPO / ".venv"
NODE_HOME = VENV / "node"
"""Has one folder for each set of npm packages, with a copy of its package.json and its lock."""

REPORTS = REPO / "reports"


def display_path(path: Path) -> str:
    """The path for messages: relative to the repository when it is inside."""
    try:
        return path.relative_to(REPO).as_posix()
    except ValueError:
        return str(path)
