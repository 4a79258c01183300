"""The header ``traceparent`` on the page's own chat requests, so that the backend's traces join those of the suite.

A header that a page did not set makes a request to another origin need the server's consent (CORS preflight), and
without it the request fails. So only requests to the document's own origin get it, and those to origins that the
profile names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from playwright.sync_api import Error, Page, Request, Route

from e2e.capture.network.events.channel import Channel, Handler, Params
from e2e.capture.network.wire_rules import Rule

HEADER = "traceparent"
_SCRIPTED = ("Fetch", "XHR", "EventSource", "Ping")
_OnRoute = Callable[[Route, Request], None]


class TraceContext:
    """Decides for one page which requests get the header, and with which value."""

    def __init__(
        self, rules: tuple[Rule, ...], origins: Collection[str], value: Callable[[], str | None]
    ) -> None:
        """``origins`` are addresses of other origins whose servers allow the header; ``value`` is that of the current chat."""
        self._rules = rules
        self._origins = {origin(address) for address in origins}
        self._value = value

    def header(self, method: str, url: str, document: str, present: Collection[str]) -> str | None:
        """The header's value for a request of ``document``, or None. ``present`` are the names of its headers."""
        if HEADER in {name.lower() for name in present}:  # the page has a trace of its own
            return None
        if not any(rule.names(method, url) for rule in self._rules):
            return None
        target = origin(url)
        return self._value() if target and (target == origin(document) or target in self._origins) else None

    def by_protocol(
        self, channel: Channel, document: Callable[[], str], guard: Callable[[Handler], Handler]
    ) -> None:
        """Add it in Chromium. Not by Playwright's routes: they switch the HTTP cache off, and a cached reply would not be found."""

        def paused(e: Params) -> None:
            request = e["request"]
            headers: dict[str, str] = request["headers"]
            # Of an embedded page of another origin the referrer tells; it may be left out for a page of the same one.
            own = next((v for k, v in headers.items() if k.lower() == "referer"), "") or document()
            value = self.header(request["method"], request["url"], own, headers)
            changes: Params = {}
            if value is not None:
                known = [{"name": name, "value": content} for name, content in headers.items()]
                changes = {"headers": [*known, {"name": HEADER, "value": value}]}
            channel.ask("Fetch.continueRequest", {"requestId": e["requestId"], **changes}, _ignored)

        channel.on("Fetch.requestPaused", guard(paused))
        patterns = [
            {"urlPattern": "*", "resourceType": kind, "requestStage": "Request"} for kind in _SCRIPTED
        ]
        channel.ask("Fetch.enable", {"patterns": patterns}, _ignored)

    def by_routes(self, page: Page, guard: Callable[[_OnRoute], _OnRoute]) -> None:
        """Add it in any other engine."""

        # Two parameters: Playwright hands over as many as a handler takes, and a guarded one takes any number.
        def routed(route: Route, request: Request) -> None:
            try:
                value = self.header(request.method, request.url, request.frame.url, request.headers)
                route.fallback(headers=None if value is None else {**request.headers, HEADER: value})
            except Error:
                return  # the page went away with the request

        page.route(lambda url: any(rule.names_url(url) for rule in self._rules), guard(routed))


def origin(address: str) -> str:
    """``https://chat.example.org:8443`` of an address; ``""`` when it has none."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.scheme}://{host}:{port}" if host and port else ""


def _ignored(_: Params | None, __: str) -> None:
    """The target, or the request, is gone."""
