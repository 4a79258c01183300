"""What a worker sends at its very start, before this session of the protocol can watch it.

Playwright has a session of its own, and lets a new worker run as soon as that one is ready: a worker that lives for one
request is often over before ours has switched its events on. Playwright's events of the page have those requests too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from playwright.sync_api import Page, Request

from e2e.capture.network.events.channel import Channel, Params
from e2e.capture.network.in_page.channel import InPageChannel
from e2e.capture.network.in_page.outside import Outside
from e2e.capture.network.wire_rules import Rule
from e2e.capture.scheduling.scheduler import EventWaiter

_ON_ITS_WAY = 0.5
"""Seconds between Playwright's event and that of our own session about the same request, at most."""


class WorkerRequests:
    """The requests of a page that nobody else reports: `known` is to be called with each request that somebody reports."""

    def __init__(
        self, page: Page, rules: Sequence[Rule], waiter: EventWaiter, handle: Callable[[InPageChannel], Any]
    ) -> None:
        """``handle`` reads the events of the channel that they come by."""
        self._waiter = waiter
        workers = InPageChannel("worker", "beside:")
        handle(workers)
        self._outside = Outside(InPageChannel(), workers, rules, waiter.calls, follows_cookies=False)
        self._reporting = False
        self._page = page
        self._handlers: dict[Any, Callable[..., None]] = {
            "request": waiter.guarded(self._outside.request),
            "response": waiter.guarded(self._outside.response),
            "requestfinished": waiter.guarded(partial(self._ended, "requestfinished")),
            "requestfailed": waiter.guarded(partial(self._ended, "requestfailed")),
        }
        for event, handler in self._handlers.items():
            page.on(event, handler)

    def stop(self) -> None:
        """The page has no workers."""
        for event, handler in self._handlers.items():
            self._page.remove_listener(event, handler)
        self._handlers.clear()

    def known(self, method: str, url: str) -> None:
        """Somebody reported this request."""
        if not self._reporting:
            self._outside.known(method, url)

    def _ended(self, event: str, request: Request) -> None:
        self._outside.ended(request, failed=event == "requestfailed")
        self._waiter.after(_ON_ITS_WAY, partial(self._unseen, request))

    def _unseen(self, request: Request) -> None:
        if self._page.is_closed():  # where several runs play side by side, this one may have ended meanwhile
            return
        self._reporting = True
        try:
            self._outside.unseen(request)
        finally:
            self._reporting = False


def when_watched(channel: Channel, yes: Callable[[], None]) -> Callable[[Params | None, str], None]:
    """The ``then`` of ``Network.enable``: calls ``yes`` where the worker's script had not been loaded before."""
    loaded = False

    def script_loaded(_: Params) -> None:
        nonlocal loaded
        loaded = True

    def enabled(got: Params | None, _: str) -> None:
        if got is not None and not loaded:
            yes()

    channel.on("Inspector.workerScriptLoaded", script_loaded)
    return enabled
