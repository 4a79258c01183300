"""Scenarios, slow New Chats and addresses on pages of the lab: pages that the suite did not make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.checks.registry import SCENARIO_OF
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.profile.profile import Profile
from e2e.profile.values.steps import Ready, Steps
from e2e.records.evidence import read_run
from e2e.selftest.browser.lab_pages.lab_profiles import lab_profile
from e2e.selftest.lab.app import Lab

CHATS = 3


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(seed=3) as lab:
        yield lab


@pytest.fixture
def record_page(lab: Lab, playwright: Playwright, own_browser: Browser, tmp_path: Path) -> Any:
    """Record chats on a page; what reached the page's backend is what the run is compared with."""

    def record_page(name: str, profile: Profile | None = None, **query: str) -> tuple[Run, list[str | None]]:
        before = len(lab.received)
        plan = Plan(
            profile or lab_profile(name),
            lab.url(name, **query),
            CHATS,
            1,
            tmp_path,
            continue_last=False,
            trace=False,
        )
        run = assemble([read_run(Runner(plan, playwright, own_browser, {}).run())])
        return run, [one.session for one in lab.received[before:]]

    return record_page


def failed(run: Run) -> set[str]:
    return {v.name for v in judge(run).verdicts if v.outcome == "fail"}


def test_a_new_chat_that_loads_a_page_is_waited_for_and_opened_again(record_page: Any) -> None:
    """A slow page shows the old chat until the new one comes; and a launcher is closed again after each load."""
    profile = lab_profile("page-address")
    opening = Steps.model_validate(
        profile.steps.model_dump(by_alias=True, exclude_none=True)
        | {"open": [{"click": {"role": "button", "name": "Open chat"}}]}
    )
    where = profile.where.model_copy(update={"ready": Ready(role="button", name="Open chat")})
    launched = profile.model_copy(update={"steps": opening, "where": where})
    for query, described in (({"load_s": "1", "after_ms": "30"}, None), ({"launcher": ""}, launched)):
        run, received = record_page("page-address", described, **query)
        assert not run.partial, run.partial_reasons
        assert failed(run) == set()
        assert len(set(received)) == CHATS


def test_an_id_that_is_only_in_the_address_is_the_frontends(record_page: Any) -> None:
    """New Chat opens the same address again: no store, no payload and no provider shows it."""
    run, _ = record_page("page-address", bug="stale")
    assert [(c.name, c.layer) for c in judge(run).causes] == [("session-not-ended", "frontend storage")]
    assert "page's address" in judge(run).causes[0].explanation


@pytest.mark.parametrize(
    "name", ["ws-text", "cookie", "url-path", "key-per-chat", "memory", "worker", "iframe"]
)
def test_every_scenario_is_played_on_pages_that_are_not_ours(
    name: str, lab: Lab, playwright: Playwright, own_browser: Browser, tmp_path: Path
) -> None:
    scenarios = tuple(SCENARIO_OF.values())
    plan = Plan(
        lab_profile(name), lab.url(name), CHATS, 1, tmp_path, trace=False, scenarios=scenarios, plays=1
    )
    run = assemble([read_run(Runner(plan, playwright, own_browser, {}).run())])
    assert failed(run) == set(), [(v.name, v.actual) for v in judge(run).verdicts if v.outcome == "fail"]
    assert not run.partial, run.partial_reasons
    seen = {n for n in SCENARIO_OF if judge(run).verdict(n).outcome == "pass"}
    # A lab page has no list of chats; out of the back/forward cache frames of another site do not come back to Playwright.
    assert set(SCENARIO_OF) - seen <= {
        "rotation.return_to_chat",
        "rotation.back_forward",
        "rotation.mid_stream",
        "chat.remembers",  # the profile has no [memory]
        "chat.forgets",
    }


@pytest.mark.parametrize(
    ("scenario", "query", "failing", "cause"),
    [
        ("double-click", {"new_chat_ms": "600"}, set(), None),
        ("rapid-send", {"new_chat_ms": "600", "bug": "loses"}, {"rotation.rapid_send"}, "message-lost"),
        ("reload", {"bug": "leaves"}, {"rotation.reload"}, "ended-on-leave"),
    ],
)
def test_what_new_chat_and_leaving_do_in_their_own_time(
    scenario: str,
    query: dict[str, str],
    failing: set[str],
    cause: str | None,
    lab: Lab,
    playwright: Playwright,
    own_browser: Browser,
    tmp_path: Path,
) -> None:
    """A slow New Chat is waited for; a message that it drops, and a session that leaving the page ends, are found."""
    plan = Plan(
        lab_profile("fetch-json"),
        lab.url("fetch-json", **query),
        CHATS,
        1,
        tmp_path,
        trace=False,
        scenarios=(scenario,),
        plays=1,
    )
    run = assemble([read_run(Runner(plan, playwright, own_browser, {}).run())])
    assert failed(run) == failing
    assert [c.name for c in judge(run).causes] == ([cause] if cause else [])
    assert not run.partial, run.partial_reasons


def test_what_foreign_pages_get_wrong_in_a_hurry_is_found(
    lab: Lab, playwright: Playwright, own_browser: Browser, tmp_path: Path
) -> None:
    """A cookie that the server sets at New Chat: what is sent at once carries the old one, and all tabs share it."""
    name = "cookie-httponly"
    plan = Plan(
        lab_profile(name),
        lab.url(name),
        CHATS,
        1,
        tmp_path,
        trace=False,
        scenarios=("rapid-send", "two-tabs"),
        plays=1,
    )
    run = assemble([read_run(Runner(plan, playwright, own_browser, {}).run())])
    assert failed(run) == {"rotation.rapid_send", "rotation.two_tabs"}
    assert {c.name for c in judge(run).causes} == {"late-rotation", "tab-bleed"}


@pytest.mark.parametrize("name", ["fetch-json", "fetch-sse", "header", "ws-text"])
def test_a_backend_that_refuses_ended_sessions_hides_no_fault(name: str, record_page: Any) -> None:
    """What the page sends is what the run is about; that nobody answered is reported beside it."""
    run, received = record_page(name, bug="stale", fail="spent")
    assert len(set(received)) == 1
    assert "rotation.sent_id_is_fresh" in failed(run)
    assert [c.name for c in judge(run).causes] == ["stale-state"]
    assert judge(run).outcome == "fail"
    (problem,) = {p.what for p in run.metas[0].problems}
    assert problem.startswith("the chat's backend ")
    run, _ = record_page(name, fail="spent")
    assert judge(run).outcome == "pass"


def test_an_old_id_is_found_also_where_the_answer_is_that_of_a_login_wall(record_page: Any) -> None:
    run, _ = record_page("fetch-json", bug="stale", fail="expired")
    assert failed(run) == {"rotation.sent_id_is_fresh"}
    assert [c.name for c in judge(run).causes] == ["stale-state"]
    assert run.metas[0].problems[0].what == "login-wall: the chat's backend answered 401"
    run, _ = record_page("fetch-json", fail="login", fail_after="1")
    assert failed(run) == set()
    assert judge(run).causes == ()  # a wall has no New Chat button, and that is no fault of the chat
    assert judge(run).outcome == "broken"


def test_a_backend_that_refuses_fresh_sessions_is_nobodys_fault_in_the_frontend(record_page: Any) -> None:
    run, _ = record_page("fetch-json", fail="400", fail_after="1")
    assert failed(run) == set()
    assert judge(run).outcome == "broken"
