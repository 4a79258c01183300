"""What JUnit XML (``--junit-xml``) gets beside a test's status: the check, its verdict, the causes and where they are in the code.

Properties hold them, one for each, as every reader of JUnit XML lists them. A failure's message is that of the assertion, and an
inconclusive verdict is a skipped test with its reason; ``verdict`` tells it from a test that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from e2e.errors import HarnessError
from e2e.plugin.browsers.environments import run_of
from e2e.plugin.settings.options import SETTINGS

if TYPE_CHECKING:
    from e2e.analysis.model.run import Run
    from e2e.analysis.model.verdict import Verdict


@pytest.hookimpl
def pytest_chat_verdict(item: pytest.Item, run: Run, verdict: Verdict) -> None:
    """The properties of a verdict."""
    outcome = "known issue" if verdict.accepted else verdict.outcome
    add = item.user_properties.append
    add(("check", verdict.name))
    add(("verdict", outcome))
    add(("target", run.metas[0].target))
    add(("browser", run.metas[0].browser))
    if verdict.outcome == "inconclusive":
        add(("reason", verdict.headline))
        if verdict.needs:
            add(("needs", verdict.needs))
    for cause in verdict.causes if verdict.outcome == "fail" else ():
        add(("cause", cause.name))
        add(("layer", cause.layer))
        for where in cause.where[:1]:
            add(("code location", where))
        add(("hint", cause.advice))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, pytest.TestReport]:
    """A test that could not look has no verdict of a check."""
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, HarnessError) and SETTINGS in item.config.stash:
        mine = run_of(item)
        item.user_properties += [("verdict", "broken"), ("problem", f"{type(error).__name__}: {error.what}")]
        if mine is not None:
            item.user_properties.append(("browser", mine.environment.label))
    report: pytest.TestReport = yield
    return report
