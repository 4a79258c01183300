"""From a position in a served bundle to the product's own source, through its source map (ECMA-426)."""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urljoin

from e2e.capture.code import excerpts, libraries
from e2e.capture.code.local_maps import LINK, LocalMaps
from e2e.capture.code.stacks import Frame, position
from e2e.records.records import CodePlace

_DIGITS = {c: i for i, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}
_VENDOR = re.compile(r"(^|/)node_modules/|^webpack/|^vite/")

Fetch = Callable[[str], str | None]
"""URL -> text, or None when it cannot be loaded."""

Segment = tuple[int, int, int, int]  # column in the bundle, source, line, column: all from 0


class SourceMap:
    """A decoded map. Raises ``ValueError`` when ``text`` is no source map of version 3."""

    def __init__(self, text: str, url: str) -> None:
        raw = json.loads(text.removeprefix(")]}'\n"))
        if not isinstance(raw, dict) or raw.get("version") != 3 or "sections" in raw:
            raise ValueError("not a plain source map of version 3")
        root = raw.get("sourceRoot") or ""
        root += "/" if root and not root.endswith("/") else ""
        self._sources = [_readable(urljoin(root, s or ""), url) for s in raw["sources"]]
        contents: list[str | None] = raw.get("sourcesContent") or []
        self._contents = [c.split("\n") if c is not None else None for c in contents]
        self._all_vendor = bool(self._sources) and all(_VENDOR.search(source) for source in self._sources)
        # The map of a framework's bundle is by far the largest one, and the fault is not in there.
        self._lines = [] if self._all_vendor else _decode(raw["mappings"])

    def place(self, line: int, column: int, function: str) -> CodePlace | None:
        """The source of a position in the bundle (both from 1), or None when the map says nothing of it."""
        if self._all_vendor:
            return CodePlace(self._sources[0], 1, 1, function, mapped=False, vendor=True)
        if not 1 <= line <= len(self._lines):
            return None
        segments = self._lines[line - 1]
        at = bisect_right(segments, (column - 1, 1 << 62, 0, 0)) - 1
        if at < 0 or not 0 <= segments[at][1] < len(self._sources):
            return None
        _, source, source_line, source_column = segments[at]
        content = self._contents[source] if source < len(self._contents) else None
        name = self._sources[source]
        return CodePlace(
            source=name,
            line=source_line + 1,
            column=source_column + 1,
            function=_enclosing(content, source_line) or function,
            mapped=True,
            vendor=_VENDOR.search(name) is not None,
            context=excerpts.around(content, source_line),
        )


def resolve(
    frames: Iterable[Frame],
    fetch: Fetch,
    *,
    local: LocalMaps | None = None,
    common: AbstractSet[str] = frozenset(),
    page: str = "",
) -> Mapping[str, CodePlace]:
    """Every frame's place in the source, by `stacks.position`; the bundle's own position where there is no map.

    ``local`` are maps that are not published, ``common`` positions that nearly all stacks go through, ``page`` the chat's address.
    """
    scripts: dict[str, tuple[str | None, SourceMap | None]] = {}
    places: dict[str, CodePlace] = {}
    for frame in frames:
        key = position(frame)
        if key in places:
            continue
        url = frame["url"]
        if url not in scripts:
            script = fetch(url)
            scripts[url] = script, _load(url, script, fetch, local)
        script, source_map = scripts[url]
        place = source_map.place(frame["line"], frame["column"], frame["function"]) if source_map else None
        library_like = libraries.looks_like_library(url, script, page)
        places[key] = (
            replace(place, library_like=library_like)
            if place is not None
            else _served(frame, script, library_like=library_like or key in common)
        )
    return places


def _served(frame: Frame, script: str | None, *, library_like: bool) -> CodePlace:
    """A position in a script without a map."""
    url = frame["url"]
    return CodePlace(
        source=libraries.parts_of(url).path.lstrip("/") or url,
        line=frame["line"],
        column=frame["column"],
        function=_plain(frame["function"]),
        mapped=False,
        vendor=libraries.is_library(url),
        context=excerpts.of_script(script, frame["line"], frame["column"]),
        library_like=library_like,
        readable=libraries.is_script(url) and libraries.is_readable(script),
    )


def _plain(function: str) -> str:
    """``Object.c [as loadSession]`` is ``loadSession``: a minified name says nothing to a reader."""
    alias = re.search(r"\[as ([\w$]+)\]", function)
    return alias[1] if alias else function.removeprefix("Object.")


