"""The baseline: a plain Playwright script for the same chats, without capture."""

from __future__ import annotations

import time

from playwright.sync_api import Browser


def plain_chats(browser: Browser, url: str, chats: int) -> list[float]:
    """Click New Chat, fill, click Send, wait for the response's end, read localStorage. Returns the seconds of each chat."""
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("textbox", name="Message").wait_for()
    seconds = []
    for number in range(chats):
        started = time.perf_counter()
        page.get_by_role("button", name="New chat").click()
        page.get_by_role("textbox", name="Message").fill(f"Hello there ({number})")
        # Not `response.finished()`: it leaves a task behind that fails, unheard, when the context is closed.
        with page.expect_request_finished(lambda request: request.url.endswith("/api/chat")):
            page.get_by_role("button", name="Send message").click()
        page.evaluate("localStorage.getItem('chat_session')")
        seconds.append(time.perf_counter() - started)
    context.close()
    return seconds
