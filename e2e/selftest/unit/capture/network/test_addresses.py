"""Which address the chat's page showed when a payload left."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from playwright.sync_api import CDPSession

from e2e.capture.network.cdp.wire import CdpWire
from e2e.capture.network.events.addresses import Addresses
from e2e.capture.network.wire_rules import Rule, Sent
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.profile.profile import WireRule
from e2e.selftest.unit.capture.network.test_cdp import WALL, FakePulse, FakeSession, Log

HOME = "https://chat.example/c/one"


def navigated(addresses: Addresses, frame: str, url: str, parent: str | None = None) -> None:
    frame_info: dict[str, Any] = {"id": frame, "url": url} | ({"parentId": parent} if parent else {})
    addresses.handlers["Page.frameNavigated"]({"frame": frame_info})


def moved(addresses: Addresses, frame: str, url: str) -> None:
    addresses.handlers["Page.navigatedWithinDocument"]({"frameId": frame, "url": url})


def test_it_follows_loads_and_moves_without_one() -> None:
    addresses = Addresses()
    assert addresses.now == ""
    navigated(addresses, "top", HOME)
    navigated(addresses, "ad", "https://ads.example/", "top")
    assert addresses.now == HOME
    moved(addresses, "top", "https://chat.example/#two")
    assert addresses.now == "https://chat.example/#two"
    addresses.handlers["Page.frameDetached"]({"frameId": "ad", "reason": "remove"})
    navigated(addresses, "top", "https://chat.example/c/three")
    assert addresses.now == "https://chat.example/c/three"


def test_a_page_reports_its_frames_only_when_it_is_enabled() -> None:
    questions: list[str] = []
    channel: Any = SimpleNamespace(ask=lambda method, *_: questions.append(method))
    Addresses().watch(channel)
    assert questions == ["Page.enable", "Page.getFrameTree"]


def test_a_chat_in_a_frame_has_the_frames_address() -> None:
    addresses = Addresses(depth=1)
    navigated(addresses, "top", "https://host.example/")
    addresses.handlers["Page.frameAttached"]({"frameId": "chat", "parentFrameId": "top"})
    navigated(addresses, "chat", HOME)  # in a process of its own it comes without its parent
    assert addresses.now == HOME
    addresses.handlers["Page.frameDetached"]({"frameId": "chat", "reason": "swap"})
    assert addresses.now == HOME
    addresses.handlers["Page.frameDetached"]({"frameId": "chat", "reason": "remove"})
    assert addresses.now == ""


@pytest.mark.parametrize(
    ("page", "found"),
    [(HOME, "one"), ("https://chat.example/", None), ("https://chat.example/c/a%20b", "a b"), ("", None)],
)
def test_a_rule_reads_the_page(page: str, found: str | None) -> None:
    rule = Rule(WireRule.model_validate({"url": "/api", "session": {"page": "/c/([^/?#]+)"}}))
    assert rule.session_of(Sent("https://chat.example/api/c/other", page=page), {}) == found


def test_a_request_has_the_address_of_its_moment_although_its_body_comes_later() -> None:
    session, log = FakeSession(), Log()
    session.answers |= {
        "Page.enable": lambda _: {},
        "Page.getFrameTree": lambda _: {"frameTree": {"frame": {"id": "top", "url": HOME}}},
    }

    def later(_: dict[str, Any]) -> dict[str, Any]:
        session.handlers["Page.navigatedWithinDocument"](
            {"frameId": "top", "url": "https://chat.example/c/two"}
        )
        return {"postData": "{}"}

    session.answers["Network.getRequestPostData"] = later
    rule = Rule(WireRule.model_validate({"url": "/api/chat$", "session": {"page": "/c/([^/?#]+)"}}))
    CdpWire(cast(CDPSession, session), (rule,), log, cast(EventWaiter, FakePulse()))
    session.request(postData=None, hasPostData=True)
    session.request("2", postData="{}")
    assert [e.session for e in log.exchanges] == ["one", "two"]
    assert log.exchanges[0].sent_at == WALL + 1
