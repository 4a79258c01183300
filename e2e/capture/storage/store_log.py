"""The session's store as one page's signals show it: what it holds, who wrote it, and whether it has rotated."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Protocol

from e2e.capture.code import stacks
from e2e.capture.session_ids.identity import StoredId, shape, time_offset
from e2e.capture.session_ids.redaction import Redactor
from e2e.profile.profile import Session
from e2e.records.records import EventKind

Signal = dict[str, Any]
MOST_MINTED = 500
"""IDs of a lane whose form is recorded: more add nothing."""
_MINTERS = ("page", "server", "unseen")
_CLOCKS_DIFFER = 0.002  # seconds between the page's clock and the protocol's, at most


class Emit(Protocol):
    """Writes an event at its time."""

    def __call__(self, t: float, kind: EventKind, **data: Any) -> None: ...


class IdAppeared(Protocol):
    """Takes the time and the raw ID of a write that brought an ID into the store."""

    def __call__(self, t: float, session_id: str) -> None: ...


class StoreLog:
    """Follows the store; every write to the profile's key becomes an event that says which ID was there before and after."""

    def __init__(self, session: Session, redactor: Redactor, emit: Emit, appeared: IdAppeared) -> None:
        self._session = session
        self._redactor = redactor
        self._emit = emit
        self._appeared = appeared
        self._reads = StoredId(session.id, session.regex)
        self.readable = session.store != "none"
        self.current: str | None = None
        """The raw ID that the store holds, as far as is known."""
        self.rotated = False
        """The stored ID was replaced by another one since this was last set to False."""
        self.rotated_at = 0.0
        """When that was last so, in the page's time."""
        self.set_by_server = False
        """The server sets the session's cookie; the page may not be able to see it (HttpOnly)."""
        self._history: deque[tuple[float, str | None]] = deque(maxlen=64)
        self.minted: list[tuple[float, str]] = []
        """Time and raw ID of every writing that brought an ID into the store, the first `MOST_MINTED` of them."""
        self._key: str | None = None
        self._scripts: dict[str, str] = {}

    @property
    def form(self) -> str:
        """How the ID that was read last was encoded."""
        return self._reads.form

    def beside(self, other: StoreLog) -> None:
        """Begin with what another tab knows: a cookie that no page can see is the same one here."""
        if other.set_by_server:
            self.set_by_server = self.readable = True
            self.current, self._key = other.current, other._key
            self._history.extend(other._history)

    def at(self, t: float) -> str | None:
        """The raw ID that the store held at that time, as far as its last writes show."""
        return next((raw for when, raw in reversed(self._history) if when <= t + _CLOCKS_DIFFER), None)

    def read(self, values: dict[str, str] | None) -> str | None:
        """The raw ID in the values under the session's key, the latest first."""
        return self._reads.read(next(iter((values or {}).values()), None))

    def page_started(self, t: float, signal: Signal) -> None:
        """A page began, with what its store held before its own code ran."""
        self.readable = self._session.store != "none" and signal["stored"] is not None
        if self.set_by_server and not signal["stored"]:
            return
        key, value = next(iter((signal["stored"] or {}).items()), (None, None))
        previous, self.current, self._key = self.current, self._reads.read(value), key
        self._write(
            t, "start", key, previous, [], "page-start"
        )  # also of an empty store: it says that there was a load

    def on_write(self, t: float, signal: Signal) -> None:
        """The page, or another tab, wrote to a store."""
        key = signal["key"]
        if signal["store"] != self._session.store or not ("stack" in signal or signal.get("by")):
            self._emit(
                t,
                "storage",
                store=signal["store"],
                op=signal["op"],
                key=self._redactor.text(key or "", limit=120),
            )
            return
        if signal["op"] == "clear" and self.current is None:
            return
        if signal["op"] == "remove" and self._session.key_pattern and key != self._key:
            return  # an older chat's key, where each has one of its own
        previous, self.current = self.current, self._reads.read(signal["value"])
        self._key = key
        if self.current is not None and self.current != previous:
            self._has_rotated(t)
        self._write(
            t,
            signal["op"],
            key,
            previous,
            self.frames(stacks.parse(signal.get("stack", ""))),
            signal.get("by", "page"),
        )

    def frames(self, frames: list[stacks.Frame]) -> list[stacks.Frame]:
        """Frames of the page's own scripts, their addresses without what may be secret in them."""
        return [{**f, "url": self._script(f["url"])} for f in frames if stacks.is_page_code(f["url"])]

    def _script(self, url: str) -> str:
        """A script's address; a page has few of them, and each is in every stack."""
        known = self._scripts.get(url)
        if known is None:
            known = self._scripts[url] = self._redactor.url(url)
        return known

    def _write(
        self, t: float, op: str, key: str | None, previous: str | None, stack: list[stacks.Frame], by: str
    ) -> None:
        raw = self.current
        self._history.append((t, raw))
        if raw is not None and raw != previous and by in _MINTERS and len(self.minted) < MOST_MINTED:
            self.minted.append((t, raw))
        session, before = self._ref(raw), self._ref(previous)  # first: the key may hold the ID too
        self._emit(
            t,
            "storage",
            store=self._session.store,
            op=op,
            key=None if key is None else self._redactor.text(key, limit=120),
            session=session,
            previous=before,
            same_value=raw == previous,
            shape=shape(raw) if raw else None,
            time_offset=time_offset(raw, t) if raw else None,
            stack=stack,
            by=by,
        )
        if raw is not None and raw != previous and by in _MINTERS:
            self._appeared(t, raw)

    def look(self, values: dict[str, str] | None) -> None:
        """What the store holds, read directly: a write that no hook saw is noted as such."""
        if values is None:
            self.readable = self.set_by_server
            return
        if self.set_by_server and not values:
            return
        key, value = next(iter(values.items()), (self._key, None))
        found = self._reads.read(value)
        if found != self.current:
            previous, self.current = self.current, found
            if found is not None:
                self._has_rotated(time.time())
            self._write(time.time(), "set" if found else "remove", key, previous, [], "unseen")

    def on_cookie(self, t: float, name: str, value: str | None) -> None:
        """The server sets (or removes) the session's cookie."""
        self.set_by_server = self.readable = True
        previous, self.current = self.current, self._reads.read(value)
        self._key = name
        if self.current == previous:
            return
        if self.current is not None:
            self._has_rotated(t)
        self._write(t, "set" if self.current else "remove", name, previous, [], "server")

    def _has_rotated(self, t: float) -> None:
        self.rotated, self.rotated_at = True, t

    def _ref(self, raw: str | None) -> str | None:
        return None if raw is None else self._redactor.reference(raw)
