"""Which scripts of a page are a library's, and which frames all of its stacks go through, where no source map says so."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from e2e.capture.code.stacks import Frame, position

_PACKAGES = re.compile(r"(?:^|/)(?:node_modules|bower_components|site-packages)/|^webpack/|^vite/")
_CDN = re.compile(
    r"(?:^|\.)(?:unpkg\.com|jsdelivr\.net|cdnjs\.cloudflare\.com|esm\.sh|esm\.run|skypack\.dev|jspm\.io|jspm\.dev"
    r"|ajax\.googleapis\.com|code\.jquery\.com|stackpath\.bootstrapcdn\.com|ajax\.aspnetcdn\.com|cdn\.socket\.io"
    r"|googletagmanager\.com|google-analytics\.com|browser\.sentry-cdn\.com)$"
)
_KNOWN = re.compile(
    r"^(?:react(?:-dom)?|preact|vue|angular|svelte|jquery|htmx(?:\.org)?|alpine(?:js)?|socket\.io|sockjs(?:-client)?|stomp|signalr"
    r"|axios|lodash|underscore|rxjs|zone|polyfills?|core-js|framework|webpack(?:-runtime)?|runtime|backbone|ember"
    r"|reconnecting-websocket|phoenix|livewire|stimulus|turbo|nicegui|quasar|shiny|streamlit|gradio|msal(?:-browser)?"
    r"|sentry|bundle\.tracing|gtm|analytics)"
    r"(?:[-.@_~]?(?:v?\d[\w.]*|[0-9a-f]{6,}|esm|umd|es|cjs|iife|global|common|browser|client|core|ext|prod|production|slim"
    r"|development|dev|bundle|min))*\.m?js$",
    re.IGNORECASE,
)
_CHUNK = re.compile(
    r"(?:^|[-.~_/])(?:chunk-)?(?:vendors?|third[-_]?party)[-.~_](?:[^/]*\.)?m?js$", re.IGNORECASE
)
_FOLDER = re.compile(
    r"(?:^|/)(?:libs?|dist|vendors?|third[-_]?party|externals?|packages|plugins|widgets?|sdk)/", re.IGNORECASE
)
_PACKED = re.compile(
    r"(?:\.min|\.slim|\.bundle|\.umd|\.esm?|\.iife|\.cjs|\.global|\.prod(?:uction)?)(?:\.[\w-]+)?\.m?js$",
    re.IGNORECASE,
)
_UMD = re.compile(
    r"typeof\s+exports\s*={2,3}\s*[\"']object[\"']|typeof\s+define\s*={2,3}\s*[\"']function[\"']"
)
_BANNER = re.compile(r"\s*/\*!|\s*/\*\*?[^*]*(?:@license|@preserve|\bv\d+\.\d+\.\d+)")
_HEAD = 1500  # characters in which a library introduces itself

_LONG = 300
"""Characters: hand-written lines are shorter, a bundle's are not."""
_ALMOST_ALL = 0.9
_STACKS = 6
"""Fewer show nothing about what is common."""


def parts_of(address: str) -> SplitResult:
    """The parts of a script's address. A page gives its scripts any address (``sourceURL=http://[``): one that is none is a path."""
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", "", address, "", "")


def is_library(source: str) -> bool:
    """A path, or a script's address, that can be nothing but a library's."""
    address = parts_of(source)
    path = address.path if address.netloc else source
    name = path.rpartition("/")[2]
    return bool(
        _PACKAGES.search(path.lstrip("/"))
        or _CDN.search(address.hostname or "")
        or _KNOWN.match(name)
        or _CHUNK.search("/" + path.lstrip("/"))
    )


def looks_like_library(url: str, script: str | None, page: str = "") -> bool:
    """Its folder, its name, its host or its first lines are those of a library. An application's own bundle may look so too:
    it only loses to a script that does not."""
    address = parts_of(url)
    path = address.path
    if _FOLDER.search(path) or _PACKED.search(path):
        return True
    if page and address.netloc and address.netloc != parts_of(page).netloc:
        return True
    head = (script or "")[:_HEAD]
    return is_readable(script) and bool(_UMD.search(head) or _BANNER.match(head))


def is_readable(script: str | None) -> bool:
    """Written by hand, line by line: no bundle."""
    lines = (script or "").splitlines()
    return bool(lines) and max(map(len, lines)) <= _LONG


def is_script(url: str) -> bool:
    """A file of its own, and not code inside a document."""
    return parts_of(url).path.endswith((".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".vue", ".svelte"))


def infrastructure(events: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Positions that nearly all stacks have, whatever was done: a dispatcher of events, a client that sends all requests.

    ``events`` are the data of storage and payload events. A position counts that is in nearly all stacks of two rules, or of
    both writes and payloads; what only one kind of thing goes through may be the very line that is looked for.
    """
    groups: dict[tuple[str, str], list[Sequence[Frame]]] = defaultdict(list)
    for data in events:
        stack = data.get("stack") or ()
        if stack:
            kind = ("payload", str(data.get("rule"))) if "rule" in data else ("storage", "")
            groups[kind].append(stack)
    payloads = [stacks for (kind, _), stacks in groups.items() if kind == "payload"]
    found: set[str] = set()
    for chosen in (payloads, list(groups.values())):
        if len(chosen) > 1 and sum(map(len, chosen)) >= _STACKS:
            found |= frozenset.intersection(*map(_common, chosen))
    return frozenset(found)


def _common(stacks: Sequence[Sequence[Frame]]) -> frozenset[str]:
    counts = Counter(key for stack in stacks for key in {position(frame) for frame in stack})
    return frozenset(key for key, n in counts.items() if n >= _ALMOST_ALL * len(stacks))
