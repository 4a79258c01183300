"""The shipped profiles on the products themselves: no false alarm, and a planted fault is named.

Fault ``stale`` of each app (fixtures/products): New Chat clears the screen, and the old conversation goes on.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.target.start_command import serving
from e2e.profile.profile import SUITE, Command, load
from e2e.records.evidence import read_run
from e2e.setup.product_list import products
from e2e.setup.products import is_installed

pytestmark = pytest.mark.long

CHATS, LANES = 6, 2
STALE = {
    "gradio": ("memory",),
    "streamlit": ("memory",),
    "shiny": ("memory",),
    "deep-chat": ("memory",),
    "nicegui": (),
    "n8n-chat": (),
    "flowise-embed": (),
    "botframework-webchat": (),
    "ai-sdk": (),
}
"""Product -> the scenarios in which its planted fault shows, beside the plain chats."""


def judged(
    name: str, fault: str, scenarios: tuple[str, ...], playwright: Playwright, browser: Browser, folder: Path
) -> Judgement:
    product, profile = products()[name], load(name)
    if not is_installed(product):
        pytest.skip(f"{name} is not installed: python -m e2e.setup {name}")
    command = profile.where.start
    assert isinstance(command, Command)
    faulty = command.model_copy(update={"command": (*command.command, "--fault", fault)})
    with serving(faulty, SUITE) as url:
        plan = Plan(profile, url, CHATS, LANES, folder, trace=False, scenarios=scenarios)
        recorded = Runner(plan, playwright, browser, {}).run()
    return judge(assemble([read_run(recorded)]))


def fails(found: Judgement) -> dict[str, str]:
    """Failed check -> its first cause."""
    return {v.name: v.causes[0].name for v in found.verdicts if v.outcome == "fail"}


@pytest.mark.parametrize("name", STALE)
def test_an_app_without_a_fault_passes(
    name: str, playwright: Playwright, own_browser: Browser, tmp_path: Path
) -> None:
    found = judged(name, "none", ("mid-stream", *STALE[name]), playwright, own_browser, tmp_path)
    # Reset of flowise-embed does not end a reply that streams: a fault of the product, seen by hand too.
    expected = {"rotation.mid_stream": "late-stream"} if name == "flowise-embed" else {}
    assert fails(found) == expected
    assert found.verdict("smoke").outcome == "pass"


@pytest.mark.parametrize("name", STALE)
def test_a_conversation_that_goes_on_over_new_chat_is_found(
    name: str, playwright: Playwright, own_browser: Browser, tmp_path: Path
) -> None:
    found = fails(judged(name, "stale", STALE[name], playwright, own_browser, tmp_path))
    if STALE[name]:  # without an ID, what the next chat knows is the finding
        assert found["chat.forgets"] in ("context-bleed", "history-bleed")
    else:
        assert found["rotation.sent_id_is_fresh"] in ("stale-state", "session-not-ended")
        assert "unexplained" not in found.values()


def test_a_page_that_leaves_a_reply_streaming_is_found(
    playwright: Playwright, own_browser: Browser, tmp_path: Path
) -> None:
    found = judged("deep-chat", "late-stream", ("mid-stream",), playwright, own_browser, tmp_path)
    assert fails(found) == {"rotation.mid_stream": "late-stream"}
