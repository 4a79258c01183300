"""Each page of the lab, one for each transport, framing, store and awkward interface, passes while it is healthy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.selftest.browser.lab_pages.lab_runs import CHATS, NO_STORE, LabRun, failed, record_pages
from e2e.selftest.lab.pages import WITH_ID


@pytest.fixture(scope="module")
def runs(
    playwright: Playwright, own_browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, LabRun]:
    return record_pages(playwright, own_browser, tmp_path_factory.mktemp("lab"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", WITH_ID)
def test_a_healthy_page_passes(name: str, runs: dict[str, LabRun]) -> None:
    run, received = runs[name]
    assert not run.partial, run.partial_reasons
    assert failed(run) == set()
    messages = run.messages
    assert messages["sent"].notna().all()
    assert messages["sent"].nunique() == len(set(received)) == CHATS
    assert (messages["label_provider"] == messages["reply_provider"]).all()
    if name not in NO_STORE:
        assert (messages["sent"] == messages["stored"]).all()
