"""Playwright's page, requests and responses, as far as the sources of the wire use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

URL = "https://chat.example/api/chat"


class FakePage:
    """Playwright's page: keeps what listens to it."""

    def __init__(self) -> None:
        self.listeners: dict[str, Any] = {}
        self.closed = False

    def is_closed(self) -> bool:
        return self.closed

    def on(self, event: str, listener: Any) -> None:
        self.listeners[event] = listener

    def remove_listener(self, event: str, _: Any) -> None:
        del self.listeners[event]

    def emits(self, event: str, thing: Any) -> None:
        self.listeners[event](thing)


class FakeRequest:
    """Playwright's request for the rule's URL."""

    method, url = "POST", URL
    headers: Mapping[str, str] = {}
    failure = None
    post_data_buffer: bytes | None = None
    redirected_from: FakeRequest | None = None

    def __init__(self, kind: str = "fetch", **more: Any) -> None:
        self.resource_type = kind
        self.__dict__.update(more)

    def is_navigation_request(self) -> bool:
        return self.resource_type == "document"


class FakeResponse:
    """Playwright's response to a request."""

    def __init__(
        self,
        request: FakeRequest,
        text: str = "",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.request, self.url, self.status, self.headers = request, URL, status, dict(headers or {})
        self._text = text

    def body(self) -> bytes:
        return self._text.encode()
