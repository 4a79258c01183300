"""The environments of a session: each browser and device has a run of its own, with its own evidence and verdicts.

`pytest-playwright` parametrizes a test by ``browser_name`` as soon as it uses one of its fixtures. The specs use none: a run is
recorded by a fixture that asks for the browser only when nothing recorded is judged. So they are parametrized here, by browser,
device and recorded browser alike, and only if there are several: the names of the tests of one browser stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.plugin.settings.options import SETTINGS

if TYPE_CHECKING:
    from e2e.analysis.model.run import Run
    from e2e.errors import HarnessError
    from e2e.plugin.settings.settings import Settings

NO_DEVICE = "desktop"
"""The name for no device, beside others: ``--device "desktop, iPhone 15"``."""
PARAMETER = "environment"
"""Name of the fixture, and of the parameter in a test's name."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A browser, on a device if one is emulated."""

    label: str
    """As reports name it: ``chromium``, ``chromium (iPhone 15)``."""
    browser: str = "chromium"
    device: str = ""
    folders: tuple[Path, ...] = ()
    """Recorded runs to judge; without them a run is recorded."""


@dataclass(slots=True)
class EnvironmentRun:
    """What a session has of one environment so far."""

    environment: Environment
    folders: list[Path] = field(default_factory=list)
    run: Run | None = None
    problem: HarnessError | None = None
    """Why there is no run."""
    alone: bool = True
    """The session has no other environment."""

    @property
    def label(self) -> str:
        """The environment's name where the session has several, else ``""``."""
        return "" if self.alone else self.environment.label

    def to_json(self) -> dict[str, Any]:
        """The row of the session file."""
        problem = self.problem
        return {
            "label": self.environment.label,
            "evidence": [str(folder) for folder in self.folders],
            "problem": None
            if problem is None
            else {
                "kind": type(problem).__name__,
                "what": problem.what,
                "where": problem.where,
                "way_out": problem.hint,
            },
        }


RUNS = pytest.StashKey[dict[str, EnvironmentRun]]()
"""By label, in the order of the command line."""


def environments_of(settings: Settings) -> tuple[Environment, ...]:
    """The environments that a session has a run in; at least one."""
    from e2e.records.records import browser_label

    if settings.from_evidence:
        return _recorded(settings.recorded)
    channel = settings.browser_channel or ""
    devices = ["" if name == NO_DEVICE else name for name in settings.device] or [""]
    return tuple(
        Environment(browser_label(browser, channel, device), browser, device)
        for browser in settings.browser or ("chromium",)
        for device in devices
    )


def _recorded(folders: Iterable[Path]) -> tuple[Environment, ...]:
    """Recorded runs by their browser: no check pools browsers."""
    from e2e.records.evidence import read_meta

    found: dict[str, list[Path]] = {}
    for folder in folders:
        found.setdefault(read_meta(folder).browser, []).append(folder)
    return tuple(Environment(label, folders=tuple(runs)) for label, runs in found.items())


def runs_of(config: pytest.Config) -> list[EnvironmentRun]:
    """Every environment of the session, with what there is of its run."""
    if RUNS not in config.stash:
        settings = config.stash.get(SETTINGS, None)
        found = () if settings is None else environments_of(settings)
        alone = len(found) <= 1
        config.stash[RUNS] = {one.label: EnvironmentRun(one, list(one.folders), alone=alone) for one in found}
    return list(config.stash[RUNS].values())


def run_of(item: pytest.Item) -> EnvironmentRun | None:
    """The run that a test is about."""
    runs = runs_of(item.config)
    label = label_of(item)
    return next((one for one in runs if label in (None, one.environment.label)), None)


def label_of(item: pytest.Item) -> str | None:
    """The environment in a test's name; None where the session has only one."""
    callspec: Any = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get(PARAMETER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if PARAMETER not in metafunc.fixturenames or SETTINGS not in metafunc.config.stash:
        return
    labels = [one.environment.label for one in runs_of(metafunc.config)]
    if len(labels) > 1:
        metafunc.parametrize(PARAMETER, labels, indirect=True, scope="session")


@pytest.fixture(scope="session")
def environment(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> EnvironmentRun:
    """The environment of these tests."""
    runs = runs_of(pytestconfig)
    if not runs:  # a session of the self tests has no settings
        return EnvironmentRun(Environment("chromium"))
    label = getattr(request, "param", runs[0].environment.label)
    return next(one for one in runs if one.environment.label == label)


@pytest.fixture(scope="session")
def browser_name(request: pytest.FixtureRequest, environment: EnvironmentRun) -> str:
    """pytest-playwright's: the browser of this environment; of a self test, the one that pytest-playwright gives it."""
    return str(getattr(request, "param", environment.environment.browser))


@pytest.fixture(scope="session")
def device(environment: EnvironmentRun) -> str | None:
    """pytest-playwright's: the device of this environment."""
    return environment.environment.device or None
