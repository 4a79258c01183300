"""Names of the causes that the diagnosis can name: one file each in the folders of ``e2e/analysis/causes``.

They are read from the names of the files: a profile loads before anything of the analysis does, and must not import it.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "analysis" / "causes"
_NO_CAUSES = ("evidence",)
_NO_FAULT = "unexplained"


def cause_names() -> tuple[str, ...]:
    """All names but ``unexplained``, which nobody can accept in advance."""
    files = sorted(path for path in _FOLDER.glob("*/[!_]*.py") if path.parent.name not in _NO_CAUSES)
    names = (path.stem.replace("_", "-") for path in files)
    return tuple(name for name in names if name != _NO_FAULT)
