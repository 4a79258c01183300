"""The products and their packages, as ``fixtures/products/packages.toml`` lists them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from e2e.setup.places import REPO

HERE = REPO / "fixtures" / "products"
PACKAGES = HERE / "packages.toml"


@dataclass(frozen=True)
class Product:
    """A public product: packages from PyPI or from npm, with exact versions."""

    name: str
    pypi: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    bundle: str | None = None
    """A file of the product's folder that esbuild makes into ``page.js``."""

    @property
    def folder(self) -> Path:
        """Where the page and the backend of a widget are."""
        return HERE / "widgets" / self.name.replace("-", "_")

    @property
    def app(self) -> Path:
        """The app of a Python product."""
        return HERE / "apps" / f"{self.name.replace('-', '_')}_app.py"


def products() -> dict[str, Product]:
    """Name -> product."""
    raw = tomllib.loads(PACKAGES.read_text(encoding="utf-8"))
    return {
        name: Product(name, tuple(one.get("pypi", ())), tuple(one.get("npm", ())), one.get("bundle"))
        for name, one in raw.items()
    }
