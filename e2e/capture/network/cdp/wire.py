"""Traffic as Chromium's DevTools protocol reports it: live, with its own times and stacks, and without touching the stream."""

from __future__ import annotations

from collections.abc import Callable, Collection

from playwright.sync_api import CDPSession, Page

from e2e.capture.network.cdp.beside import WorkerRequests, when_watched
from e2e.capture.network.cdp.channels import ChildChannel, PageChannel, watch_children
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
        page: Page | None = None,
    ) -> None:
        """Without a ``page`` the first requests of a worker may be missed."""
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
        self._whole_page = page
        self._beside: WorkerRequests | None = None
        self._has_workers = False
        own = self._page = PageChannel(session, waiter.calls)
        watch_children(own, self._child, waiter.guarded)
        self._watch(own)

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

    def seek(self, nonce: str) -> None:
        super().seek(nonce)
        if self._whole_page is None or not self.reading:
            return
        # Four events for each request: only for the first message, and on of a page that has a worker by then.
        if self._beside is None:
            self._beside = WorkerRequests(
                self._whole_page,
                self.exchanges.rules,
                self._pulse,
                lambda channel: self.handle(channel, _as_it_is),
            )
        elif not self._has_workers:
            self._beside.stop()

    def remember(self, method: str, url: str) -> None:
        super().remember(method, url)
        if self._beside is not None:
            self._beside.known(method, url)

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
        enabled = self._started(channel) if channel.kind == "worker" else ignore
        channel.ask("Network.enable", {"maxPostDataSize": POST_LIMIT}, enabled)
        if self._blocked:
            channel.ask("Network.setBlockedURLs", {"urls": self._blocked}, ignore)

    def _started(self, channel: Channel) -> Callable[[Params | None, str], None]:
        """A worker starts: until it is sure that all it sends is seen, no message may be called lost."""
        info = channel.info if isinstance(channel, ChildChannel) else {}
        place = f"a worker ({str(info.get('url', '')).partition('?')[0]})"
        self.blind.append(place)
        self._has_workers = True
        return when_watched(channel, lambda: self.blind.remove(place))


def _as_it_is(handler: Callable[[Params], None]) -> Callable[[Params], None]:
    """A child's messages come through a handler of its parent that is guarded already."""
    return handler


def _ignored(_: Params | None, __: str) -> None:
    """A target without a network of its own refuses; there is nothing to watch then."""


def _url_patterns(host: str) -> list[str]:
    return [f"*://{host}/*", f"*://{host}:*/*"]
