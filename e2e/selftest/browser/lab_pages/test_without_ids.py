"""Chats that send no session ID, of both kinds: judged by their content, and by what they know of a code word."""

from __future__ import annotations

from contextlib import ExitStack
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.checks.registry import SCENARIO_OF
from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import assemble
from e2e.analysis.model.verdict import NO_ID
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.run.side_by_side import run_side_by_side
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.records.evidence import read_run
from e2e.selftest.browser.lab_pages.lab_profiles import lab_profile
from e2e.selftest.lab.app import Lab

SERVER, CLIENT = "server-held", "client-held"
CHATS = 3
EVERY = tuple(dict.fromkeys(SCENARIO_OF.values()))


class Case(NamedTuple):
    """A page with a fault of it, what fails, and the cause with its layer."""

    page: str
    bug: str
    failing: frozenset[str]
    cause: tuple[str, str] | None


CASES = (
    Case(SERVER, "", frozenset(), None),
    Case(CLIENT, "", frozenset(), None),
    Case(SERVER, "keeps", frozenset({"chat.forgets"}), ("context-bleed", "backend")),
    Case(SERVER, "lost", frozenset({"chat.remembers"}), ("context-lost", "backend")),
    Case(
        CLIENT, "keeps", frozenset({"chat.forgets", "chat.starts_empty"}), ("history-bleed", "frontend state")
    ),
    Case(CLIENT, "trims", frozenset({"chat.remembers", "provider.persists"}), ("unexplained", "unknown")),
)


@pytest.fixture(scope="module")
def judged(
    playwright: Playwright, own_browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> dict[Case, Judgement]:
    """All cases as lanes of one thread, the healthy ones with every scenario."""
    waiter, out = EventWaiter(own_browser), tmp_path_factory.mktemp("without-ids")
    with ExitStack() as stack:
        runners: dict[Case, Runner] = {}
        for case in CASES:
            lab = stack.enter_context(Lab.start(seed=3))
            address = lab.url(case.page, **({"bug": case.bug} if case.bug else {}))
            scenarios = ("memory",) if case.bug else EVERY
            plan = Plan(
                lab_profile(case.page), address, CHATS, 1, out, trace=False, scenarios=scenarios, plays=1
            )
            runners[case] = Runner(plan, playwright, own_browser, {}, waiter=waiter)
        run_side_by_side(list(runners.values()), waiter)
        runs = {case: assemble([read_run(runner.folder)]) for case, runner in runners.items()}
    assert not [run.partial_reasons for run in runs.values() if run.partial]
    return {case: judge(run) for case, run in runs.items()}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.page}-{case.bug or 'healthy'}")
def test_what_a_chat_without_an_id_gets_wrong_is_found_and_nothing_else(
    case: Case, judged: dict[Case, Judgement]
) -> None:
    found = judged[case]
    failed = {v.name: v.actual for v in found.verdicts if v.outcome == "fail"}
    assert set(failed) == case.failing, failed
    assert [(c.name, c.layer) for c in found.causes] == ([case.cause] if case.cause else [])


@pytest.mark.parametrize("page", [SERVER, CLIENT])
def test_a_healthy_chat_without_an_id_is_judged_by_its_content(
    page: str, judged: dict[Case, Judgement]
) -> None:
    found = judged[next(case for case in CASES if case.page == page and not case.bug)]
    assert found.outcome == "pass"
    outcome = {v.name: v.outcome for v in found.verdicts}
    passing = (
        "smoke",
        "chat.starts_empty",
        "chat.remembers",
        "chat.forgets",
        "reply.is_live",
        "provider.persists",
    )
    assert {name: outcome[name] for name in passing} == dict.fromkeys(passing, "pass")
    assert outcome["rotation.mid_stream"] == "pass"
    by_id = [
        v
        for v in found.verdicts
        if v.name.startswith(("rotation.", "session_ids.")) and v.name != "rotation.mid_stream"
    ]
    assert {v.outcome for v in by_id} == {"inconclusive"}
    # A lab page has no list of chats to return to.
    assert all(v.headline.startswith(NO_ID) for v in by_id if v.name != "rotation.return_to_chat"), [
        v.headline for v in by_id
    ]
