"""A network service that was replaced by another one is noticed, whatever the browser responds from then on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.lane import network_service
from e2e.capture.lane.network_service import LOST, NetworkService


class Chromium:
    """A browser that reports its processes, some of them on this machine."""

    def __init__(self, engine: str = "chromium") -> None:
        self.browser_type = SimpleNamespace(name=engine)
        self.service: int | None = 7
        self.requested = 0
        self.gone = False

    def new_browser_cdp_session(self) -> Any:
        return self

    def send(self, method: str) -> Any:
        assert method == "SystemInfo.getProcessInfo"
        self.requested += 1
        if self.gone:
            raise Exception("Connection closed")
        service = (
            [] if self.service is None else [{"type": "network.mojom.NetworkService", "id": self.service}]
        )
        return {"processInfo": [{"type": "browser", "id": 1}, *service, {"type": "renderer", "id": 9}]}


def service_of(browser: Any) -> NetworkService:
    return NetworkService(browser)


@pytest.fixture(params=["here", "elsewhere"])
def chromium(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Chromium:
    """A browser on this machine, where the process can be looked up, and one on another."""
    browser = Chromium()
    here = request.param == "here"
    monkeypatch.setattr(network_service, "_runs_here", lambda number: here and number == browser.service)
    return browser


def test_a_service_that_was_started_again_is_noticed_by_each_context_that_was_open(
    chromium: Chromium,
) -> None:
    service = service_of(chromium)
    first, second = service.watch(), service.watch()
    assert first() == second() == ""
    chromium.service = 8
    later = service.watch()
    assert first() == LOST
    chromium.service = 7  # the number of a process may come again
    assert first() == LOST
    chromium.service = 8
    assert second() == LOST
    assert later() == ""


def test_a_service_that_is_down_is_noticed_and_one_that_starts_late_is_not_lost(chromium: Chromium) -> None:
    service = service_of(chromium)
    before = service.watch()
    chromium.service = None
    assert before() == LOST
    early = service.watch()
    assert early() == ""
    chromium.service = 8
    assert early() == early() == ""
    chromium.service = 9
    assert early() == LOST


def test_a_browser_that_is_gone_is_reported_by_others(chromium: Chromium) -> None:
    look = service_of(chromium).watch()
    chromium.gone, chromium.service = True, None
    assert look() == ""


def test_a_local_service_is_looked_up_without_the_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Chromium()
    monkeypatch.setattr(network_service, "_runs_here", lambda number: number == browser.service)
    look = service_of(browser).watch()
    assert [look() for _ in range(20)] == [""] * 20
    assert browser.requested == 1


def test_other_engines_have_no_such_process() -> None:
    browser = Chromium("firefox")
    look = service_of(browser).watch()
    assert (look(), browser.requested) == ("", 0)
