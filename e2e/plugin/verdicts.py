"""From a spec to its verdict: the fixture `check`, and the hook by which others see each verdict."""

from __future__ import annotations

from typing import Protocol

import pytest

from e2e.analysis.judge import explained
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import Verdict
from e2e.plugin.assertions import act_on
from e2e.plugin.settings.options import SETTINGS


class CheckFixture(Protocol):
    """Passes, fails or skips the running test by a verdict; raises what `e2e.plugin.assertions.act_on` raises."""

    def __call__(self, verdict: Verdict) -> None: ...


class Hooks:
    """What this plugin adds to pytest's hooks."""

    @pytest.hookspec
    def pytest_chat_verdict(self, item: pytest.Item, run: Run, verdict: Verdict) -> None:
        """A spec reached ``verdict`` about ``run``. Called before the test passes, fails or skips by it."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(Hooks)


@pytest.fixture
def check(request: pytest.FixtureRequest, run: Run) -> CheckFixture:
    """Takes the verdict of a check of `e2e.analysis.checks`: ``check(rotation.sent_id_is_fresh(run))``."""

    def act(verdict: Verdict) -> None:
        __tracebackhide__ = True
        full = explained(run, verdict)
        request.config.hook.pytest_chat_verdict(item=request.node, run=run, verdict=full)
        act_on(full, strict=request.config.stash[SETTINGS].strict_evidence)

    return act