def _load(url: str, script: str | None, fetch: Fetch, local: LocalMaps | None) -> SourceMap | None:
    """The published map, else one that was only built."""
    links = LINK.findall(script or "")
    published = _parsed(lambda: _linked(url, links[-1], fetch), url) if links else None
    if published is not None or not local:
        return published
    return _parsed(lambda: local.find(url, script), url)


def _linked(url: str, link: str, fetch: Fetch) -> str | None:
    if not link.startswith("data:"):
        return fetch(urljoin(url, link))
    head, _, data = link.partition(",")
    return base64.b64decode(data).decode() if head.endswith("base64") else unquote(data)


def _parsed(text: Callable[[], str | None], url: str) -> SourceMap | None:
    try:
        found = text()
        return SourceMap(found, url) if found else None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None  # a broken map is as good as none: the bundle's position is still given


def _decode(mappings: str) -> list[list[Segment]]:
    """The ``mappings`` field: base64 VLQ deltas, ``;`` between lines, ``,`` between segments."""
    lines: list[list[Segment]] = []
    source = line = column = 0
    for group in mappings.split(";"):
        segments: list[Segment] = []
        bundle_column = 0
        for text in group.split(",") if group else ():
            fields = _vlq(text)
            bundle_column += fields[0]
            if len(fields) >= 4:
                source += fields[1]
                line += fields[2]
                column += fields[3]
                segments.append((bundle_column, source, line, column))
            else:
                segments.append((bundle_column, -1, 0, 0))
        segments.sort()
        lines.append(segments)
    return lines


_MOST_BITS = 35


def _vlq(text: str) -> list[int]:
    values: list[int] = []
    value = shift = 0
    for character in text:
        digit = _DIGITS[character]
        value |= (digit & 31) << shift
        shift += 5
        if shift > _MOST_BITS:
            raise ValueError("a number of a source map has 32 bits")
        if not digit & 32:
            values.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    return values


_NAME = r"(?P<{}>[A-Za-z_$][\w$]*)"
_FUNCTION = re.compile(
    "|".join(
        (
            r"function\s*\*?\s*" + _NAME.format("declared") + r"\s*[(<]",
            # const f = …: a function, or a wrapper of one (useCallback, memo, debounce) that may begin on the next line
            r"(?:const|let|var)\s+"
            + _NAME.format("bound")
            + r"\s*(?::[^=]+)?=\s*(?:(?:React\.)?(?:use[A-Z]\w*|memo|forwardRef|debounce|throttle)(?:<[^(]*>)?\(\s*)?"
            r"(?:$|(?:async\s*)?(?:function\b|\(|[A-Za-z_$][\w$]*\s*=>))",
            r"^\s*(?:(?:public|private|protected|static|async|override)\s+)*"
            + _NAME.format("method")
            + r"\s*\([^;]*\)\s*(?::[^={]+)?\{\s*$",
        )
    )
)
_WIDTH = 500
"""Characters of a line that a name is looked for in: `_FUNCTION` takes minutes for a hostile line of 1 MB."""
_KEYWORDS = {"if", "for", "while", "switch", "catch", "return", "function", "with"}


def _enclosing(content: list[str] | None, line: int) -> str:
    """Name of the function around a source line, by indentation: minified names say nothing to a reader."""
    if content is None or line >= len(content):
        return ""
    indent = _indent(content[line])
    for number in range(line, max(-1, line - 200), -1):
        text = content[number][:_WIDTH]
        if not text.strip() or (number != line and _indent(text) >= indent):
            continue
        match = _FUNCTION.search(text)
        name = next((g for g in match.groups() if g), "") if match else ""
        if name and name not in _KEYWORDS:
            return name
        indent = min(indent, _indent(text)) if number != line else indent
    return ""


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _readable(source: str, map_url: str) -> str:
    """A source's path as a developer knows it: without scheme and host, and without the way up out of the bundle's folder."""
    path: str = libraries.parts_of(source).path if "://" in source else source
    path = re.sub(r"^(?:\.{0,2}/)+", "", path)
    return path or libraries.parts_of(map_url).path.lstrip("/")


def frames_of(events: Iterable[Mapping[str, Any]]) -> list[Frame]:
    """All frames in the ``stack`` of these events' data."""
    return [frame for data in events for frame in data.get("stack", ())]
