"""One request of a HAR file as typed values: what was sent, what came back, and why a part of it is missing."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from e2e.records.shape import is_number

Load = Callable[[str], bytes | None]
"""The content of a file that lies beside the HAR in its archive; None: it is not there."""

_MILLISECONDS = 1e11
"""A time of a frame above this is in milliseconds (Playwright), below it in seconds (Chrome)."""
_DIRECTIONS = {
    "send": True,
    "sent": True,
    "request": True,
    "receive": False,
    "received": False,
    "response": False,
}
_TYPES = {
    "fetch": "Fetch", "xhr": "XHR", "eventsource": "EventSource", "ping": "Ping", "beacon": "Ping",
    "document": "Document", "websocket": "WebSocket", "script": "Script", "stylesheet": "Stylesheet",
    "image": "Image", "font": "Font", "media": "Media", "manifest": "Manifest",
}  # fmt: skip


class InvalidEntry(ValueError):
    """A part of an entry is not what HAR 1.2 says; with its key, value, rule and hint."""

    def __init__(self, key: str, value: Any, rule: str, hint: str) -> None:
        super().__init__(f"{key}: {rule}")
        self.key, self.value, self.rule, self.hint = key, value, rule, hint


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """A frame of a WebSocket. ``data`` is base64 for the opcode 2, as in Chromium's protocol."""

    t: float
    sent: bool
    opcode: int
    data: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One request with its response. Times are seconds since the epoch."""

    number: int
    t: float
    answered_at: float
    ended_at: float
    kind: str
    """The protocol's type of resource: ``Fetch``, ``XHR``, ``Document``, ``WebSocket``, …"""
    method: str
    url: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    body: bytes
    body_missing: str
    """Why the request's body is not in the file, or ``""``."""
    status: int
    response_headers: Mapping[str, str]
    content: bytes
    content_missing: str
    """Why the response's body is not in the file, or ``""``."""
    cached: str
    page: str
    """The HAR's ``pageref``: a navigation, or in Playwright's files a tab."""
    events: tuple[tuple[float, str, str], ...] = ()
    """Server-sent events with their times: ``(t, name, data)``."""
    frames: tuple[RecordedFrame, ...] = ()

    @property
    def referer(self) -> str:
        """The page's address as the request names it; ``""`` when it names the origin only, or nothing."""
        found = self.headers.get("referer", "")
        return found if urlsplit(found).path not in ("", "/") or urlsplit(found).query else ""


def read_entry(number: int, raw: Any, load: Load) -> Entry:
    """The entry ``log.entries[number]``. Raises `InvalidEntry`."""
    key = f"log.entries[{number}]"
    if not isinstance(raw, dict):
        raise InvalidEntry(key, raw, "expected an object", "export the HAR again")
    request, response = _object(raw, "request", key), _object(raw, "response", key)
    url, method = request.get("url"), request.get("method")
    if not isinstance(url, str) or not _is_address(url):
        raise InvalidEntry(f"{key}.request.url", url, "expected an address", "export the HAR again")
    if not isinstance(method, str) or not method:
        raise InvalidEntry(f"{key}.request.method", method, "expected a method", "export the HAR again")
    t = _time(raw.get("startedDateTime"), f"{key}.startedDateTime")
    headers, response_headers = _headers(request), _headers(response)
    body, body_missing = _body(request, f"{key}.request.postData", load)
    frames = _frames(raw, response, f"{key}._webSocketMessages", load)
    socket = bool(frames) or url.startswith(("ws:", "wss:"))
    content, content_missing = (b"", "") if socket else _content(response, f"{key}.response.content", load)
    took = _number(raw.get("time"))
    waited = sum(
        max(0.0, _number(_object_or_empty(raw, "timings").get(part)))
        for part in ("blocked", "dns", "connect", "send", "wait")
    )
    ended = max([t + took / 1000, *(f.t for f in frames)])
    cached = str(raw.get("_fromCache") or "")
    return Entry(
        number, t, min(t + waited / 1000, ended), ended, "WebSocket" if socket else _kind(raw, request, response_headers),
        method.upper(), url, headers, _cookies(request, headers), body, body_missing, int(_number(response.get("status"))),
        response_headers, content, content_missing, f"browser cache ({cached})" if cached else "", str(raw.get("pageref") or ""),
        _events(raw), frames,
    )  # fmt: skip


def _is_address(url: str) -> bool:
    try:
        return bool(urlsplit(url).scheme)
    except ValueError:  # http://[
        return False


def _object(raw: Mapping[str, Any], name: str, key: str) -> dict[str, Any]:
    found = raw.get(name)
    if not isinstance(found, dict):
        raise InvalidEntry(f"{key}.{name}", found, "expected an object", "export the HAR again")
    return found


