"""Installs Chainlit, a public chat product, into an environment of its own: ``.venv/chainlit``.

Only the target ``chainlit`` needs it, and it has a hundred dependencies, so it is not part of ``make setup``.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.places import REPO, VENV, display_path

LOCK = REPO / "fixtures" / "chainlit_echo" / "requirements.lock"
HOME = VENV / "chainlit"
HINT = "python -m e2e.setup chainlit, with the Python of `make setup` and a network"
_STAMP = ".stamp-chainlit"
_FIRST_UNSUPPORTED = (3, 14)
"""Chainlit 2.12 requires an older Python than this. uv reports it only after the download."""


def installed() -> Path | None:
    """The Python of an environment with Chainlit as locked, or None."""
    python, stamp = _python(), HOME / _STAMP
    try:
        # is_file follows the link to the Python that made the environment, which may have been removed.
        return python if python.is_file() and stamp.read_bytes() == LOCK.read_bytes() else None
    except OSError:
        return None


def install_chainlit() -> bool:
    """Install Chainlit as locked; return whether it had to be installed. Raises `HarnessError`."""
    if not LOCK.is_file():
        raise HarnessError(f"{display_path(LOCK)} does not exist", hint="restore it from git")
    if installed() is not None:
        return False
    if sys.version_info >= _FIRST_UNSUPPORTED:
        raise HarnessError(
            f"Chainlit needs a Python older than {_FIRST_UNSUPPORTED[0]}.{_FIRST_UNSUPPORTED[1]}, and .venv has {sys.version.split()[0]}",
            hint="make distclean; PYTHON=python3.13 make setup; only the target `chainlit` needs it",
        )
    HOME.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive():
        if installed() is not None:  # another process has just installed it
            return False
        # --clear: an interrupted installation may have left a partial environment.
        _uv("venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, str(HOME))
        _uv(
            *("pip", "install", "--quiet", "--python", str(_python())),
            *("--require-hashes", "--requirement", str(LOCK)),
        )
        (HOME / _STAMP).write_bytes(LOCK.read_bytes())
    return True


def install(quiet: bool = False) -> Path | None:
    """The Python with Chainlit, which is installed first when it is missing; None when that fails.

    For callers that can continue without it: a failure is printed to standard error, not raised.
    """
    try:
        new = install_chainlit()
    except HarnessError as error:
        sys.stderr.write(f"chainlit: {error}\n")
        return None
    if new or not quiet:
        sys.stdout.write(f"chainlit   {'installed' if new else 'ready'} in {display_path(HOME)}\n")
    return installed()


def _python() -> Path:
    return HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _uv(*arguments: str) -> None:
    """Run the virtual environment's uv. Raises `HarnessError` with the end of its output when it fails."""
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
            f"uv could not be run: {error.strerror or error}", where=str(uv), hint="make setup"
        ) from None
    if done.returncode != 0:
        raise HarnessError(
            f"Chainlit could not be installed: `uv {arguments[0]}` ended with {done.returncode}",
            where=" ".join(done.stdout.split())[-800:],
            hint=f"with a network: {HINT.split(',', 1)[0]}; only the target `chainlit` needs it",
        )


@contextlib.contextmanager
def _exclusive() -> Iterator[None]:
    """Allow one installation at a time. The system releases the lock of a process that was killed."""
    try:
        import fcntl
    except ImportError:  # Windows: two are possible at a time, and the later one wins
        yield
        return
    with (HOME.parent / ".lock-chainlit").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
