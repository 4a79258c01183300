"""All faults: each family is a module that registers its own."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from e2e.selftest.tools.chaos import faults
from e2e.selftest.tools.chaos.faults.definition import FAULTS, Case, Fault

NO_FAULT = "none"


def _nothing(_: Case) -> None:
    """The run goes on undisturbed."""


def all_faults() -> Mapping[str, Fault]:
    """Name -> fault, by name: the order is part of each draw. First the run without one, which shows that the rest is sound."""
    for module in pkgutil.iter_modules(faults.__path__):
        importlib.import_module(f"{faults.__name__}.{module.name}")
    healthy = Fault(
        NO_FAULT,
        "none",
        "no fault: the run must end with the right verdict",
        _nothing,
        harmless=True,
        by_itself=True,
    )
    return {NO_FAULT: healthy, **dict(sorted(FAULTS.items()))}