def _object_or_empty(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _list(raw: Mapping[str, Any], name: str) -> list[Any]:
    found = raw.get(name)
    return found if isinstance(found, list) else []


def _number(value: Any) -> float:
    return float(value) if is_number(value) else 0.0


def _time(value: Any, key: str) -> float:
    try:
        return dt.datetime.fromisoformat(str(value)).astimezone(dt.UTC).timestamp()
    except ValueError:
        raise InvalidEntry(
            key, value, "expected a time", 'an ISO 8601 time such as "2026-11-29T13:55:17.535Z"'
        ) from None


def _headers(part: Mapping[str, Any]) -> dict[str, str]:
    """Names in lower case. Several lines of one name are joined by line breaks, as Chromium does."""
    found: dict[str, str] = {}
    for one in _list(part, "headers"):
        if isinstance(one, dict) and isinstance(one.get("name"), str) and not one["name"].startswith(":"):
            name, value = one["name"].lower(), str(one.get("value", ""))
            found[name] = f"{found[name]}\n{value}" if name in found else value
    return found


def _cookies(request: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in headers.get("cookie", "").replace("\n", ";").split(";"):
        name, equals, value = pair.partition("=")
        if equals and name.strip():
            found.setdefault(name.strip(), value.strip())
    for one in _list(request, "cookies"):
        if isinstance(one, dict) and one.get("name"):
            found.setdefault(str(one["name"]), str(one.get("value", "")))
    return found


def _kind(raw: Mapping[str, Any], request: Mapping[str, Any], response_headers: Mapping[str, str]) -> str:
    named = raw.get("_resourceType") or raw.get("_initiator_type")
    if isinstance(named, str) and named.lower() in _TYPES:
        return _TYPES[named.lower()]
    headers = _headers(request)
    destination = headers.get("sec-fetch-dest", "")
    if destination in ("document", "iframe", "frame"):
        return "Document"
    if destination in ("script", "style", "image", "font", "audio", "video", "manifest"):
        return "Other"
    if not destination and request.get("method") == "GET":  # a browser that names no kind
        content = response_headers.get("content-type", "")
        if "html" in content and "text/html" in headers.get("accept", ""):
            return "Document"
        if any(part in content for part in ("javascript", "css", "image/", "font", "video/", "audio/")):
            return "Other"
    return "Fetch"


def _body(request: Mapping[str, Any], key: str, load: Load) -> tuple[bytes, str]:
    data = request.get("postData")
    size = int(_number(request.get("bodySize")))
    if not isinstance(data, dict):
        # Firefox and Chrome write 0 or -1 where nothing was sent.
        return b"", f"the HAR has none of its {size} bytes" if size > 0 else ""
    content = _text_or_file(data, key, load)
    if content is None and isinstance(data.get("params"), list) and data["params"]:
        pairs = [
            (str(p.get("name", "")), str(p.get("value", ""))) for p in data["params"] if isinstance(p, dict)
        ]
        content = urlencode(pairs).encode()
    if not content:
        return b"", f"the HAR has none of its {size} bytes" if size > 0 else ""
    compressed = "content-encoding" in _headers(request)
    if not compressed and size > len(content) + 2:  # line breaks of a form may have been normalised
        return content, f"the HAR has only {len(content)} of its {size} bytes"
    return content, ""


def _content(response: Mapping[str, Any], key: str, load: Load) -> tuple[bytes, str]:
    found = response.get("content")
    if not isinstance(found, dict):
        return b"", "the HAR has no response body"
    content = _text_or_file(found, key, load)
    size = int(_number(found.get("size")))
    empty = int(_number(response.get("status"))) in (0, 101, 204, 205, 304) or size == 0
    if content is None or (not content and size > 0):
        return b"", "" if empty else "the HAR has no response body"
    return content, ""


def _text_or_file(part: Mapping[str, Any], key: str, load: Load) -> bytes | None:
    """The bytes of a body: its text, or the file beside the HAR that holds it. None: neither is there."""
    for name in ("_file", "_sha1"):
        if isinstance(part.get(name), str):
            found = load(part[name])
            if found is not None:
                return found
    text = part.get("text")
    if not isinstance(text, str):
        return None
    if str(part.get("encoding") or part.get("_encoding") or "").lower() == "base64":
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise InvalidEntry(
                f"{key}.text",
                f"{len(text)} characters",
                "not base64, although encoding says so",
                "export the HAR again",
            ) from None
    return text.encode("utf-8", "surrogatepass")


def _seconds(value: Any) -> float:
    found = _number(value)
    return found / 1000 if found > _MILLISECONDS else found


def _frames(
    raw: Mapping[str, Any], response: Mapping[str, Any], key: str, load: Load
) -> tuple[RecordedFrame, ...]:
    messages = raw.get("_webSocketMessages")
    content = _object_or_empty(response, "content")
    name = content.get("_file") or content.get("_sha1")
    if messages is None and isinstance(name, str) and str(raw.get("_resourceType")) == "websocket":
        lines = (load(name) or b"").decode("utf-8", "replace").split("\n")
        try:
            messages = [json.loads(line) for line in lines if line.strip()]
        except (ValueError, RecursionError):
            raise InvalidEntry(
                key, name, "the file of its frames is no JSON lines", "export it again"
            ) from None
    if messages is None:
        return ()
    if not isinstance(messages, list):
        raise InvalidEntry(key, messages, "expected a list", "export the HAR again")
    found = []
    for n, one in enumerate(messages):
        kind = one.get("type") if isinstance(one, dict) else None
        if not isinstance(one, dict) or not isinstance(kind, str) or kind not in _DIRECTIONS:
            raise InvalidEntry(
                f"{key}[{n}].type", kind, 'expected "send" or "receive"', "export the HAR again"
            )
        t, opcode = _seconds(one.get("time")), int(_number(one.get("opcode")))
        found.append(RecordedFrame(t, _DIRECTIONS[kind], opcode, str(one.get("data", ""))))
    return tuple(found)


def _events(raw: Mapping[str, Any]) -> tuple[tuple[float, str, str], ...]:
    """Chrome writes the events of an EventSource beside the entry, each with its time."""
    found = raw.get("_eventSourceMessages")
    if not isinstance(found, list):
        return ()
    return tuple(
        (_seconds(one.get("time")), str(one.get("eventName") or "message"), str(one.get("data", "")))
        for one in found
        if isinstance(one, dict)
    )
