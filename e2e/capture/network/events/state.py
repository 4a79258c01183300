"""What the watchers of one page's targets share: rules, exchanges, and what is in flight."""

from __future__ import annotations

import re
import time

from e2e.capture.network.events.addresses import Addresses
from e2e.capture.network.exchanges import Exchanges
from e2e.capture.network.traffic import Traffic
from e2e.capture.network.unmatched import Unmatched
from e2e.profile.values.bounded import Pattern

_QUERY = re.compile(r"[?#].*", re.DOTALL)


class WireState:
    """Shared by the HTTP and the WebSocket side of all targets of a page."""

    def __init__(
        self,
        exchanges: Exchanges,
        *,
        reading: bool,
        cookies: Pattern | None,
        frame_depth: int,
        traffic: Traffic | None,
    ) -> None:
        self.exchanges = exchanges
        self.reading = reading
        self.cookies = cookies
        self.in_flight: dict[str, float] = {}
        """Requests of scripts that have not ended, and when they began (monotonic); without streams and long polls."""
        self.loading: dict[str, float] = {}
        """The same of documents: the page, or a frame of it, is being loaded."""
        self.traffic = traffic or Traffic()
        """What left lately, in the clear."""
        self.recent: list[str] = []
        """Method and URL (without query) of the last script requests, to say what there was when nothing matched."""
        self.failures: list[str] = []
        """The last WebSockets that could not be opened, or broke, with the browser's reason."""
        self.offset = 0.0
        """Wall clock minus the protocol's monotonic clock, in seconds; one for all targets of a machine."""
        self.earlier: dict[str, str] = {}
        """Rule -> the session of the last connect message of its connection."""
        self.addresses = Addresses(frame_depth)
        """The address that the chat's frame shows, where a rule reads it."""
        self.last_sent = 0.0
        """When a script last sent anything (monotonic)."""
        self.frame_sent = 0.0
        """When the page last sent a frame on any WebSocket (monotonic)."""
        self.frame_received = 0.0
        self.sockets: dict[str, str] = {}
        """Open WebSockets and their URLs."""
        self.unmatched = Unmatched()
        """What a rule's framing read since the last message was sent, and no rule accepted."""
        self.blind: list[str] = []
        """What the source cannot look into: workers in which its script does not run. What they send may be anything."""
        self._sought = ""
        self.carried: list[str] = []
        """Requests and frames in which the message stood that is looked for, whether a rule names them or not."""
        self.unread: list[str] = []
        """Requests since then whose body could not be searched."""

    def remember(self, method: str, url: str) -> None:
        self.recent = [*self.recent[-9:], f"{method} {_QUERY.sub('', url)}"]
        self.last_sent = time.monotonic()

    def remember_failure(self, method: str, url: str, error: str) -> None:
        """Nothing was sent: the page's quiet goes on."""
        failure = f"{method} {_QUERY.sub('', url)} failed: {error}"
        self.failures = [*self.failures[-9:], failure]
        self.recent = [*self.recent[-9:], failure]

    def left_page(self, left: float) -> None:
        """The page was left at ``left`` (monotonic). Chromium reports no end of what it had requested before."""
        for request in [key for key, began in self.in_flight.items() if began < left]:
            del self.in_flight[request]

    def seek(self, nonce: str) -> None:
        """From now on look for this part of a message in all that leaves."""
        self._sought, self.carried, self.unread = nonce, [], []
        self.unmatched = Unmatched()

    @property
    def seeks(self) -> bool:
        """Something is looked for, and was not found yet."""
        return bool(self._sought) and not self.carried

    def look_in(self, what: str, url: str, text: str | None, *, readable: bool = True) -> None:
        """``text`` leaves for ``url`` (None: a body that was not given). It is not ``readable`` where its bytes are no text."""
        if not self._sought:
            return
        place = f"{what} {_QUERY.sub('', url)}"
        if self._sought in url or self._sought in (text or ""):
            self.carried.append(place)
        elif text is None or not readable or "\ufffd" in text:  # compressed, or not a text at all
            self.unread.append(place)
