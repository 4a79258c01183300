"""All framings: every one that a module in ``decoders/`` defines. A new file is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType, ModuleType

import e2e.framings.decoders as package
from e2e.framings.base.decoder import Decoder, Framing

DEFAULT = "json"


def collect(package: ModuleType) -> Mapping[str, Framing]:
    """Name -> framing of a package's modules, the default first. Raises ``ValueError`` when two have one name."""
    found: dict[str, Framing] = {}
    modules = pkgutil.iter_modules(package.__path__, prefix=f"{package.__name__}.")
    for module in (importlib.import_module(info.name) for info in modules):
        for value in vars(module).values():
            # a module may import another one's decoder: it counts where it is defined
            if not isinstance(value, type) or value.__module__ != module.__name__:
                continue
            framing = vars(value).get("framing")
            if not isinstance(framing, Framing):
                continue
            if found.setdefault(framing.name, framing) is not framing:
                other = found[framing.name].decoder.__module__
                raise ValueError(f"{module.__name__}: the framing {framing.name} is also defined in {other}")
    order = sorted(found, key=lambda name: (name != DEFAULT, name))
    return MappingProxyType({name: found[name] for name in order})


FRAMINGS = collect(package)


def make_decoder(name: str) -> Decoder:
    """A decoder for one connection: ``name`` is one of `FRAMINGS`, anything else is a KeyError."""
    return FRAMINGS[name].decoder()
