"""Bodies of requests as values that JMESPath can search. Nothing here raises on a body, whatever is in it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

from e2e.framings.base.json_text import loads

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_CHARSET = re.compile(r';\s*charset="?([\w.:-]+)', re.IGNORECASE)
_FIRST_LINE = re.compile(rb"--([^\r\n]{1,200})\r?\n")
_PARAMETER = re.compile(r';\s*([\w*-]+)=(?:"([^"]*)"|([^\s;"]*))')
_ESCAPES = {
    "%22": '"',
    "%0D": "\r",
    "%0A": "\n",
}  # HTML, "multipart/form-data encoding algorithm": these and no other
_ESCAPED = re.compile("|".join(_ESCAPES))
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_MEDIA = ("image/", "audio/", "video/", "font/")
_NO_CHARSET = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}


def payload_of(body: bytes | str | None, content_type: str) -> Any:
    """What ``body`` says, by its content type (the header's value, ``""`` when there was none).

    - JSON (``application/json``, ``…+json``, ``text/plain`` or no type at all): the value
    - JSON lines (``application/x-ndjson`` and its synonyms): the list of values
    - ``application/x-www-form-urlencoded``: `form_of`; JSON when the page sent JSON under that type
    - ``multipart/form-data``: `multipart_of`

    - anything else that is no picture or sound: JSON, when it is some under a type that does not say so

    None for a body that is none of these.
    """
    if not body:
        return None
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return multipart_of(body, content_type)
    texts = list(_texts_of(body, content_type))
    if kind == "application/x-www-form-urlencoded":
        # A form's own brackets are percent-encoded: a bare one is JSON under the type that clients set by default.
        if texts[0].lstrip()[:1] in ("{", "["):
            found = _first_json(texts)
            if found is not None:
                return found
        return form_of(texts[0], charset_of(content_type) or "utf-8")
    if kind in _LINES:
        return next((values for text in texts if (values := _json_lines(text)) is not None), None)
    return None if kind.startswith(_MEDIA) else _first_json(texts)


def form_of(text: str, charset: str = "utf-8") -> dict[str, Any] | None:
    """``{name: text}`` of an ``application/x-www-form-urlencoded`` text (WHATWG URL, section 5).

    A repeated name gives the list of its texts. None when there is no field.
    """
    try:
        pairs = parse_qsl(text.strip(), keep_blank_values=True, encoding=charset, errors="replace")
    except (ValueError, LookupError):
        return None
    return _gathered(pairs) or None


def multipart_of(body: bytes | str, content_type: str) -> dict[str, Any] | None:
    """``{name: text or file}`` of a ``multipart/form-data`` body (RFC 7578); a repeated name gives a list.

    A file is ``{"filename": text, "size": bytes}``. A Blob of JSON, which browsers send as a file named ``blob``, is text
    like any field. A part that the body ends in the middle of is left out: half an ID is no ID. Without a boundary in
    the type, the body's first line has it. None when there is no whole part.
    """
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    named = _BOUNDARY.search(content_type)
    if named:
        boundary = (named[1] or named[2]).encode("utf-8", "surrogatepass")
    elif (first := _FIRST_LINE.match(raw)) is not None:
        boundary = first[1].rstrip()
    else:
        return None
    # The line break after a delimiter is looked at, not taken: it is also the one before the next delimiter.
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    fields: list[tuple[str, Any]] = []
    start: int | None = None
    for found in delimiter.finditer(raw):
        if start is not None:
            fields.extend(_part(raw[start : found.start()], content_type))
        start = found.end()
        if found[1]:
            break
    return _gathered(fields) or None


def cookies_of(header: str) -> dict[str, str]:
    """``{name: value}`` of a ``Cookie`` header (RFC 6265, section 4.2), values as they are: quotes and ``%`` stay.

    The first of two cookies with one name counts: browsers put the one with the longer path first.
    """
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        if equals and name.strip():
            cookies.setdefault(name.strip(), value.strip())
    return cookies


def _part(part: bytes, content_type: str) -> Iterator[tuple[str, Any]]:
    head, blank, content = _head_and_content(part)
    headers = {
        name.strip().lower(): value.strip()
        for line in head.decode("utf-8", "replace").splitlines()
        for name, _, value in [line.partition(":")]
    }
    fields = {
        match[1].lower(): match[2] if match[2] is not None else match[3]
        for match in _PARAMETER.finditer(headers.get("content-disposition", ""))
    }
    if not blank or "name" not in fields:
        return
    name = _unescaped(fields["name"])
    kind = headers.get("content-type", "").lower()
    if "filename" in fields and not (fields["filename"] == "blob" and "json" in kind):
        yield name, {"filename": _unescaped(fields["filename"]), "size": len(content)}
    else:
        yield name, next(_texts_of(content, kind if "charset" in kind else content_type))


def _head_and_content(part: bytes) -> tuple[bytes, bool, bytes]:
    found = re.search(rb"\r?\n\r?\n", part)
    return (part[: found.start()], True, part[found.end() :]) if found else (part, False, b"")


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)


def _gathered(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    lists: dict[str, list[Any]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in lists.items()}


def _first_json(texts: Iterable[str]) -> Any:
    for text in texts:
        try:
            return loads(text)
        except ValueError:
            continue
    return None


def _json_lines(text: str) -> list[Any] | None:
    """All values or none: a list that lacks a torn line would pass for the whole."""
    try:
        return [loads(line) for line in text.split("\n") if line.strip()] or None
    except ValueError:
        return None


def _texts_of(body: bytes | str, content_type: str) -> Iterator[str]:
    """``body`` as text: at least once, then as other readings. UTF-8 first: a wrong charset in the header is common."""
    if isinstance(body, str):
        yield body
        return
    charset = charset_of(content_type)
    for name in ("utf-8-sig", charset):
        try:
            if name:
                yield body.decode(name)
        except (ValueError, LookupError):
            continue
    yield body.decode("utf-8-sig", "replace")


def charset_of(content_type: str) -> str | None:
    """Python's name of the charset in the header; None when there is none or Python cannot read it."""
    named = _CHARSET.search(content_type)
    try:
        name = codecs.lookup(named[1]).name if named else None
    except (ValueError, LookupError):
        return None
    return None if name in _NO_CHARSET else name
