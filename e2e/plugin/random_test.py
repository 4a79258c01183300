"""The walk: a person who does things in any order, as the last thing of a session; or exactly what `--replay` says."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.capture.lane.run_context import RunContext
from e2e.capture.network.wire_rules import Rule
from e2e.capture.scheduling.pace import Pace
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.capture.session_ids.redaction import Redactor
from e2e.capture.target.policy import policy_of
from e2e.plugin.assertions import Walk
from e2e.plugin.settings.settings import Settings
from e2e.records.records import RunMeta

_SEARCH = 90.0  # seconds
_SHORTEN = 45.0


@pytest.fixture(scope="session")
def walk(request: pytest.FixtureRequest, settings: Settings) -> Walk:
    """What a walk in any order broke, if it broke anything."""
    if settings.from_evidence:
        return Walk(why="recorded evidence is judged: there is no browser to walk in")
    if not settings.walk and not settings.replay:
        return Walk(why="not asked for (--walk 0)", needs="--walk 200")
    from e2e.explore.random_test.machine import InvariantBroken, RandomTest  # Hypothesis is slow to import

    url: str = request.getfixturevalue("chat_url")
    playwright: Playwright = request.getfixturevalue("playwright")
    browser: Browser = request.getfixturevalue("browser")
    redactor = Redactor(show=settings.show_ids)
    random_test = RandomTest(
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
            random_test.replay(settings.replay)
        else:
            random_test.run()
    sequence, broken = random_test.shortest_failure or ((), ())
    why = ""
    if not random_test.trials and not broken:
        why = (
            f"no walk came to its end: {random_test.incomplete[0].what}"
            if random_test.incomplete
            else "nothing was walked"
        )
    return Walk(
        taken=random_test.steps_done,
        walks=random_test.trials,
        sequence=sequence,
        broken=broken,
        why=why,
        needs="a walk that is seen to its end" if why else "",
    )


def _run_context(
    settings: Settings, url: str, playwright: Playwright, browser: Browser, context_args: dict[str, object]
) -> RunContext:
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
