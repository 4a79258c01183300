"""One run's events in their order of arrival: numbered here, appended by the evidence writer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from e2e.records.records import Chat, Event, EventKind


class Writer(Protocol):
    """Where records go to: a run's folder, or the memory of a walk."""

    def event(self, event: Event) -> None: ...

    def chat(self, chat: Chat) -> None: ...

    def flush(self) -> None: ...


_FLUSH_EVERY = 0.25  # seconds of events that a killed process may lose of a chat that has not ended


class Journal:
    """What every lane's recorder writes to. ``watchers`` get each finished chat (progress)."""

    def __init__(self, run_id: str, writer: Writer | None) -> None:
        self.run_id = run_id
        self._writer = writer
        self._seq = 0
        self._flushed = time.monotonic()
        self.chats: Counter[str] = Counter()
        """Finished chats by status."""
        self.watchers: list[Callable[[Chat], None]] = []

    def event(self, t: float, lane: int, chat: int | None, kind: EventKind, data: Mapping[str, Any]) -> None:
        if self._writer is not None:
            self._writer.event(Event(self.run_id, self._seq, round(t, 6), lane, chat, kind, data))
            self._seq += 1
            if (now := time.monotonic()) - self._flushed > _FLUSH_EVERY:
                self._writer.flush()
                self._flushed = now

    def chat(self, chat: Chat) -> None:
        self.chats[chat.status] += 1
        if self._writer is not None:
            self._writer.chat(chat)
        for watcher in self.watchers:
            watcher(chat)
