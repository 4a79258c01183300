"""The random test over user actions, after all chats of a run; or exactly the steps of ``--replay``."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from e2e.plugin.assertions import RandomTestResult
from e2e.plugin.browsers.environments import EnvironmentRun
from e2e.plugin.writer import shown_as

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

    from e2e.capture.lane.run_context import RunContext
    from e2e.capture.session_ids.redaction import Redactor
    from e2e.plugin.settings.settings import Settings
    from e2e.records.records import RunMeta

_SEARCH = 90.0  # seconds
_SHORTEN = 45.0


@pytest.fixture(scope="session")
@shown_as("The random test over user actions")
def random_test(
    request: pytest.FixtureRequest,
    settings: Settings,
    environment: EnvironmentRun,  # a result for each
) -> RandomTestResult:
    """What a random sequence of user actions broke, if anything."""
    if settings.from_evidence:
        return RandomTestResult(skipped="recorded evidence is judged, without a browser")
    if not settings.walk and not settings.replay:
        return RandomTestResult(skipped="the random test is off (--walk 0)", needs="--walk 200")
    from e2e.capture.session_ids.redaction import Redactor
    from e2e.explore.random_test.machine import InvariantBroken, RandomTest  # loads Hypothesis: 1.4 s

    url: str = request.getfixturevalue("chat_url")
    playwright: Playwright = request.getfixturevalue("playwright")
    browser: Browser = request.getfixturevalue("browser")
    redactor = Redactor(show=settings.show_ids)
    test = RandomTest(
        _run_context(
            settings, url, playwright, browser, dict(request.getfixturevalue("browser_context_args"))
        ),
        redactor,
        _meta(settings, url, redactor),
        steps=settings.walk,
        search_seconds=_SEARCH,
        shorten_seconds=_SHORTEN,
        seed=settings.seed,
        hypothesis_folder=settings.out / "hypothesis",
    )
    with suppress(InvariantBroken):
        if settings.replay:
            test.replay(settings.replay)
        else:
            test.run()
    sequence, broken = test.shortest_failure or ((), ())
    skipped = ""
    if not test.trials and not broken:
        skipped = "no sequence of user actions was observed to its end"
        skipped += f": {test.incomplete[0].what}" if test.incomplete else ""
    return RandomTestResult(
        steps=test.steps_done,
        sequences=test.trials,
        shortest=sequence,
        broken=broken,
        skipped=skipped,
        needs="one sequence that is observed to its end" if skipped else "",
    )


def _run_context(
    settings: Settings, url: str, playwright: Playwright, browser: Browser, context_args: dict[str, object]
) -> RunContext:
    from e2e.capture.lane.run_context import RunContext
    from e2e.capture.network.wire_rules import Rule
    from e2e.capture.scheduling.pace import Pace
    from e2e.capture.scheduling.scheduler import EventWaiter

    profile = settings.profile
    return RunContext(
        profile=profile,
        url=url,
        browser=browser,
        context_args=context_args,
        rules=tuple(Rule(rule) for rule in profile.wire),
        waiter=EventWaiter(playwright),
        pace=Pace(profile.limits),
        backend=None,
        folder=None,
        trace=False,
        full=True,
        goes_on=False,
        problem=lambda _error, _where: None,
        stopped=lambda: "",
        crashed=lambda _: None,
    )


def _meta(settings: Settings, url: str, redactor: Redactor) -> RunMeta:
    from e2e.capture.target.policy import policy_of
    from e2e.records.records import RunMeta

    return RunMeta(
        run_id="walk",
        target=settings.profile.name,
        title=settings.profile.title,
        url=redactor.url(url),
        started=time.time(),
        finished=time.time(),
        planned_chats=0,
        lanes=1,
        masked=not settings.show_ids,
        mask_key=redactor.fingerprint,
        policy=policy_of(settings.profile),
        alarms_per_year=settings.alarms_per_year,
        environment={},
    )
