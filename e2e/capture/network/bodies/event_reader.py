"""A reply's bytes as events: JSON, JSON lines, server-sent events, or plain text."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from e2e.framings.base.decoder import Message
from e2e.framings.registry import FRAMINGS, make_decoder


def with_event(value: Any, event: str) -> Any:
    """An event of a stream as the rule's expressions see it: its name is at ``event``, unless its data has one."""
    if event in ("", "message"):
        return value
    if isinstance(value, dict):
        return {"event": event, **value}
    return {"event": event, "data": value}


def as_json(text: str) -> Any:
    """Parsed JSON, or None when ``text`` is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _charset(content_type: str) -> str:
    """Python's name of the charset of an answer; UTF-8 where none is named, or one that is not known."""
    named = re.search(r';\s*charset="?([\w.:-]+)', content_type, re.IGNORECASE)
    try:
        name = codecs.lookup(named[1]).name if named else "utf-8"
        codecs.getincrementaldecoder(name)
        b" ".decode(
            name, "replace"
        )  # a codec of Python may turn bytes into bytes (``zip``): its decoder ended the run
    except (LookupError, ValueError):
        return "utf-8"
    return name


MOST_OF_ONE_VALUE = 32 << 20
"""Bytes that are kept of one value that has not ended: a picture in a reply is smaller, and a body may never end."""


class _Unfinished:
    """The bytes of a value that has not ended. Once they are too many they are dropped, and so is the rest of the value."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.dropped = False

    def add(self, chunk: bytes) -> None:
        self.dropped = self.dropped or len(self._data) + len(chunk) > MOST_OF_ONE_VALUE
        if self.dropped:
            self._data.clear()
        else:
            self._data += (
                chunk  # in place: a new object for each of 1,600 pieces copied 80 GB of a body of 100 MB
            )

    def drop(self) -> None:
        """Keep nothing of the value that has begun."""
        self._data.clear()
        self.dropped = True

    def take(self) -> bytes | None:
        """The value, now that it has ended; None where it was dropped. The next one begins."""
        taken = None if self.dropped else bytes(self._data)
        self._data.clear()
        self.dropped = False
        return taken


_LINES = re.compile(r"ndjson|jsonl|json-?lines|json-seq|stream\+json")


class AnswerReader:
    """Turns the bytes of an answer, as they come, into the JSON values in it: events of a stream, lines, or one body."""

    def __init__(self, content_type: str) -> None:
        self._stream = "event-stream" in content_type
        self._lines = _LINES.search(content_type) is not None
        self._pending = _Unfinished()
        self._decode = codecs.getincrementaldecoder(_charset(content_type))("replace").decode
        self._after_cr = False
        self._event = ""
        self._data: list[str] = []
        self._size = 0
        self.cut = False
        """A value was too long to be kept."""

    def announced(self, size: int) -> bool:
        """The body will have so many bytes. True where it is one value and that is too long: nothing of it is kept."""
        if size <= MOST_OF_ONE_VALUE or self._stream or self._lines:
            return False
        self._pending.drop()
        self.cut = True
        return True

    def feed(self, chunk: bytes) -> Iterator[tuple[str, Any]]:
        """``(event name, value)`` for every event or line that ``chunk`` completes."""
        if not (self._stream or self._lines):
            self._keep(chunk)
            return
        if not chunk:
            return
        cut, self._after_cr = self._after_cr, chunk.endswith(b"\r")
        if cut:  # a CR ends its line at once; the LF of a CRLF cut in two is no line of its own
            chunk = chunk.removeprefix(b"\n")
        first, *lines = re.split(rb"\r\n|\n|\r", chunk)
        self._keep(first)
        if not lines:
            return
        whole = self._pending.take()
        self._keep(lines.pop())
        for line in lines if whole is None else [whole, *lines]:
            text = line.decode("utf-8-sig", errors="replace")
            yield from self._line(text) if self._stream else _json_line(text)

    def text(self, chunk: bytes) -> str:
        """The text in ``chunk``, where the answer is no stream of values; ``""`` where it is."""
        return "" if self._stream or self._lines or self.cut else self._decode(chunk)

    def _keep(self, chunk: bytes) -> None:
        self._pending.add(chunk)
        self.cut = self.cut or self._pending.dropped

    def end(self) -> Iterator[tuple[str, Any]]:
        """What is left when the answer ends: the whole body when it was no stream, or its last line."""
        if self._stream:
            return
        whole = self._pending.take()
        if whole is None:
            return
        text = whole.decode("utf-8-sig", errors="replace")
        value = as_json(text)
        if value is not None:
            yield "", value
        elif not self._lines and "\n" in text:  # JSON lines under another name
            for line in text.split("\n"):  # not splitlines(): U+2028 may stand inside of a JSON string
                yield from _json_line(line)

    def _line(self, line: str) -> Iterator[tuple[str, Any]]:
        if line == "":
            if self._data:
                text = "\n".join(self._data)
                value = as_json(text)
                yield self._event or "message", {"text": text} if value is None else value
            self._event, self._data, self._size = "", [], 0
        elif line.startswith("event:"):
            self._event = line[6:].strip()
        elif line.startswith("data:"):
            self._size += len(line)
            if self._size > MOST_OF_ONE_VALUE:
                self.cut, self._data = True, []
            else:
                self._data.append(line[5:].removeprefix(" "))


class FramedReader:
    """Turns the bytes of an answer into the messages of its framing: as they come, or when it has ended."""

    def __init__(self, framing: str) -> None:
        self._decoder = make_decoder(framing)
        self._framing = FRAMINGS[framing]
        self._pending = _Unfinished()
        self.cut = False
        """The body was too long to be kept."""

    def announced(self, size: int) -> bool:
        """The body will have so many bytes. True where it is read as a whole and is too long: nothing of it is kept."""
        if size <= MOST_OF_ONE_VALUE or self._framing.streams:
            return False
        self._pending.drop()
        self.cut = True
        return True

    def feed(self, chunk: bytes) -> Iterator[tuple[str, Message]]:
        """``("", message)`` for every message that ``chunk`` completes."""
        if self._framing.streams:
            yield from (("", message) for message in self._decoder.decode(chunk, False))
        else:
            self._pending.add(chunk)
            self.cut = self._pending.dropped

    def text(self, _: bytes) -> str:
        """The answer is a stream of values: it has no text of its own."""
        return ""

    def end(self) -> Iterator[tuple[str, Message]]:
        """The messages of a framing that is read as a whole."""
        data = None if self._framing.streams else self._pending.take()
        if not data:
            return
        whole = data if self._framing.binary else data.decode("utf-8", errors="replace")
        yield from (("", message) for message in self._decoder.decode(whole, False))


def _json_line(line: str) -> Iterator[tuple[str, Any]]:
    value = as_json(line.strip("\x1e \t\r"))
    if value is not None:
        yield "", value
