"""Session IDs stay out of everything that is written, unless the user asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.profile.profile import Profile
from fixtures.reference_chat.launcher import ReferenceChat


@pytest.mark.parametrize("show_ids", [False, True])
@pytest.mark.parametrize("fault", ["stale-state", "backend-down"])
def test_the_records_hold_no_session_id_in_the_clear(
    playwright: Playwright,
    own_browser: Browser,
    reference: Profile,
    tmp_path: Path,
    fault: str,
    show_ids: bool,
) -> None:
    with ReferenceChat.start(faults=[fault], fault_after=2) as chat:
        plan = Plan(reference, chat.url, 6, 2, tmp_path, show_ids=show_ids, trace=False)
        folder = Runner(plan, playwright, own_browser, {}).run()
        known = {str(r["session_id"]) for r in chat.requests() if r.get("session_id")}
    written = "".join(
        p.read_text(encoding="utf-8") for p in folder.iterdir() if p.suffix in (".json", ".jsonl")
    )
    assert len(known) >= 2
    leaked = [session for session in known if session in written]
    assert bool(leaked) is show_ids, leaked
