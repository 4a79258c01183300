"""Each spec names its check by a marker, each check has exactly one spec, and a name that is no check is refused."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import e2e.specs
from e2e.analysis.checks.registry import CHECKS
from e2e.plugin.settings.options import OF_THE_SUITE
from e2e.plugin.verdicts import check_of, declared_checks, pytest_collection_modifyitems


def marked_checks() -> Iterator[str]:
    for module in pkgutil.iter_modules(e2e.specs.__path__, prefix="e2e.specs."):
        for name, function in vars(importlib.import_module(module.name)).items():
            if name.startswith("test_"):
                yield from (m.args[0] for m in getattr(function, "pytestmark", ()) if m.name == "check")


def item(*names: str, fixtures: tuple[str, ...] = ("run", "check")) -> Any:
    mark = pytest.mark.check(*names).mark if names else None
    return SimpleNamespace(
        nodeid="test_x.py::test_x", fixturenames=fixtures, get_closest_marker=lambda _: mark
    )


def collect(*items: Any) -> None:
    stash = pytest.Stash()
    stash[OF_THE_SUITE] = True
    pytest_collection_modifyitems(SimpleNamespace(stash=stash), list(items))  # type: ignore[arg-type]


def test_every_check_has_exactly_one_spec() -> None:
    assert sorted(marked_checks()) == sorted(check.name for check in CHECKS)


def test_the_names_read_from_the_source_are_those_of_the_registry() -> None:
    assert sorted(declared_checks()) == sorted(check.name for check in CHECKS)


def test_a_marker_that_names_a_check_is_accepted() -> None:
    spec = item("smoke")
    collect(spec, item(fixtures=("run",)))
    assert check_of(spec) == "smoke"


def test_a_marker_that_names_no_check_is_refused() -> None:
    with pytest.raises(pytest.UsageError) as error:
        collect(item("rotation.sent_id_is_frsh"))
    assert str(error.value) == (
        "test_x.py::test_x: there is no check 'rotation.sent_id_is_frsh'"
        "\n  hint: did you mean rotation.sent_id_is_fresh?"
    )


def test_a_spec_that_asserts_a_check_must_name_it() -> None:
    with pytest.raises(pytest.UsageError, match="the spec names no check"):
        collect(item())
