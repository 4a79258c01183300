"""The historical fault is found and named on each page of the lab."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.judge import judge
from e2e.selftest.browser.lab_pages.lab_runs import NO_STORE, OTHERWISE, LabRun, failed, record_pages
from e2e.selftest.lab.pages import WITH_ID


@pytest.fixture(scope="module")
def runs(
    playwright: Playwright, own_browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, LabRun]:
    return record_pages(playwright, own_browser, tmp_path_factory.mktemp("lab"), chats=2, bug="stale")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", WITH_ID)
def test_the_historical_fault_is_found(name: str, runs: dict[str, LabRun]) -> None:
    run, received = runs[name]
    assert not run.partial, run.partial_reasons
    assert len(set(received)) == 1
    assert "rotation.sent_id_is_fresh" in failed(run)
    if name not in NO_STORE | OTHERWISE:
        assert [c.name for c in judge(run).causes] == ["stale-state"]
