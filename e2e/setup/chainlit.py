"""Chainlit, a public chat product that is one of the targets, in an environment of its own: ``.venv/chainlit``.

Only that target needs it, and it brings a hundred packages along, so nothing else depends on its being there.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.places import REPO, VENV, shown

LOCK = REPO / "fixtures" / "chainlit_echo" / "requirements.lock"
HOME = VENV / "chainlit"
WAY_OUT = "python -m e2e.setup chainlit, with the Python of `make setup` and a network"
_STAMP = ".stamp-chainlit"
_TOO_NEW = (3, 14)
"""Chainlit 2.12 says that it runs below this Python; uv would say so after the download, in more words."""


def installed() -> Path | None:
    """The Python that has Chainlit as locked, or None."""
    python, stamp = _python(), HOME / _STAMP
    try:
        # is_file follows the link to the Python that the environment was made with, which may be gone.
        return python if python.is_file() and stamp.read_bytes() == LOCK.read_bytes() else None
    except OSError:
        return None


def install_chainlit() -> bool:
    """Install Chainlit as locked; returns whether something had to be done. Raises `HarnessError`."""
    if not LOCK.is_file():
        raise HarnessError(f"{shown(LOCK)} is not there", way_out="restore it from git")
    if installed() is not None:
        return False
    if sys.version_info >= _TOO_NEW:
        raise HarnessError(
            f"Chainlit needs a Python older than {_TOO_NEW[0]}.{_TOO_NEW[1]}, and .venv has {sys.version.split()[0]}",
            way_out="make distclean; PYTHON=python3.13 make setup; only the target `chainlit` needs it",
        )
    HOME.parent.mkdir(parents=True, exist_ok=True)
    with _alone():
        if installed() is not None:  # somebody else has just done it
            return False
        # --clear: what a broken-off installation left is no place to go on from.
        _uv("venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, str(HOME))
        _uv(
            *("pip", "install", "--quiet", "--python", str(_python())),
            *("--require-hashes", "--requirement", str(LOCK)),
        )
        (HOME / _STAMP).write_bytes(LOCK.read_bytes())
    return True


def install(quiet: bool = False) -> Path | None:
    """The Python that has Chainlit, installed first when it is not there; None, and why on standard error, when it cannot be.

    For those who can go on without it: a failure is told, not raised.
    """
    try:
        done = install_chainlit()
    except HarnessError as error:
        sys.stderr.write(f"chainlit: {error}\n")
        return None
    if done or not quiet:
        sys.stdout.write(f"chainlit   {'installed' if done else 'ready'} in {shown(HOME)}\n")
    return installed()


def _python() -> Path:
    return HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _uv(*arguments: str) -> None:
    """Run the uv of our environment. Raises `HarnessError` with the end of what it said when it fails."""
    uv = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
    try:
        done = subprocess.run(
            [str(uv), *arguments],
            cwd=HOME.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise HarnessError(
            f"uv could not be run: {error.strerror or error}", where=str(uv), way_out="make setup"
        ) from None
    if done.returncode != 0:
        raise HarnessError(
            f"Chainlit could not be installed: `uv {arguments[0]}` ended with {done.returncode}",
            where=" ".join(done.stdout.split())[-800:],
            way_out=f"with a network: {WAY_OUT.split(',', 1)[0]}; only the target `chainlit` needs it",
        )


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One installation at a time. The system frees the lock of a process that was killed."""
    try:
        import fcntl
    except ImportError:  # Windows: two at a time are possible there, and the later one wins
        yield
        return
    with (HOME.parent / ".lock-chainlit").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
