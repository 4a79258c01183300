"""The events of a recorded run that its judgement needs, kept in little memory and parsed when they are read.

100,000 chats have 1.2 GB of events. Of these a judgement reads the ones of ten kinds, most of them once. They are kept by kind, as
compressed lines: 0.5 kB a chat, where parsed ones take 7 kB.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from typing import Any, overload

import zstandard

from e2e.errors import HarnessError
from e2e.records.cut import EventCount
from e2e.records.lines import parsed
from e2e.records.records import SIDE_LANE, Event
from e2e.records.selection import Change, Indexed
from e2e.records.shape import FieldChecks, checked_data, checked_fields, checks_of

JUDGED = frozenset(
    (
        "storage",
        "minted",
        "payload",
        "issued",
        "play",
        "unseen",
        "recall",
        "sighting",
        "backend",
        "problem",
        "back",
    )
)
"""The kinds of events that a judgement reads."""
_LEFT_OUT = frozenset(
    (
        b"chunk",
        b"send",
        b"response",
        b"finished",
        b"reply_end",
        b"label",
        b"new_chat",
        b"screen",
        b"page_error",
    )
)
"""The most frequent ones of the other kinds."""
_SIDE_DIGITS = len(str(SIDE_LANE))
_STARTS = "storage of a page load"
_START = re.compile(rb'"op": *"start"')
_LATEST = 1e15
_BLOCK = 1 << 20
_TEXT = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
"""A JSON text. Written as ``(?:[^"\\]|\\.)*``, a line's head took 1.65 us instead of 0.64."""
_HEAD = re.compile(
    rb'\{"schema":[^{"]*,"run_id":%b,"seq":(\d+),"t":[^{"]*,"lane":(-?\d+),"chat":(?:-?\d+|null),"kind":%b'
    % (_TEXT, _TEXT)
)
"""Begin of a line that this suite wrote, with its number, lane and kind."""


class EventLog(Indexed):
    """Events by kind, each kind in its order of arrival. Those of experiments and random tests are kept whatever their kind."""

    def __init__(self, where: str = "") -> None:
        self._where = where
        self._packed: dict[str, list[bytes]] = {}
        self._open: dict[str, list[bytes]] = {}
        self._open_size: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._stacks: dict[str, Any] = {}
        self.counted = EventCount()
        self.kept_aside: list[Event] = []
        self.changes: tuple[Change, ...] = ()

    @property
    def side(self) -> tuple[Event, ...]:
        return tuple(self.kept_aside)

    def add(self, line: bytes) -> None:
        """Take the line of one event. Raises ``ValueError``, ``TypeError`` or ``KeyError`` for one that is none."""
        head = _HEAD.match(line)
        if head is not None and line[-1:] == b"}" and head[4] in _LEFT_OUT and len(head[3]) < _SIDE_DIGITS:
            self.counted.add(int(head[2]))
            return
        if head is None or line[-1:] != b"}":
            event = Event.from_json(parsed(line.decode("utf-8", "replace")))  # written by another hand
            line = json.dumps(event.to_json(), ensure_ascii=False, separators=(",", ":")).encode(
                "utf-8", "backslashreplace"
            )
            head = _HEAD.match(line)
            if head is None:
                raise ValueError("its head cannot be read")
        kind = head[4].decode("utf-8", "replace")
        if int(head[3]) >= SIDE_LANE:
            self.kept_aside.append(Event.from_json(parsed(line.decode("utf-8", "replace"))))
        elif kind in JUDGED:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            if kind == "storage" and _START.search(line):
                kind = _STARTS
            self._open.setdefault(kind, []).append(line)
            size = self._open_size.get(kind, 0) + len(line)
            self._open_size[kind] = size
            if size > _BLOCK:
                self._pack(kind)
        self.counted.add(int(head[2]))

    def _pack(self, kind: str) -> None:
        lines = self._open.pop(kind, [])
        self._open_size[kind] = 0
        packed = zstandard.ZstdCompressor(level=1).compress(b"\n".join(lines))
        # A copy: the result holds on to room for the worst case, 1 MB for 40 kB.
        self._packed.setdefault(kind, []).append(bytes(memoryview(packed)))

    def of(
        self, *kinds: str, chat: tuple[int, int] | None = None, only: Collection[str] | None = None
    ) -> Iterator[Event]:
        """As `Indexed.of`. Raises `HarnessError` for a line that cannot be read."""
        mark = b"" if chat is None else b',"lane":%d,"chat":%d,"kind":' % chat
        for kind in (*kinds, *((_STARTS,) if "storage" in kinds else ())):
            unpack = zstandard.ZstdDecompressor().decompress
            for block in self._packed.get(kind, ()):
                lines = unpack(block)
                if mark in lines:
                    yield from self._parsed((line for line in lines.split(b"\n") if mark in line), only)
            yield from self._parsed((line for line in self._open.get(kind, ()) if mark in line), only)

    def starts(self) -> Iterator[Event]:
        return self.of(_STARTS)

    def _parsed(self, lines: Iterable[bytes], only: Collection[str] | None) -> Iterator[Event]:
        some = None if only is None else checks_of(only)
        for line in lines:
            text = line.decode("utf-8", "replace")
            try:
                if some is not None and not self.changes:
                    yield self._some_of(text, some)
                    continue
                event = self._with_shared_stack(text) or Event.from_json(parsed(text))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise HarnessError(
                    f"{self._where}: an event cannot be read: {repr(error)[:300]}",
                    hint="leave that run out, or record it again",
                ) from error
            for change in self.changes:
                changed = change(event)
                if changed is None:
                    break
                event = changed
            else:
                yield event

    def _with_shared_stack(self, text: str) -> Event | None:
        """The event of a line with a stack, which equal stacks share; None where it has none."""
        raw, stack = self._without_stack(text)
        if stack is None:
            return None
        event = Event.from_json(raw)
        raw["data"]["stack"] = stack  # the event's own data
        return event

    def _without_stack(self, text: str) -> tuple[dict[str, Any], Any]:
        """A line's values but for its stack, and that stack; an empty table and None where it has none.

        Stacks are most of a run's bytes, few differ, and each is checked once.
        """
        begin = text.find('"stack":[{')
        end = text.find("}]", begin) + 2 if begin > 0 else 0
        if end < 2:
            return {}, None
        stack = text[begin + 8 : end]
        try:
            known = self._stacks.get(stack)
            if known is None:
                known = self._stacks[stack] = checked_data({"stack": parsed(stack)})["stack"]
            return parsed(f"{text[: begin + 8]}null{text[end:]}"), known
        except ValueError:  # a function's name with }] in it
            return {}, None

    def _some_of(self, text: str, only: FieldChecks) -> Event:
        """The event of a line, with these fields of its data only: the others are not looked at, which takes a third of the time."""
        raw, stack = self._without_stack(text)
        if not raw:
            raw = parsed(text)
        data, t, seq = raw.get("data"), raw.get("t"), raw.get("seq")
        if (
            type(data) is not dict
            or type(raw["run_id"]) is not str
            or type(seq) is not int
            or type(t) is not float
            or not -_LATEST < t < _LATEST
            or not raw["run_id"].isprintable()
        ):
            return self._with_shared_stack(text) or Event.from_json(parsed(text))
        some = checked_fields(data, only)
        if stack is not None and "stack" in some:
            some["stack"] = stack
        return Event(raw["run_id"], seq, t, raw["lane"], raw["chat"], raw["kind"], some)

    def changed(self, change: Change) -> EventLog:
        new = copy(self)
        new.changes = (*self.changes, change)
        return new

    def without_side(self) -> EventLog:
        new = copy(self)
        new.kept_aside = []
        return new

    def __len__(self) -> int:
        return sum(self._counts.values()) + len(self.kept_aside)

    def __iter__(self) -> Iterator[Event]:
        yield from self.of(*self._counts)
        yield from self.side

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        return tuple(self)[index]
