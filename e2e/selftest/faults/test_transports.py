"""A tiny page for each transport, framing and place: healthy it passes, and the historical fault is found and named on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.frames import Run, assemble
from e2e.capture.conduct import Conductor, Plan
from e2e.capture.evidence import read_run
from e2e.selftest.transports.app import Lab
from e2e.selftest.transports.pages import PAGES
from fixtures.targets.profile import Profile, parse

BOX = {"role": "textbox", "name": "Message"}
NO_STORE = {"memory", "iframe-cross"}
OTHERWISE = {"cookie-httponly", "key-per-chat", "cookie"}
"""Where the stale page leaves the old ID in the store, or sends nothing at all."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


def profile(name: str) -> Profile:
    page = PAGES[name]
    wire = [{key: value for key, value in rule.items() if value is not None} for rule in page.wire]
    raw: dict[str, Any] = {
        "name": name.replace(".", "-"),
        "title": name,
        "where": {"url": "http://127.0.0.1/", "ready": BOX, **page.where},
        "session": page.session,
        "steps": {"message_box": BOX, "new_chat": [{"click": {"role": "button", "name": "New chat"}}]},
        "wire": wire,
        "screen": {"messages": {"test_id": "message"}, "provider": {"test_id": "provider"}},
        "providers": {"count": 9},
        "policy": {"reload": "rotates" if name in NO_STORE | {"key-per-chat"} else "keeps"},
        "timeouts": {"ready": 5, "action": 3, "reply": 4},
    }
    return parse(raw, name)


@pytest.fixture
def had(lab: Lab, playwright: Playwright, own_browser: Browser, tmp_path: Path) -> Any:
    def had(name: str, query: str = "") -> Run:
        plan = Plan(profile(name), lab.url(name, query), 3, 1, tmp_path, continue_last=False, trace=False)
        return assemble([read_run(Conductor(plan, playwright, own_browser, {}).run())])

    return had


def failed(run: Run) -> set[str]:
    return {v.name for v in run.judgement.verdicts if v.outcome == "fail"}


@pytest.mark.parametrize("name", PAGES)
def test_a_healthy_page_passes(name: str, had: Any) -> None:
    run = had(name)
    assert not run.partial, run.partial_reasons
    assert failed(run) == set()
    messages = run.messages
    assert messages["sent"].notna().all()
    assert messages["reply_provider"].notna().all()
    assert (messages["label_provider"] == messages["reply_provider"]).all()
    assert messages["sent"].nunique() == 3
    if name not in NO_STORE:
        assert (messages["sent"] == messages["stored"]).all()


@pytest.mark.parametrize("name", PAGES)
def test_the_historical_fault_is_found(name: str, had: Any) -> None:
    run = had(name, "?bug=stale")
    assert not run.partial, run.partial_reasons
    assert "rotation.sent_id_is_fresh" in failed(run)
    assert run.messages["sent"].nunique() == 1, "and no other ID was ever sent"
    if name not in NO_STORE | OTHERWISE:
        assert [c.name for c in run.judgement.causes] == ["stale-state"]
