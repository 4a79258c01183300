"""What the recorder knows of the wire, whatever the source: requests and frames come as events in the words of the DevTools protocol."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from e2e.capture.network.events.channel import Channel, Params
from e2e.capture.network.events.http import HttpTraffic
from e2e.capture.network.events.sockets import SocketTraffic
from e2e.capture.network.events.state import WireState
from e2e.capture.network.exchanges import Exchanges, Listener
from e2e.capture.network.traffic import Traffic
from e2e.capture.network.wire_rules import Refusal, Rule
from e2e.profile.values.bounded import Pattern


class Wire(WireState):
    """Watches a page, its frames and its workers for the requests and WebSocket frames that the rules name.

    There are two sources: `CdpWire` (Chromium's protocol) and `InPageWire` (a script in the page, for any engine). Both hand their
    events to `watch`, as a `Channel`.

    ``reading`` False follows exchanges from start to end but reads no answer: just what a driver needs to wait for.
    ``cookies`` are names of cookies (or None for none) whose setting by the server is recorded.
    """

    def __init__(
        self,
        rules: tuple[Rule, ...],
        listener: Listener,
        *,
        refusals: tuple[Refusal, ...] = (),
        reading: bool = True,
        cookies: Pattern | None = None,
        frame_depth: int = 0,
        traffic: Traffic | None = None,
    ) -> None:
        super().__init__(
            Exchanges(rules, listener, refusals),
            reading=reading,
            cookies=cookies,
            frame_depth=frame_depth,
            traffic=traffic,
        )

    @abstractmethod
    def look_again(self) -> None:
        """Find the page's workers and frames again: out of the back/forward cache they may come without being announced."""

    @abstractmethod
    def bypass_caches(self) -> None:
        """Let every request go to the network: past the HTTP cache and past service workers."""

    @abstractmethod
    def delay(self, latency: float) -> None:
        """Slow the page's network down: each answer's head comes at least ``latency`` seconds after its request."""

    def handle(
        self, channel: Channel, guard: Callable[[Callable[[Params], None]], Callable[[Params], None]]
    ) -> bool:
        """Read the events of ``channel`` from now on. Returns whether its addresses are read too."""
        # Sockets that no rule names matter too: New Chat may use one, and a message may leave by it.
        handlers = HttpTraffic(channel, self).handlers | SocketTraffic(channel, self).handlers
        addressed = channel.kind in ("page", "iframe") and any(r.needs_page for r in self.exchanges.rules)
        if addressed:
            handlers |= self.addresses.handlers
        for event, handler in handlers.items():
            channel.on(event, guard(handler))
        return addressed
