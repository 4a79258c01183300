"""Firefox, watched by the script in the page: the reference chat gives the verdicts and causes that Chromium gives. One browser start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.pages import typing
from e2e.profile.profile import Profile, Timeouts
from e2e.profile.variants import reference_variant
from e2e.records.evidence import read_run
from e2e.selftest.browser.lab_pages.lab_runs import CHATS, failed, record_pages
from e2e.selftest.lab.app import Lab
from fixtures.reference_chat.launcher import ReferenceChat


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


VARIANTS = (
    ("localStorage", "bare", "on_click", "json"),
    ("localStorage", "blob", "on_click", "websocket"),
    ("sessionStorage", "blob", "on_first_message", "sse"),
    ("cookie", "bare", "on_first_message", "json"),
    ("url", "bare", "on_click", "sse"),
    ("indexedDB", "blob", "on_first_message", "websocket"),
    ("none", "bare", "on_click", "json"),
)
"""Each store and each transport of the reference chat, in both rotations."""


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("store", "form", "rotation", "transport"), VARIANTS)
def test_whatever_store_and_transport_the_verdicts_are_those_of_chromium(
    playwright: Playwright,
    firefox: Browser,
    reference: Profile,
    shared_chat: ReferenceChat,
    tmp_path: Path,
    store: str,
    form: str,
    rotation: str,
    transport: str,
) -> None:
    patient = reference.model_copy(update={"timeouts": Timeouts(ready=30, action=15, reply=15)})
    profile = reference_variant(patient, store=store, id_format=form, rotation=rotation)
    options: dict[str, Any] = {
        "store": store,
        "id_format": form,
        "rotation": rotation,
        "transport": transport,
    }
    shared_chat.reset(**options)
    run, healthy = record(playwright, firefox, profile, shared_chat, tmp_path / "healthy")
    assert not run.partial, run.partial_reasons
    assert [v.name for v in healthy.verdicts if v.outcome == "fail"] == []
    passed = {v.name for v in healthy.verdicts if v.outcome == "pass"}
    assert passed >= {"smoke", "rotation.sent_id_is_fresh", "rotation.one_id_per_chat", "reply.is_live"}
    assert store == "none" or passed >= {"rotation.stored_id_is_fresh", "rotation.sent_equals_stored"}
    assert set(run.payloads["transport"]) == {"websocket" if transport == "websocket" else "http"}
    shared_chat.reset(**options, faults=["stale-state"])
    _, stale = record(playwright, firefox, profile, shared_chat, tmp_path / "stale")
    assert stale.verdict("rotation.sent_id_is_fresh").outcome == "fail"
    if store != "none":  # without a store nothing tells a stale state from an ID that is always the same
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
