"""Firefox, watched by the script in the page: the reference chat gives the verdicts and causes that Chromium gives. One browser start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.errors import HarnessError
from e2e.pages import typing
from e2e.profile.profile import Profile
from e2e.records.evidence import read_run
from e2e.selftest.browser.lab_pages.lab_runs import CHATS, failed, record_pages
from e2e.selftest.lab.app import Lab
from e2e.setup.engines import engine_options, find_engine
from fixtures.reference_chat.launcher import ReferenceChat


@pytest.fixture(scope="module")
def firefox(playwright: Playwright) -> Iterator[Browser]:
    try:
        found = find_engine("firefox")
    except HarnessError as error:
        pytest.skip(f"{error.what}: {error.hint}")
    browser = playwright.firefox.launch(**engine_options(found))
    yield browser
    browser.close()


def record(
    playwright: Playwright, browser: Browser, profile: Profile, chat: ReferenceChat, out: Path
) -> tuple[Run, Judgement]:
    plan = Plan(profile, chat.url, 4, 2, out, trace=False)
    run = assemble([read_run(Runner(plan, playwright, browser, {}).run())])
    return run, judge(run)


def test_healthy_chat_and_a_fault_give_what_they_give_in_chromium(
    playwright: Playwright, firefox: Browser, reference: Profile, shared_chat: ReferenceChat, tmp_path: Path
) -> None:
    shared_chat.reset()
    run, healthy = record(playwright, firefox, reference, shared_chat, tmp_path / "healthy")
    assert run.problems.empty
    assert healthy.causes == ()
    assert healthy.verdict("rotation.sent_id_is_fresh").outcome == "pass"
    (meta,) = run.metas
    assert meta.environment["browser"].startswith("firefox ")
    assert meta.environment["wire"] == "in-page"
    shared_chat.reset(faults=["stale-state"])
    _, stale = record(playwright, firefox, reference, shared_chat, tmp_path / "stale")
    assert [cause.name for cause in stale.causes] == ["stale-state"]


def test_mouse_and_keys_reach_a_frame_of_another_site(firefox: Browser) -> None:
    page = firefox.new_page()
    try:
        with Lab.start(seed=3) as lab:
            page.goto(lab.url("iframe-cross"))
            frame = page.frame_locator("#chat-frame")
            box = frame.get_by_role("textbox")
            box.click()
            typing.fill(box, "hello", 5000)
            page.keyboard.press("Enter")
            frame.get_by_test_id("message").nth(1).wait_for()
            assert len(lab.received) == 1
    finally:
        page.close()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_chat_in_a_frame_of_another_site_is_recorded(
    playwright: Playwright, firefox: Browser, tmp_path: Path
) -> None:
    run, received = record_pages(playwright, firefox, tmp_path, names=("iframe-cross",))["iframe-cross"]
    assert failed(run) == set()
    assert not run.partial, run.partial_reasons
    assert run.messages["sent"].nunique() == len(set(received)) == CHATS
