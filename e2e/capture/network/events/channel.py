"""Where events of the wire come from, in the words of the DevTools protocol: a target of Chromium, the script in a page, a recording."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

Params = dict[str, Any]
Handler = Callable[[Params], None]
Then = Callable[[Params | None, str], None]
"""Called with ``(result, "")``, or ``(None, error)``."""


class Channel(Protocol):
    """One target of the protocol.

    ``kind`` is ``page``, ``iframe``, ``worker``, ``shared_worker`` or ``service_worker``; ``prefix`` makes its request IDs unique.
    """

    kind: str
    prefix: str

    def on(self, event: str, handler: Handler) -> None: ...

    def ask(self, method: str, params: Params | None = None, then: Then | None = None) -> None:
        """Send a command; its answer is handed to ``then``, at once or when it comes."""
