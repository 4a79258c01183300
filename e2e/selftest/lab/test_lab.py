"""Guards the lab itself: a page that does not work proves nothing about the suite."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Playwright

from e2e.selftest.lab.app import PAGES, Lab
from e2e.selftest.lab.pages import WITH_ID

PATIENCE_MS = 5000


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(seed=1) as lab:
        yield lab


@pytest.fixture(scope="module")
def lab_browser(playwright: Playwright, browser_type_launch_args: dict[str, Any]) -> Iterator[Browser]:
    browser = playwright.chromium.launch(**browser_type_launch_args)
    yield browser
    browser.close()


@pytest.fixture
def tab(lab_browser: Browser) -> Iterator[Page]:
    context = lab_browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    context.close()


class Visitor:
    """A person on one page of the lab."""

    def __init__(self, lab: Lab, tab: Page, name: str, **params: str | int) -> None:
        self.lab = lab
        self.about = PAGES[name]
        tab.goto(lab.url(name, **params))
        self.place: Page | FrameLocator = tab.frame_locator(self.about.frame) if self.about.frame else tab
        self.messages = self.place.get_by_role("log").get_by_test_id("message")
        if self.about.banner and tab.evaluate("!localStorage.cookie_consent"):
            self.press(self.about.banner)

    def press(self, name: str) -> None:
        self.place.get_by_role("button", name=name, exact=True).click()

    def send(self, text: str) -> None:
        box = self.place.get_by_role("textbox", name="Message")
        if self.about.confirm:
            box.click()  # waits until nothing covers it
        box.fill(text)
        box.press("Enter")

    def new_chat(self) -> None:
        if self.about.new_chat == "menu":
            self.place.get_by_role("button", name="Conversation menu").hover()
            self.place.get_by_role("menuitem", name="New chat").click()
        else:
            self.press("New chat")
        if self.about.confirm:
            self.press(self.about.confirm)
        self.messages.first.wait_for(state="detached")

    def chats(self, text: str) -> str:
        """Send a message and see its reply: its provider."""
        self.send(text)
        whole = re.compile(rf"^\s*prov_[1-9]\s*Echo: {text}$")
        reply = self.messages.filter(has_text=whole).text_content() or ""
        return reply.strip().partition("Echo:")[0].strip()

    def is_at_rest(self) -> None:
        self.place.get_by_role("button", name="Stop").wait_for(state="hidden")

    def two_sessions(self) -> list[str | None]:
        """What two chats with a message each have sent."""
        before = len(self.lab.received)
        shown = [self.chats("one")]
        self.new_chat()
        shown.append(self.chats("two"))
        received = self.lab.received[before:]
        assert [r.text for r in received] == ["one", "two"]
        assert [r.provider for r in received] == shown
        return [r.session for r in received]

    def fails(self, text: str) -> None:
        """Send a message, and see that something is reported about it."""
        self.send(text)
        self.place.get_by_role("alert").wait_for()


# The suite's own tests on these pages would fail too; each page by itself is for `make test-all`.
ALWAYS = ("fetch-sse", "ws-text", "worker-ws", "iframe-cross")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in ALWAYS else pytest.mark.long) for n in WITH_ID]
)
def test_each_chat_has_a_session_of_its_own_until_it_is_stale(lab: Lab, tab: Page, name: str) -> None:
    first, second = Visitor(lab, tab, name).two_sessions()
    assert first
    assert second
    assert first != second
    first, second = Visitor(lab, tab, name, bug="stale").two_sessions()
    assert first
    assert first == second


# One page for each way in which a backend refuses or goes away.
@pytest.mark.parametrize(
    "name",
    ["fetch-json", "fetch-sse", "long-poll", "beacon", "worker-ws", "signalr", "iframe-cross", "convex"],
)
def test_a_spoiled_chat_has_the_reason(lab: Lab, tab: Page, name: str) -> None:
    for kind in ("429", "cut"):
        visitor = Visitor(lab, tab, name, fail=kind)
        visitor.fails("one")
        visitor.is_at_rest()


@pytest.mark.parametrize("name", ["iframe-cross", "ws-text"])
def test_a_backend_fails_after_some_chats(lab: Lab, tab: Page, name: str) -> None:
    visitor = Visitor(lab, tab, name, fail="500", fail_after=1)
    visitor.chats("one")
    visitor.new_chat()
    visitor.fails("two")


def test_a_reply_that_hangs_can_be_stopped(lab: Lab, tab: Page) -> None:
    visitor = Visitor(lab, tab, "ws-text", fail="hang")
    visitor.send("one")
    visitor.press("Stop")
    visitor.is_at_rest()


def test_a_wall_stands_after_the_first_new_chat(lab: Lab, tab: Page) -> None:
    visitor = Visitor(lab, tab, "fetch-json", fail="login")
    visitor.chats("one")
    visitor.press("New chat")
    tab.get_by_role("heading", name="Sign in").wait_for()


def test_a_captcha_appears(lab: Lab, tab: Page) -> None:
    Visitor(lab, tab, "ndjson", fail="captcha").send("one")
    tab.get_by_title("captcha").wait_for()


def test_the_daily_limit_sends_nothing(lab: Lab, tab: Page) -> None:
    visitor = Visitor(lab, tab, "convex", limit=1)
    visitor.chats("one")
    before = len(lab.received)
    visitor.fails("two")
    assert len(lab.received) == before
    assert "Daily limit reached" in tab.get_by_role("alert").inner_text()


def test_the_blob_is_left_without_a_session(lab: Lab, tab: Page) -> None:
    visitor = Visitor(lab, tab, "convex", bug="stale")
    visitor.two_sessions()
    assert tab.evaluate("Object.keys(JSON.parse(localStorage.chat_state))") == ["version", "ui"]


def test_a_look_up_is_answered_from_the_cache(lab: Lab, tab: Page) -> None:
    requested: list[str] = []
    tab.context.on("request", lambda request: requested.append(request.url))
    visitor = Visitor(lab, tab, "service-worker", sw="cache")
    assert re.fullmatch(r"prov_[1-9]", visitor.chats("one"))
    visitor.is_at_rest()
    visitor.chats("two")
    assert sum("/api/provider" in url for url in requested) == 1
    assert sum("/lab/sw/provider" in url for url in requested) == 2


def test_the_lab_stops_with_its_pages_open(tab: Page) -> None:
    with Lab.start() as lab:
        Visitor(lab, tab, "eventsource").chats("one")
        Visitor(lab, tab.context.new_page(), "signalr").chats("one")
    assert not lab.is_up
