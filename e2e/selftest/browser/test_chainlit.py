"""The suite on a chat that we did not write: Chainlit as shipped, its Socket.IO traffic decoded, New Chat with a confirmation."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.target.start_command import serving
from e2e.profile.profile import SUITE, Command, load
from e2e.records.evidence import read_run
from e2e.setup.chainlit import installed

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(installed() is None, reason="Chainlit is not installed: python -m e2e.setup chainlit"),
]

CHATS, LANES = 6, 2


@pytest.fixture(scope="module")
def run(playwright: Playwright, own_browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Run:
    profile = load("chainlit")
    command = profile.where.start
    assert isinstance(command, Command)
    with serving(command, SUITE) as url:
        plan = Plan(profile, url, CHATS, LANES, tmp_path_factory.mktemp("chainlit"), trace=False)
        folder = Runner(plan, playwright, own_browser, {}).run()
    return assemble([read_run(folder)])


def outcomes(run: Run) -> dict[str, str]:
    return {v.name: v.outcome for v in judge(run).verdicts}


def test_every_chat_is_seen(run: Run) -> None:
    assert not run.partial, run.partial_reasons
    assert len(run.observed) == CHATS


def test_its_sessions_rotate(run: Run) -> None:
    found = outcomes(run)
    for name in (
        "smoke",
        "rotation.stored_id_is_fresh",
        "rotation.sent_id_is_fresh",
        "rotation.sent_equals_stored",
    ):
        assert found[name] == "pass", name
    assert run.chats["sent"].nunique() == CHATS


def test_the_identity_comes_from_the_connect_message(run: Run) -> None:
    sent = run.payloads["session"]
    assert sent.notna().all()
    assert set(run.payloads["transport"]) == {"websocket"}


def test_who_answers_is_read_from_the_frames_and_from_the_avatar(run: Run) -> None:
    messages: Any = run.messages
    assert messages["reply_provider"].notna().all()
    assert (messages["label_provider"] == messages["reply_provider"]).all()
    assert outcomes(run)["provider.label_is_true"] == "pass"


def test_what_cannot_be_judged_is_stated(run: Run) -> None:
    found = {v.name: v for v in judge(run).verdicts}
    assert found["backend.assigns"].outcome == "inconclusive"
    assert "names no backend API" in found["backend.assigns"].headline


def test_nothing_fails(run: Run) -> None:
    assert "fail" not in outcomes(run).values()
