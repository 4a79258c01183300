"""All checks: every one that a module of this package defines. A new file is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import e2e.analysis.checks as package
from e2e.analysis.model.check import Check


def collect(package: ModuleType) -> tuple[Check, ...]:
    """The checks of a package's modules in report order. Raises ``ValueError`` when two have one name."""
    found: dict[str, Check] = {}
    for module in (importlib.import_module(name) for name in _modules(package)):
        for value in vars(module).values():
            # a module may import another one's check: it counts where it is defined
            if not isinstance(value, Check) or value.judge.__module__ != module.__name__:
                continue
            if found.setdefault(value.name, value) is not value:
                other = found[value.name].judge.__module__
                raise ValueError(f"{module.__name__}: the check {value.name} is also defined in {other}")
    return tuple(sorted(found.values(), key=lambda check: (check.position, check.name)))


def _modules(package: ModuleType) -> list[str]:
    found = pkgutil.iter_modules(package.__path__, prefix=f"{package.__name__}.")
    return [module.name for module in found if module.name != __name__]


CHECKS = collect(package)

SCENARIO_OF = {check.name: check.scenario for check in CHECKS if check.scenario != "plain"}
"""Name of a check -> the scenario that it judges, for the checks that judge one."""
