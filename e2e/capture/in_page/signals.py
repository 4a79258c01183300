"""What the page's scripts report; forged reports are dropped."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from e2e.pages.stored import stored_values
from e2e.profile.values.bounded import Pattern


class PageSignals:
    """The channel of one page: the names and secrets that its scripts get, and the signals that came with them.

    A page cannot read the secret: it is an argument of a script that runs before the page's own code. What comes without it,
    or a second time, is no signal.
    """

    def __init__(self, key: Pattern | None = None, urls: Sequence[Pattern] | None = None) -> None:
        """``key`` is the profile's pattern of keys, ``urls`` are those of the addresses that payloads go to (None: all).

        The page knows parts of these only.
        """
        self._key = key
        self._urls = urls
        self.binding = "binding_" + secrets.token_hex(4)
        """Name of the function that hands a text to the suite; gone before the page's own code runs."""
        self.name = "recorder_" + secrets.token_hex(4)
        """Name under which the suite calls the scripts."""
        self.secret = secrets.token_hex(16)
        self._seal = [secrets.randbits(31), secrets.randbits(31)]
        self._next: dict[str, int] = {}
        self.forged = 0
        """Calls of the binding without the secret."""

    def config(self) -> dict[str, Any]:
        """What the page's scripts need to know of it."""
        return {"binding": self.binding, "name": self.name, "secret": self.secret, "seal": self._seal}

    def read(self, payload: str) -> list[dict[str, Any]]:
        """The signals in one call of the binding that were not read before, in their order."""
        if not payload.startswith(self.secret):
            self.forged += 1
            return []
        batch = json.loads(payload[len(self.secret) :])
        signals: list[dict[str, Any]] = batch["signals"]
        page, first = batch["page"], batch["first"]
        known = self._next.get(page, 0)
        self._next[page] = max(known, first + len(signals))
        return list(self._wanted(signals[max(0, known - first) :]))

    def _wanted(self, signals: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The signals that the profile's patterns mean."""
        for signal in signals:
            if signal["k"] == "send" and not self._goes_out(signal["url"]):
                continue
            if "stored" in signal:
                signal["stored"] = stored_values(signal["stored"], self._key)
            if signal["k"] == "storage" and not self._may_be_the_sessions(signal["key"]):
                if "by" in signal:
                    continue
                signal.pop("stack", None)
            yield signal

    def _may_be_the_sessions(self, key: str | None) -> bool:
        return key is None or self._key is None or self._key.search(key) is not None

    def _goes_out(self, url: str) -> bool:
        return self._urls is None or any(pattern.search(url) for pattern in self._urls)
