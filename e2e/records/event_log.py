"""The events of a recorded run that its judgement needs, kept in little memory and parsed when they are read.

100,000 chats have 1.2 GB of events. Of these a judgement reads the ones of ten kinds, most of them once. They are kept by kind, as
compressed lines: 0.5 kB a chat, where parsed ones take 7 kB.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from typing import Any, overload

import zstandard

from e2e.errors import HarnessError
from e2e.records.cut import EventCount
from e2e.records.lines import parsed
from e2e.records.records import SIDE_LANE, Event
from e2e.records.selection import Change, Indexed
from e2e.records.shape import checked_data

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
_STARTS = "storage of a page load"
_START = re.compile(rb'"op": *"start"')
_BLOCK = 1 << 20
_TEXT = rb'"((?:[^"\\]|\\.)*)"'
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
        self.side: tuple[Event, ...] = ()
        self.changes: tuple[Change, ...] = ()

    def add(self, line: bytes) -> None:
        """Take the line of one event. Raises ``ValueError``, ``TypeError`` or ``KeyError`` for one that is none."""
        head = _HEAD.match(line)
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
            self.side = (*self.side, Event.from_json(parsed(line.decode("utf-8", "replace"))))
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
        self._packed.setdefault(kind, []).append(
            zstandard.ZstdCompressor(level=1).compress(b"\n".join(lines))
        )

    def of(self, *kinds: str, chat: tuple[int, int] | None = None) -> Iterator[Event]:
        """As `Indexed.of`. Raises `HarnessError` for a line that cannot be read."""
        mark = b"" if chat is None else b',"lane":%d,"chat":%d,"kind":' % chat
        for kind in (*kinds, *((_STARTS,) if "storage" in kinds else ())):
            unpack = zstandard.ZstdDecompressor().decompress
            for block in self._packed.get(kind, ()):
                lines = unpack(block)
                if mark in lines:
                    yield from self._parsed(line for line in lines.split(b"\n") if mark in line)
            yield from self._parsed(line for line in self._open.get(kind, ()) if mark in line)

    def starts(self) -> Iterator[Event]:
        return self.of(_STARTS)

    def _parsed(self, lines: Iterable[bytes]) -> Iterator[Event]:
        for line in lines:
            text = line.decode("utf-8", "replace")
            try:
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
        """The event of a line with a stack, which equal stacks share; None where it has none.

        Stacks are most of a run's bytes, few differ, and each is checked once.
        """
        begin = text.find('"stack":[{')
        end = text.find("}]", begin) + 2 if begin > 0 else 0
        if end < 2:
            return None
        stack = text[begin + 8 : end]
        try:
            known = self._stacks.get(stack)
            if known is None:
                known = self._stacks[stack] = checked_data({"stack": parsed(stack)})["stack"]
            raw: dict[str, Any] = parsed(f"{text[: begin + 8]}null{text[end:]}")
        except ValueError:  # a function's name with }] in it
            return None
        event = Event.from_json(raw)
        raw["data"]["stack"] = known  # the event's own data
        return event

    def changed(self, change: Change) -> EventLog:
        new = copy(self)
        new.changes = (*self.changes, change)
        return new

    def without_side(self) -> EventLog:
        new = copy(self)
        new.side = ()
        return new

    def __len__(self) -> int:
        return sum(self._counts.values()) + len(self.side)

    def __iter__(self) -> Iterator[Event]:
        yield from self.of(*self._counts)
        yield from self.side

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        return tuple(self)[index]
