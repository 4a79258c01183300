"""Traffic as a script in the page reports it, with what Playwright sees from outside: for every engine."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import partial

from playwright.sync_api import Error, Page, Request, Route

from e2e.capture.network.events.channel import Params
from e2e.capture.network.events.wire import Wire
from e2e.capture.network.exchanges import Listener
from e2e.capture.network.in_page.channel import InPageChannel
from e2e.capture.network.in_page.outside import Outside
from e2e.capture.network.traffic import Traffic
from e2e.capture.network.wire_rules import Refusal, Rule
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.profile.profile import WireRule
from e2e.profile.values.bounded import Pattern

_ON_ITS_WAY = 0.5
"""Seconds between Playwright's event and the report of the page's script about the same request, at most."""


_EVENT_NAME = re.compile(r"""\bevent\s*[=!]=\s*['`]"?([\w.:-]+)""")


class InPageWire(Wire):
    """What the script of ``e2e/capture/in_page/wire`` and Playwright's own events report of a page."""

    def __init__(
        self,
        page: Page,
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
        self._page = page
        self._waiter = waiter
        self._latency = 0.0
        self._routed = False
        names = frozenset(rule.cookie for rule in rules if rule.cookie)
        self._channel = InPageChannel(cookies=names)
        self._workers = InPageChannel("worker", "worker:", names)
        for channel in (self._channel, self._workers):
            self.handle(channel, lambda handler: handler)
        self._outside = Outside(
            self._channel,
            self._workers,
            self.exchanges.rules,
            waiter.calls,
            follows_cookies=cookies is not None,
        )
        page.on("request", waiter.guarded(self._outside.request))
        page.on("response", waiter.guarded(self._outside.response))
        for event in ("requestfinished", "requestfailed"):
            page.on(event, waiter.guarded(partial(self._ended, event)))
        for host in blocked_hosts:
            page.route(re.compile(rf"^\w+://{re.escape(host)}[:/]"), _abort)

    def receive(self, record: Params) -> None:
        """A record of the script in the page."""
        if record["e"] == "blind":
            place = f"a {record['kind']} ({record['url'].partition('?')[0]})"
            self.blind += [place] if place not in self.blind else []
            return
        if record["e"] == "request":
            self._outside.known(record["method"], record["url"])
        (self._workers if record.get("from") == "worker" else self._channel).receive(record)

    def known_cookies(self, method: str, url: str, header: str) -> None:
        """The browser itself reported the cookies of a request of the page."""
        self._channel.cookies(method, url, header)

    def _ended(self, event: str, request: Request) -> None:
        self._outside.ended(request, failed=event == "requestfailed")
        # What the page's script saw of it may still be on its way.
        self._waiter.after(_ON_ITS_WAY, lambda: self._unseen(request))

    def _unseen(self, request: Request) -> None:
        """Where several runs play side by side, this one may have ended meanwhile, and its evidence is closed."""
        if not self._page.is_closed():
            self._outside.unseen(request)

    def look_again(self) -> None:
        """The script goes on with the page that it is in."""

    def bypass_caches(self) -> None:
        self._route()

    def delay(self, latency: float) -> None:
        self._latency = latency
        if latency:
            self._route()

    def _route(self) -> None:
        """Playwright switches the HTTP cache off where requests are routed."""
        if not self._routed:
            self._routed = True
            self._page.route("**/*", self._go_on)

    def _go_on(self, route: Route) -> None:
        if self._latency:
            self._waiter.later(self._latency, route)
        else:
            _continue(route)


def event_names(rules: Iterable[WireRule]) -> list[str]:
    """Server-sent events that the rules' expressions name: a script hears those only that it listens to, and the page may not."""
    found = (
        _EVENT_NAME.findall(rule.model_dump_json(exclude_none=True).replace('\\"', '"')) for rule in rules
    )
    return sorted({name for names in found for name in names})


def _continue(route: Route) -> None:
    try:
        route.fallback()
    except Error:
        return  # the page went away with the request


def _abort(route: Route) -> None:
    try:
        route.abort("blockedbyclient")
    except Error:
        return
