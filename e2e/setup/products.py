"""Installs a public chat product, in the version that was tried, into an environment of its own: ``.venv/products/NAME``.

Only the target of that name needs it, so it is not part of ``make setup``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.node import node_path, npm
from e2e.setup.places import VENV
from e2e.setup.product_list import Product

_STAMP = ".stamp"


def home(product: Product) -> Path:
    """The product's environment: a virtual environment, or a folder with ``node_modules``."""
    return VENV / "products" / product.name


def python_of(product: Product) -> Path:
    """The Python of a product from PyPI."""
    return home(product) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_installed(product: Product) -> bool:
    """Whether the product is there, in the version of ``packages.toml``."""
    try:
        return (home(product) / _STAMP).read_text(encoding="utf-8") == _content(product)
    except OSError:
        return False


def install_product(product: Product) -> bool:
    """Install the product; return whether it had to be installed. Raises `HarnessError`."""
    if is_installed(product):
        return False
    folder = home(product)
    shutil.rmtree(folder, ignore_errors=True)  # an interrupted installation, or another version
    folder.mkdir(parents=True)
    if product.pypi:
        uv = str(Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv"))
        _run(uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder))
        _run(uv, "pip", "install", "--quiet", "--python", str(python_of(product)), *product.pypi)
    elif product.bundle:
        # No scripts: none of these packages needs one, and they would run with the user's rights.
        npm(
            *("install", "--prefix", str(folder), "--ignore-scripts", "--legacy-peer-deps"),
            *("--no-audit", "--no-fund", "--loglevel=error", *product.npm),
            cwd=folder,
        )
    else:
        _unpack(product, folder)
    if product.bundle:
        _run(
            *(str(node_path()), str(folder / "node_modules" / "esbuild" / "bin" / "esbuild")),
            *(
                str(product.folder / product.bundle),
                "--bundle",
                "--format=esm",
                f"--outfile={folder / 'page.js'}",
            ),
            *("--define:process.env.NODE_ENV='production'", "--jsx=transform", "--log-level=error"),
            NODE_PATH=str(folder / "node_modules"),  # the page is in the repository, what it imports is here
        )
    (folder / _STAMP).write_text(_content(product), encoding="utf-8")
    return True


def _unpack(product: Product, folder: Path) -> None:
    """Fetch the packages alone: what a page loads of them is one file that contains their dependencies.

    One of them, @n8n/chat 1.37.0, cannot be installed at all: it depends on a version that is not in the registry.
    """
    for package in product.npm:
        archive = folder / npm("pack", "--silent", package, cwd=folder).split()[-1]
        place = folder / "node_modules" / package.rpartition("@")[0]
        with tarfile.open(archive) as packed, tempfile.TemporaryDirectory(dir=folder) as temporary:
            packed.extractall(temporary, filter="data")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(temporary) / "package", place)
        archive.unlink()


def _content(product: Product) -> str:
    """What the environment was made from: the packages, and the page that was bundled."""
    page = (product.folder / product.bundle).read_text(encoding="utf-8") if product.bundle else ""
    return "\n".join([*product.pypi, *product.npm, page])


def _run(*command: str, **environment: str) -> None:
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise HarnessError(
            f"{command[0]} could not be run: {error.strerror or error}", hint="make setup"
        ) from None
    if done.returncode != 0:
        raise HarnessError(
            f"`{Path(command[0]).name} {command[1]}` ended with {done.returncode}",
            where=" ".join(done.stdout.split())[-800:],
            hint="run it again with a network",
        )
