"""Watching a stream must not change it: the page gets as many chunks, at the same times, with capture as without."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from e2e.capture.network.cdp.wire import CdpWire
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.exchanges import Listener
from e2e.capture.network.wire_rules import Rule
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.profile.profile import load
from fixtures.reference_chat.launcher import ReferenceChat

GAP = 60  # milliseconds between two chunks
ROUNDS = 8

READ = """async ([url, session]) => {
  const body = JSON.stringify({session_id: session, stream_id: 'stream_' + session, message: 'Hello there', history: []});
  const response = await fetch(url, {method: 'POST', headers: {'Content-Type': 'application/json'}, body});
  const reader = response.body.getReader();
  const times = [], decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    times.push(performance.now());
    text += decoder.decode(value, {stream: true});
  }
  return [times, text.split('event: chunk').length - 1];
}"""


class Stream(NamedTuple):
    """What the page got of one reply."""

    gaps: list[float]
    """Milliseconds between two chunks of the reply."""
    together: int
    """Chunks that came with another one; negative when a busy machine handed one chunk over in two parts."""


class Nobody:
    """A listener that only counts."""

    def __init__(self) -> None:
        self.chunks = 0

    def on_payload(self, exchange: Exchange) -> None: ...

    def on_response(self, exchange: Exchange, t: float) -> None: ...

    def on_chunk(self, exchange: Exchange, t: float, event: str, value: Any) -> None:
        self.chunks += 1

    def on_text(self, exchange: Exchange, t: float, text: str) -> None: ...

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


def read(page: Page, url: str, session: str) -> Stream:
    times, chunks = page.evaluate(READ, [url + "api/chat", session])
    # What announces the reply and what ends it come at the same time as its first and its last chunk.
    gaps = [b - a for a, b in pairwise(times) if b - a > GAP / 3]
    return Stream(gaps, chunks - 1 - len(gaps))


def test_a_stream_is_the_same_when_it_is_watched(own_browser: Browser, chat: ReferenceChat) -> None:
    plain = page_on(own_browser, chat.url)
    watched = page_on(own_browser, chat.url)
    nobody = Nobody()
    listener: Listener = nobody
    rules = tuple(Rule(rule) for rule in load("reference").wire)
    CdpWire(watched.context.new_cdp_session(watched), rules, listener, EventWaiter(own_browser))
    plainly: list[Stream] = []
    under_capture: list[Stream] = []
    try:
        for number in range(ROUNDS):  # in turns: what slows the machine slows both
            chat.reset()
            plainly.append(read(plain, chat.url, f"plain_{number}"))
            chat.reset()
            under_capture.append(read(watched, chat.url, f"watched_{number}"))
    finally:
        plain.context.close()
        watched.context.close()
    assert nobody.chunks >= sum(len(one.gaps) for one in under_capture)
    # A busy machine may join two chunks or cut one in two, now and then: the best round shows what a page gets.
    assert min(abs(one.together) for one in under_capture) == min(abs(one.together) for one in plainly) == 0
    usual = [median(gap for one in rounds for gap in one.gaps) for rounds in (under_capture, plainly)]
    assert abs(usual[0] - usual[1]) < GAP / 3
