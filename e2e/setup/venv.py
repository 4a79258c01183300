"""``python3 -m e2e.setup.venv``: makes ``.venv`` and installs the packages of requirements.lock.

Runs with the machine's own Python, so it imports only the standard library.

The standard library's venv and pip bring uv, as locked, and uv installs the rest: measured on two cores, without a
cache in 14 s instead of pip's 52 s, with its cache in 4 s instead of 65 s.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.places import REPO, VENV

LOCK = REPO / "requirements.lock"
STAMP = VENV / ".stamp-python"
"""A copy of the lock that was installed."""

HINT = "install the venv module (Debian, Ubuntu: apt-get install python3-venv), or PYTHON=/path/to/python3 make setup"

_UV = re.compile(r"^uv==.*(?:\n +.*)*", re.MULTILINE)
"""The entry of uv in the lock, with its hashes on the lines below."""

# --no-compile: to compile all of SciPy and Matplotlib takes twice as long as to install them, and most of it never runs.
_PIP = ("-m", "pip", "install", "-qq", "--no-compile", "--disable-pip-version-check", "--no-input")


def ensure_venv(venv: Path = VENV) -> Path:
    """Make the virtual environment unless it works already; return its Python. Raises `HarnessError`."""
    python = _executable(venv, "python")
    if _succeeds([str(python), "-m", "pip", "--version"]):
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
    if done.returncode != 0 or not _succeeds([str(python), "-m", "pip", "--version"]):
        raise HarnessError(
            "the virtual environment could not be made",
            where=(done.stdout + done.stderr).strip(),
            hint=HINT,
        )
    return python


def install_lock(python: Path) -> bool:
    """Install exactly the lock, with its hashes; return whether it had to be installed. Raises `HarnessError`.

    Packages that are not in the lock are removed.
    """
    lock = LOCK.read_bytes()
    if STAMP.is_file() and STAMP.read_bytes() == lock:
        STAMP.touch()
        return False
    print("python     installing the packages of requirements.lock", flush=True)
    if not _install_with_uv(python):
        # uv does not read pip's configuration, where a company's package index or certificate may be named.
        print("python     uv cannot install them; trying pip", flush=True)
        done = subprocess.run(
            [str(python), *_PIP, "--require-hashes", "-r", str(LOCK)], cwd=REPO, check=False
        )
        if done.returncode != 0:
            raise HarnessError(
                f"pip ended with {done.returncode}; its output is above", hint="fix that, then: make setup"
            )
    STAMP.write_bytes(lock)
    return True


def _install_with_uv(python: Path) -> bool:
    uv = _executable(python.parents[1], "uv")
    entry = _UV.search(LOCK.read_text(encoding="utf-8"))
    if entry is None:
        return False
    if not uv.is_file():
        with tempfile.TemporaryDirectory() as folder:
            requirements = Path(folder, "uv.txt")
            requirements.write_text(entry.group(), encoding="utf-8")
            if not _succeeds([str(python), *_PIP, "--require-hashes", "-r", str(requirements)]):
                return False
    sync = ["pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(LOCK)]
    return _succeeds([str(uv), *sync])


def _executable(venv: Path, name: str) -> Path:
    return venv / (f"Scripts/{name}.exe" if os.name == "nt" else f"bin/{name}")


def _install_ensurepip() -> None:
    """Install ``ensurepip``, which venv needs. Debian and Ubuntu have it in a package of its own."""
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not is_root or shutil.which("apt-get") is None:
        raise HarnessError("this Python cannot make virtual environments: ensurepip is missing", hint=HINT)
    print(f"python     ensurepip is missing; installing {package}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", package]):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode != 0:
            raise HarnessError(
                f"`{' '.join(command)}` ended with {done.returncode}",
                where=done.stderr.strip()[-800:],
                hint=HINT,
            )


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, cwd=REPO, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def main() -> int:
    """Return the exit code."""
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
