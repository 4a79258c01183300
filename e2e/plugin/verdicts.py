"""From a spec to its verdict: the marker ``check``, the fixture ``check``, and the hook that reports each verdict."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import pytest

from e2e.plugin.assertions import act_on
from e2e.plugin.settings.options import OF_THE_SUITE, SETTINGS
from e2e.setup.places import REPO

if TYPE_CHECKING:
    from e2e.analysis.model.run import Run
    from e2e.analysis.model.verdict import Verdict

_CHECKS = REPO / "e2e" / "analysis" / "checks"


class CheckFixture(Protocol):
    """Judges a run by the spec's check; passes, fails or skips the test, as `e2e.plugin.assertions.act_on` does."""

    def __call__(self, run: Run) -> None: ...


class Hooks:
    """What this plugin adds to pytest's hooks."""

    @pytest.hookspec
    def pytest_chat_verdict(self, item: pytest.Item, run: Run, verdict: Verdict) -> None:
        """A spec reached ``verdict`` about ``run``. Called before the test passes, fails or skips by it."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(Hooks)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "check(name): the spec asserts this check of e2e.analysis.checks")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a spec that names no check, before any browser starts."""
    if OF_THE_SUITE not in config.stash:
        return
    known = declared_checks()
    for item in items:
        name = check_of(item)
        if name is None and "check" in getattr(item, "fixturenames", ()):
            hint = '@pytest.mark.check("rotation.sent_id_is_fresh")'
            raise pytest.UsageError(f"{item.nodeid}: the spec names no check\n  hint: {hint}")
        if name is not None and name not in known:
            from e2e.plugin.settings.fields import closest

            hint = closest(name, known) or f"one of {', '.join(known)}"
            raise pytest.UsageError(f"{item.nodeid}: there is no check {name!r}\n  hint: {hint}")


def check_of(item: pytest.Item) -> str | None:
    """The name of the check that a spec asserts."""
    marker = item.get_closest_marker("check")
    return str(marker.args[0]) if marker is not None and marker.args else None


def declared_checks() -> list[str]:
    """Names of all checks, from their decorators in the source.

    The registry has them too, and loads pandas and SciPy: 2 s of CPU time, which a collection does not need.
    """
    names: list[str] = []
    for module in sorted(_CHECKS.glob("*.py")):
        names += re.findall(r'^@check\(\s*"([^"]+)"', module.read_text(encoding="utf-8"), re.M)
    return names


@pytest.fixture
def check(request: pytest.FixtureRequest) -> CheckFixture:
    """Judges a run by the check that the spec's marker names: ``check(run)``."""

    def act(run: Run) -> None:
        __tracebackhide__ = True
        from e2e.analysis.checks.registry import CHECKS
        from e2e.analysis.judge import explained
        from e2e.records.selection import collector_paused

        asserted = next(one for one in CHECKS if one.name == check_of(request.node))
        with collector_paused():
            verdict = explained(run, asserted(run))
        request.config.hook.pytest_chat_verdict(item=request.node, run=run, verdict=verdict)
        act_on(verdict, strict=request.config.stash[SETTINGS].strict_evidence)

    return act
