"""Watching a stream must not change it: the page gets as many chunks, at the same times, with capture as without."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from e2e.capture.cdp import CdpWire
from e2e.capture.exchanges import Listener
from e2e.capture.scheduler import Pulse
from e2e.capture.wire import Exchange, Rule
from fixtures.reference_chat.launcher import ReferenceChat
from fixtures.targets.profile import load

GAP = 60  # milliseconds between two chunks
ROUNDS = 8

READ = """async ([url, session]) => {
  const body = JSON.stringify({session_id: session, stream_id: 'stream_' + session, message: 'Hello there', history: []});
  const response = await fetch(url, {method: 'POST', headers: {'Content-Type': 'application/json'}, body});
  const reader = response.body.getReader();
  const times = [];
  for (;;) { const {done} = await reader.read(); if (done) break; times.push(performance.now()); }
  return times;
}"""


class Nobody:
    """A listener that only counts."""

    def __init__(self) -> None:
        self.chunks = 0

    def on_payload(self, exchange: Exchange) -> None: ...

    def on_response(self, exchange: Exchange, t: float) -> None: ...

    def on_chunk(self, exchange: Exchange, t: float, event: str, value: Any) -> None:
        self.chunks += 1

    def on_finished(self, exchange: Exchange) -> None: ...

    def on_cookie(self, t: float, name: str, value: str | None) -> None: ...


@pytest.fixture(scope="module")
def chat() -> Iterator[ReferenceChat]:
    with ReferenceChat.start(chunk_ms=GAP, seed=5) as chat:
        yield chat


def page_on(browser: Browser, url: str) -> Page:
    page = browser.new_context().new_page()
    page.goto(url)
    return page


def gaps(page: Page, url: str, session: str) -> list[float]:
    times: list[float] = page.evaluate(READ, [url + "api/chat", session])
    return [b - a for a, b in pairwise(times)]


def test_a_stream_is_the_same_when_it_is_watched(own_browser: Browser, chat: ReferenceChat) -> None:
    plain = page_on(own_browser, chat.url)
    watched = page_on(own_browser, chat.url)
    nobody = Nobody()
    listener: Listener = nobody
    rules = tuple(Rule(rule) for rule in load("reference").wire)
    CdpWire(watched.context.new_cdp_session(watched), rules, listener, Pulse(own_browser))
    plainly: list[list[float]] = []
    under_capture: list[list[float]] = []
    try:
        for number in range(ROUNDS):  # in turns: what slows the machine slows both
            chat.reset()
            plainly.append(gaps(plain, chat.url, f"plain_{number}"))
            chat.reset()
            under_capture.append(gaps(watched, chat.url, f"watched_{number}"))
    finally:
        plain.context.close()
        watched.context.close()
    assert nobody.chunks >= sum(map(len, under_capture))
    # A busy machine may hand the page two chunks at once, now and then: the round with most of them shows what came.
    assert max(map(len, under_capture)) == max(map(len, plainly))
    usual = [median(gap for one in rounds for gap in one) for rounds in (under_capture, plainly)]
    assert abs(usual[0] - usual[1]) < GAP / 3
