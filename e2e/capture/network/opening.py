"""What a WebSocket needs before a message: its connect frames. Held in memory, never written."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_FIRST, _LAST = (
    24,
    24,
)  # frames of a connection that are kept: those before its first message, and the last ones


@dataclass(frozen=True, slots=True)
class SentFrame:
    """A frame that the page sent."""

    data: str | bytes
    after: int
    """Frames that the backend had sent before: the page may have waited for them, such as for an acknowledgement."""


class Opening:
    """What a connection needs before a message: its connect frames, and later ones that name the message's session."""

    def __init__(self) -> None:
        self._first: list[SentFrame] = []
        self._last: deque[SentFrame] = deque(maxlen=_LAST)
        self._received = 0
        self._messages = 0

    def received(self) -> None:
        """The backend sent a frame."""
        if not self._messages:
            self._received += 1

    def sent(self, data: str | bytes, *, message: bool) -> None:
        """The page sent a frame; ``message``: with a payload of the chat."""
        frame = SentFrame(data, self._received)
        if message:
            self._messages += 1
        elif self._messages:
            self._last.append(frame)
        elif len(self._first) < _FIRST:
            self._first.append(frame)

    def before(self, data: str | bytes, session: str) -> tuple[SentFrame, ...]:
        """The frames of a new connection that ends with this message."""
        named = [frame for frame in self._last if holds(frame.data, session)]
        return (*self._first, *named, SentFrame(data, self._received))


def holds(data: str | bytes, text: str) -> bool:
    """``text`` is in a frame."""
    return text in data if isinstance(data, str) else text.encode() in data
