"""Builds the reference chat's frontend when its sources have changed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.node import install_packages_in_place, npm
from e2e.setup.places import shown
from fixtures.reference_chat.paths import BUILT, FRONTEND

_NOT_SOURCES = {"node_modules", "dist", "coverage"}
_DRAFT = ".dist-"
_SEAL = BUILT.parent / "built-from"


def install_frontend_packages() -> bool:
    """Install the frontend's npm packages as locked; returns whether something had to be done."""
    _, installed = install_packages_in_place(FRONTEND, "frontend")
    return installed


def build_frontend() -> bool:
    """Bring `BUILT` in step with the sources; returns whether it had to be built.

    The new build takes the old one's place in one step at its end, so that a server that runs meanwhile never
    serves half of each. Raises `HarnessError` with what the build said.
    """
    if not (FRONTEND / "package.json").is_file():
        raise HarnessError(f"{shown(FRONTEND)} holds no frontend", way_out="restore it from git")
    sources = fingerprint(FRONTEND)
    if is_built(sources):
        return False
    install_frontend_packages()
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    # Beside the sources first: the source maps then name them as those of `npm run build` do (src/lib/session.ts).
    draft = FRONTEND / f"{_DRAFT}{os.getpid()}"
    new, old = (BUILT.with_name(f"{state}-{os.getpid()}") for state in ("new", "old"))
    try:
        npm("run", "--silent", "build", "--", "--outDir", str(draft), "--emptyOutDir", cwd=FRONTEND)
        shutil.move(draft, new)
        if BUILT.exists():
            BUILT.rename(old)
        new.rename(BUILT)
        _SEAL.write_text(sources, encoding="utf-8")
    finally:
        for leftover in (draft, new, old):
            shutil.rmtree(leftover, ignore_errors=True)
    return True


def is_built(sources: str) -> bool:
    """Whether `BUILT` was made from the sources with this fingerprint."""
    return (
        (BUILT / "index.html").is_file() and _SEAL.is_file() and _SEAL.read_text(encoding="utf-8") == sources
    )


def fingerprint(folder: Path) -> str:
    """A hash over the names and contents of all sources in ``folder``.

    Contents, not times: git gives every file of a fresh clone the time of the clone.
    """
    digest = hashlib.sha256()
    for path in sorted(_sources(folder)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_SOURCES and not name.startswith(_DRAFT)]
        for name in files:
            if not name.endswith((".tsbuildinfo", ".test.ts", ".test.tsx")):
                yield Path(parent, name)
