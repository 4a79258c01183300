"""Every page of the lab in Firefox: the verdicts are those of Chromium, or the run says what was not seen."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.judge import judge
from e2e.profile.profile import Timeouts
from e2e.selftest.browser.lab_pages.lab_runs import (
    CHATS,
    NO_STORE,
    OTHERWISE,
    LabRun,
    failed,
    record_pages,
    selected,
)
from e2e.selftest.lab.pages import WITH_ID

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]

NOT_SEEN = {"shared-worker": "a shared worker ("}
"""Pages of which the script in the page cannot see the session, with what the run says of it."""


PATIENT: dict[str, Any] = {"at_once": 3, "timeouts": Timeouts(ready=40, action=20, reply=20)}
"""A page has a process of its own here: a context with one page took 0.8 s of CPU, and eight that opened at once on a busy machine
took longer than the 6 s of the lab's profiles."""


@pytest.fixture(scope="module")
def healthy(
    playwright: Playwright,
    firefox: Browser,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> dict[str, LabRun]:
    out = tmp_path_factory.mktemp("firefox")
    return record_pages(playwright, firefox, out, names=selected(request), **PATIENT)


@pytest.fixture(scope="module")
def stale(
    playwright: Playwright,
    firefox: Browser,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> dict[str, LabRun]:
    out = tmp_path_factory.mktemp("firefox")
    return record_pages(playwright, firefox, out, names=selected(request), chats=2, bug="stale", **PATIENT)


@pytest.mark.parametrize("name", WITH_ID)
def test_a_healthy_page_passes_or_names_what_was_not_seen(name: str, healthy: dict[str, LabRun]) -> None:
    run, received = healthy[name]
    assert failed(run) == set()
    if name in NOT_SEEN:
        assert any(NOT_SEEN[name] in problem for problem in run.problems["what"])
        assert not run.messages["sent_seen"].any()
        return
    assert not run.partial, (run.partial_reasons, [*run.problems["what"]])
    messages = run.messages
    assert messages["sent"].nunique() == len(set(received)) == CHATS
    assert (messages["label_provider"] == messages["reply_provider"]).all()
    if name not in NO_STORE:
        assert (messages["sent"] == messages["stored"]).all()


@pytest.mark.parametrize("name", WITH_ID)
def test_the_historical_fault_is_found(name: str, stale: dict[str, LabRun]) -> None:
    run, received = stale[name]
    assert len(set(received)) == 1
    if name in NOT_SEEN:
        assert "rotation.sent_id_is_fresh" not in failed(run)
        return
    assert not run.partial, (run.partial_reasons, [*run.problems["what"]])
    assert "rotation.sent_id_is_fresh" in failed(run)
    if name not in NO_STORE | OTHERWISE:
        assert [cause.name for cause in judge(run).causes] == ["stale-state"]
