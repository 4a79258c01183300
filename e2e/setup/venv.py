"""``python3 -m e2e.setup.venv``: makes ``.venv`` and installs what requirements.lock says.

Runs with the machine's own Python, so it uses the standard library only.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.places import REPO, VENV

LOCK = REPO / "requirements.lock"
STAMP = VENV / ".stamp-python"
"""A copy of the lock that was installed."""


def ensure_venv(venv: Path = VENV) -> Path:
    """Make the virtual environment unless it works already; returns its Python. Raises `HarnessError`."""
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if _runs([str(python), "-m", "pip", "--version"]):
        return python
    if importlib.util.find_spec("ensurepip") is None:
        _install_ensurepip()
    print(f"python     making {venv.name} with Python {sys.version.split()[0]}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(venv)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0 or not _runs([str(python), "-m", "pip", "--version"]):
        raise HarnessError(
            "the virtual environment could not be made",
            where=(done.stdout + done.stderr).strip(),
            way_out=_WAY_OUT,
        )
    return python


def install_lock(python: Path) -> bool:
    """Install the lock with its hashes; returns whether something had to be done. Raises `HarnessError`."""
    wanted = LOCK.read_bytes()
    if STAMP.is_file() and STAMP.read_bytes() == wanted:
        STAMP.touch()
        return False
    print("python     installing the packages of requirements.lock", flush=True)
    # --no-compile: compiling all of scipy and matplotlib takes twice as long as installing them, and most is never run.
    install = ["-m", "pip", "install", "-qq", "--no-compile", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run([str(python), *install, "--require-hashes", "-r", str(LOCK)], cwd=REPO, check=False)
    if done.returncode != 0:
        raise HarnessError(
            f"pip ended with {done.returncode}; its own words are above",
            way_out="once the reason is gone: make setup",
        )
    STAMP.write_bytes(wanted)
    return True


_WAY_OUT = "install the venv module (Debian, Ubuntu: apt-get install python3-venv), or PYTHON=/path/to/python3 make setup"


def _install_ensurepip() -> None:
    """Debian and Ubuntu keep ``ensurepip``, which venv needs, in a package of its own."""
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not is_root or shutil.which("apt-get") is None:
        raise HarnessError(
            "this Python cannot make virtual environments: ensurepip is missing", way_out=_WAY_OUT
        )
    print(f"python     ensurepip is missing; installing {package}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", package]):
        done = subprocess.run(
            command, env=quiet, capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode != 0:
            raise HarnessError(
                f"`{' '.join(command)}` ended with {done.returncode}",
                where=done.stderr.strip()[-800:],
                way_out=_WAY_OUT,
            )


def _runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def main() -> int:
    """Returns the exit code."""
    try:
        python = ensure_venv()
        if install_lock(python):
            print("python     ready in .venv", flush=True)
    except HarnessError as error:
        print(f"python: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
