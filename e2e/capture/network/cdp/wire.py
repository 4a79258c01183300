"""Traffic as Chromium's DevTools protocol reports it: live, with its own times and stacks, and without touching the stream."""

from __future__ import annotations

from collections.abc import Callable, Collection

from playwright.sync_api import CDPSession

from e2e.capture.network.cdp.channels import PageChannel, watch_children
from e2e.capture.network.events.channel import Channel, Params
from e2e.capture.network.events.wire import Wire
from e2e.capture.network.exchanges import Listener
from e2e.capture.network.traffic import Traffic
from e2e.capture.network.wire_rules import Refusal, Rule
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.profile.values.bounded import Pattern

POST_LIMIT = 1 << 20
"""Bytes of a request's body that the browser hands out with the event itself."""


class CdpWire(Wire):
    """What Chromium's protocol reports of a page, its frames and its workers.

    ``prepare`` is called with each target inside the page before its code runs.
    """

    def __init__(
        self,
        session: CDPSession,
        rules: tuple[Rule, ...],
        listener: Listener,
        waiter: EventWaiter,
        *,
        refusals: tuple[Refusal, ...] = (),
        reading: bool = True,
        cookies: Pattern | None = None,
        blocked_hosts: Collection[str] = (),
        frame_depth: int = 0,
        traffic: Traffic | None = None,
        prepare: Callable[[Channel], None] = lambda _: None,
    ) -> None:
        super().__init__(
            rules,
            listener,
            refusals=refusals,
            reading=reading,
            cookies=cookies,
            frame_depth=frame_depth,
            traffic=traffic,
        )
        self._pulse = waiter
        self._blocked = [pattern for host in blocked_hosts for pattern in _url_patterns(host)]
        self._prepare = prepare
        page = self._page = PageChannel(session, waiter.calls)
        watch_children(page, self._child, waiter.guarded)
        self._watch(page)

    def look_again(self) -> None:
        options = {"waitForDebuggerOnStart": True, "flatten": False}
        self._page.ask(
            "Target.setAutoAttach", {**options, "autoAttach": False, "waitForDebuggerOnStart": False}
        )
        self._page.ask("Target.setAutoAttach", {**options, "autoAttach": True})

    def bypass_caches(self) -> None:
        self._page.ask("Network.setCacheDisabled", {"cacheDisabled": True})
        self._page.ask("Network.setBypassServiceWorker", {"bypass": True})

    def delay(self, latency: float) -> None:
        conditions = {
            "offline": False,
            "latency": latency * 1000,
            "downloadThroughput": -1,
            "uploadThroughput": -1,
        }
        self._page.ask("Network.emulateNetworkConditions", conditions)

    def adopt(self, channel: Channel) -> None:
        """Watch one more target: one that does not belong to the page, such as a shared worker."""
        self._child(channel)

    def _child(self, channel: Channel) -> None:
        self._prepare(channel)
        self._watch(channel)

    def _watch(self, channel: Channel) -> None:
        guard = self._pulse.guarded if isinstance(channel, PageChannel) else _as_it_is
        addressed = self.handle(channel, guard)
        if addressed:
            self.addresses.watch(channel)
        ignore = None if isinstance(channel, PageChannel) else _ignored
        channel.ask("Network.enable", {"maxPostDataSize": POST_LIMIT}, ignore)
        if self._blocked:
            channel.ask("Network.setBlockedURLs", {"urls": self._blocked}, ignore)


def _as_it_is(handler: Callable[[Params], None]) -> Callable[[Params], None]:
    """A child's messages come through a handler of its parent that is guarded already."""
    return handler


def _ignored(_: Params | None, __: str) -> None:
    """A target without a network of its own refuses; there is nothing to watch then."""


def _url_patterns(host: str) -> list[str]:
    return [f"*://{host}/*", f"*://{host}:*/*"]
