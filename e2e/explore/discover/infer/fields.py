"""The fields of the payloads that carry the messages: where each is, and its value in every message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from e2e.explore.discover.infer.findings import SentMessages
from e2e.explore.discover.observed import Observed, Turn
from e2e.explore.discover.values import id_likeness, last_name, leaves, lists
from e2e.explore.discover.watcher import Payload, Watcher
from e2e.framings.registry import make_decoder

_NO_ID = re.compile(
    r"^(accept|sec-|content-|user-agent$|referer$|origin$|host$|cookie$|connection$|cache-control$|pragma$|priority$|"
    r"upgrade|dnt$|x-requested-with$|:|date$|last-event-id$|if-|range$|te$|baggage$|traceparent$|tracestate$)"
)
_SEPARATORS = ("|", "\t", "\n", ";", ",", " ")


@dataclass(slots=True)
class Field:
    """One field of the payloads, and its value in each message."""

    extract: Any
    name: str
    shown: str
    values: list[str | None]
    place: str
    """``body``, ``url``, ``header``, ``cookie``, ``connection`` or ``page``."""


def fields(watcher: Watcher, sent: SentMessages, observed: Observed) -> list[Field]:
    """All fields that could hold an ID. Places inside of a list that grows with the conversation are left out."""
    found: dict[str, Field] = {}
    growing = growing_lists(sent)
    for number, (payload, value) in enumerate(zip(sent.payloads, sent.values, strict=True)):
        for key, extract, name, shown, place, text in _of_payload(payload, value, sent):
            if place == "body" and any(key.startswith(f"json:{path}[") for path in growing):
                continue
            field = found.setdefault(key, Field(extract, name, shown, [None] * len(sent.payloads), place))
            field.values[number] = text
    for path, values in connection_values(watcher, sent).items():
        shown = f"connect message, {path}"
        found[f"connection:{path}"] = Field(
            {"connection": path}, last_name(path), shown, values, "connection"
        )
    turns = [observed.turns[n] for n in sent.numbers]
    return [*found.values(), *_of_page(turns)]


def growing_lists(sent: SentMessages) -> set[str]:
    """Paths of lists that become longer within a chat: the history, whose items have IDs of their own."""
    lengths: list[dict[str, int]] = [
        {path: len(items) for path, items in lists(value)} for value in sent.values
    ]
    found = set()
    for earlier, later in pairwise(lengths):
        found |= {path for path, n in later.items() if path in earlier and n > earlier[path]}
    return found


def connection_values(watcher: Watcher, sent: SentMessages) -> dict[str, list[str | None]]:
    """Path -> its last value in earlier payloads of the connection, at each message; only values like IDs."""
    if sent.transport != "websocket":
        return {}
    path = urlsplit(sent.payloads[0].url).path
    latest: dict[str, str] = {}
    at_turn: list[dict[str, str]] = []
    waiting = list(sent.payloads)
    for payload in sorted(watcher.payloads, key=lambda p: p.t):
        if waiting and payload is waiting[0]:
            at_turn.append(dict(latest))
            waiting.pop(0)
        elif urlsplit(payload.url).path == path and payload.body:
            for message in make_decoder(sent.framing).decode(payload.body, True):
                latest |= {field: str(v) for field, v in leaves(message.value) if id_likeness(v) > 0.5}
    if len(at_turn) < len(sent.payloads):
        return {}
    return {field: [at.get(field) for at in at_turn] for field in at_turn[0]}


_Found = tuple[str, Any, str, str, str, str]
"""``(key, extract, name, shown, place, value)``."""


def _of_payload(payload: Payload, value: Any, sent: SentMessages) -> Iterator[_Found]:
    form = "form" in payload.headers.get("content-type", "") and sent.transport == "http"
    for path, leaf in leaves(value):
        if isinstance(leaf, float):
            continue
        extract: Any = {"form": last_name(path)} if form and "." not in path and "[" not in path else path
        yield f"json:{path}", extract, last_name(path), path, "body", str(leaf)
        if isinstance(leaf, str):
            yield from _parts(path, leaf)
    parts = urlsplit(payload.url)
    for key, text in parse_qsl(parts.query):
        yield f"query:{key}", {"query": key}, key, f"query {key}", "url", text
    segments = parts.path.split("/")
    for n, segment in enumerate(segments):
        if id_likeness(segment) > 0.4:
            pattern = "/".join(
                "([^/]+)" if i == n else "[^/]+" if id_likeness(s) > 0.4 else re.escape(s)
                for i, s in enumerate(segments[: n + 1])
            )
            pattern = re.sub(r"\\-", "-", pattern)
            name = segments[n - 1] if n else ""
            yield f"path:{n}", {"path": pattern}, name, f"path segment {n}", "url", unquote(segment)
    if sent.transport == "http":
        for key, text in payload.headers.items():
            if not _NO_ID.match(key):
                scheme = re.match(r"(Bearer|Token|Basic) ", text)
                regex = {"regex": f"^{scheme[1]} (.+)$"} if scheme else {}
                bare = text[scheme.end() :] if scheme else text
                yield f"header:{key}", {"header": key, **regex}, key, f"header {key}", "header", unquote(bare)
    for key, text in payload.cookies.items():
        yield f"cookie:{key}", {"cookie": key}, key, f"cookie {key}", "cookie", unquote(text)


def _parts(path: str, text: str) -> Iterator[_Found]:
    """The parts of a text with separators, such as ``MSG|<id>|<text>``."""
    if len(text) > 2000:
        return
    separator = next((s for s in _SEPARATORS if 2 <= text.count(s) + 1 <= 12 and s in text), None)
    if separator is None:
        return
    for n, part in enumerate(text.split(separator)):
        if id_likeness(part) > 0.5:
            s = re.escape(separator)
            regex = f"^(?:[^{s}]*{s}){{{n}}}([^{s}]+)" if n else f"^([^{s}]+)"
            yield (
                f"part:{path}:{separator}:{n}",
                {"json": path, "regex": regex},
                "",
                f"part {n + 1} of {path}",
                "body",
                part,
            )


def _of_page(turns: Sequence[Turn]) -> Iterator[Field]:
    """The parts of the page's address that look like IDs."""
    addresses = [urlsplit(turn.before.address) if turn.before else urlsplit("") for turn in turns]
    found: dict[str, Field] = {}

    def note(key: str, pattern: str, name: str, number: int, value: str) -> None:
        field = found.setdefault(
            key, Field({"page": pattern}, name, "the page's address", [None] * len(turns), "page")
        )
        field.values[number] = value

    for number, parts in enumerate(addresses):
        segments = parts.path.split("/")
        for n, segment in enumerate(segments):
            if n and id_likeness(segment) > 0.4:
                lead = (
                    re.escape(segments[n - 1]).replace(r"\-", "-")
                    if id_likeness(segments[n - 1]) <= 0.4
                    else "[^/]+"
                )
                note(
                    f"path:{n}",
                    f"/{lead}/([^/?#]+)" if n > 1 else "^[a-z]+://[^/]+/([^/?#]+)",
                    segments[n - 1],
                    number,
                    unquote(segment),
                )
        for key, text in parse_qsl(parts.query):
            if id_likeness(text) > 0.4:
                note(f"query:{key}", f"[?&]{re.escape(key)}=([^&#]+)", key, number, text)
        if parts.fragment:
            for key, text in parse_qsl(parts.fragment) or [("", parts.fragment.rpartition("/")[2])]:
                if id_likeness(text) > 0.4:
                    note(
                        f"fragment:{key}",
                        f"#(?:.*[/&])?{re.escape(key) + '=' if key else ''}([^&/]+)$",
                        key,
                        number,
                        unquote(text),
                    )
    yield from found.values()
