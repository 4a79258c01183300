"""Pages that lie to the suite: the verdict is the right one all the same."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.run.side_by_side import run_side_by_side
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.records.evidence import read_run
from e2e.selftest.browser.lab_pages.lab_profiles import lab_profile
from e2e.selftest.browser.lab_pages.lab_runs import failed
from e2e.selftest.lab.app import Lab

CHATS = 2
PAGES = {
    "patched": ("fetch-json", "patched"),
    "frozen": ("xhr-json", "frozen"),
    "forger": ("fetch-sse", "forger"),
    "strict": ("ws-text", "csp trusted"),
    "everything": ("session-storage", "csp trusted forger patched frozen"),
    "cookie": ("cookie", "forger patched frozen"),
    "indexeddb": ("indexeddb", "patched frozen"),
    "wire": ("fetch-sse", "wire patched"),
    "wire-xhr": ("xhr-json", "wire patched"),
    "wire-socket": ("ws-binary", "wire patched"),
    "late": ("fetch-sse", "late forger"),
    "late-socket": ("ws-binary", "late"),
}
WIRES = ("cdp", "in-page")


Kind = tuple[str, str, str]
Played = dict[Kind, tuple[Run, list[str | None]]]
"""Name, bug and wire -> the run, and the session IDs that the lab's backend received."""
HOSTILE = "everything"
"""The page of each test run; the others are visited in nightly ones."""


@pytest.fixture(scope="module")
def usual(playwright: Playwright, own_browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Played:
    kinds = [(HOSTILE, "stale", "cdp"), (HOSTILE, "leaves", "cdp"), (HOSTILE, "stale", "in-page")]
    return _played(kinds, playwright, own_browser, tmp_path_factory)


@pytest.fixture(scope="module")
def all_pages(
    playwright: Playwright, own_browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Played:
    kinds = [(name, bug, wire) for name in PAGES for bug in ("", "stale") for wire in WIRES]
    return _played(kinds, playwright, own_browser, tmp_path_factory)


def _played(
    kinds: list[Kind],
    playwright: Playwright,
    own_browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Played:
    out = tmp_path_factory.mktemp("hostile")
    waiter = EventWaiter(own_browser)
    with ExitStack() as stack:
        labs = {kind: stack.enter_context(Lab.start(seed=3)) for kind in kinds}
        runners = {}
        for name, bug, wire in kinds:
            page, hostile = PAGES[name]
            query = {"hostile": hostile} | ({"bug": bug} if bug else {})
            plan = Plan(lab_profile(page), labs[name, bug, wire].url(page, **query), CHATS, 1, out, continue_last=False,
                        trace=False, wire=wire, scenarios=() if bug == "stale" else ("reload",))  # fmt: skip
            runners[name, bug, wire] = Runner(plan, playwright, own_browser, {}, waiter=waiter)
        run_side_by_side(list(runners.values()), waiter, at_once=7)
        return {
            kind: (assemble([read_run(runners[kind].folder)]), [one.session for one in labs[kind].received])
            for kind in kinds
        }


@pytest.mark.timeout(300)
def test_a_page_that_forges_events_is_judged_by_what_it_does_at_true_ones(usual: Played) -> None:
    """Leaving the page ends the session: only the reload shows it, as without the forged ``pagehide`` of each key and click."""
    run, _ = usual[HOSTILE, "leaves", "cdp"]
    assert not run.partial, run.partial_reasons
    assert failed(run) == {"rotation.reload"}
    assert [cause.name for cause in judge(run).causes] == ["ended-on-leave"]
    for wire in WIRES:
        _fault_is_found(HOSTILE, wire, usual)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", PAGES)
def test_a_healthy_page_passes_whatever_it_replaces(name: str, wire: str, all_pages: Played) -> None:
    run, received = all_pages[name, "", wire]
    assert not run.partial, run.partial_reasons
    assert failed(run) == set()
    plain = run.messages
    assert plain["sent"].notna().all()
    assert plain["sent"].nunique() == len(set(received))
    assert (plain["sent"] == plain["stored"]).all()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", PAGES)
def test_a_fault_is_found_whatever_the_page_replaces(name: str, wire: str, all_pages: Played) -> None:
    _fault_is_found(name, wire, all_pages)


def _fault_is_found(name: str, wire: str, runs: Played) -> None:
    run, received = runs[name, "stale", wire]
    assert len(set(received)) == 1, (wire, run.partial_reasons)
    assert "rotation.sent_id_is_fresh" in failed(run)
    if name != "cookie":
        assert [cause.name for cause in judge(run).causes] == ["stale-state"]
