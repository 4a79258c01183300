"""Builds the reference chat's frontend when its sources have changed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.node import install_packages_in_place, npm
from e2e.setup.places import display_path
from fixtures.reference_chat.paths import BUILT, FRONTEND

_NOT_SOURCES = {"node_modules", "dist", "coverage"}
_TEMPORARY = ".dist-"
_FINGERPRINT_FILE = BUILT.parent / "built-from"


def install_frontend_packages() -> bool:
    """Install the frontend's npm packages as locked; return whether they had to be installed."""
    _, installed = install_packages_in_place(FRONTEND, "frontend")
    return installed


def build_frontend() -> bool:
    """Build the frontend into `BUILT` unless it is up to date; return whether it had to be built.

    The new build replaces the old one by a rename, so a server that runs meanwhile never serves a mixture of both.
    Raises `HarnessError` with the output of the build.
    """
    if not (FRONTEND / "package.json").is_file():
        raise HarnessError(f"{display_path(FRONTEND)} has no package.json", hint="restore it from git")
    sources = fingerprint(FRONTEND)
    if is_built(sources):
        return False
    install_frontend_packages()
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    # Built beside the sources, then moved: the source maps then have paths such as src/lib/session.ts.
    temporary = FRONTEND / f"{_TEMPORARY}{os.getpid()}"
    new, old = (BUILT.with_name(f"{state}-{os.getpid()}") for state in ("new", "old"))
    try:
        npm("run", "--silent", "build", "--", "--outDir", str(temporary), "--emptyOutDir", cwd=FRONTEND)
        shutil.move(temporary, new)
        if BUILT.exists():
            BUILT.rename(old)
        new.rename(BUILT)
        _FINGERPRINT_FILE.write_text(sources, encoding="utf-8")
    finally:
        for leftover in (temporary, new, old):
            shutil.rmtree(leftover, ignore_errors=True)
    return True


def is_built(sources: str) -> bool:
    """Whether `BUILT` was built from the sources with this fingerprint."""
    return (
        (BUILT / "index.html").is_file()
        and _FINGERPRINT_FILE.is_file()
        and _FINGERPRINT_FILE.read_text(encoding="utf-8") == sources
    )


def fingerprint(folder: Path) -> str:
    """A hash of the names and contents of all sources in ``folder``.

    Not of their times: git gives every file of a fresh clone the time of the clone.
    """
    digest = hashlib.sha256()
    for path in sorted(_sources(folder)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [
            name for name in folders if name not in _NOT_SOURCES and not name.startswith(_TEMPORARY)
        ]
        for name in files:
            if not name.endswith((".tsbuildinfo", ".test.ts", ".test.tsx")):
                yield Path(parent, name)
