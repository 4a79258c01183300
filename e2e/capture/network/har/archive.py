"""Reads a HAR file, a zip with a HAR in it, or a Playwright trace: the requests in order, and what else a trace has."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from e2e.capture.network.har.entries import Entry, InvalidEntry, read_entry
from e2e.errors import HarnessError
from e2e.profile.profile import toml_value

LIMIT = 512 << 20
"""Bytes of a file, unpacked: parsing takes about five times as much memory."""
_EXPORT = (
    'Chrome: network tab, "Export HAR (with sensitive data)"; Firefox: "Save all as HAR";'
    ' Playwright: record_har_path with record_har_content="embed"'
)


class InvalidRecording(HarnessError):
    """A HAR file or a trace cannot be read; the message has file, key, value, rule and hint."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What a recording holds."""

    file: str
    """As it was named, for messages."""
    kind: Literal["har", "trace"]
    creator: str
    """``Playwright 1.65.1``, ``WebInspector 537.36``."""
    browser: str
    entries: tuple[Entry, ...]
    events: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """Lines of a trace: actions, logs, snapshots."""
    has_cookies: bool = True
    """False: no request has a cookie. Exports without sensitive data leave them out."""


def read_archive(path: Path) -> Archive:
    """Read a ``.har``, a ``.zip`` with a HAR in it, or a Playwright trace. Raises `InvalidRecording`."""
    file = str(path)
    try:
        if path.is_dir():
            raise invalid(file, "", "", "is a folder", "the path of a .har file or of a trace.zip")
        size = path.stat().st_size
        if size > LIMIT:
            raise _too_large(file, size)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                return _of_zip(file, packed)
        raw = path.read_bytes()
    except FileNotFoundError:
        raise invalid(file, "", "", "no such file", "the path of a .har file or of a trace.zip") from None
    except zipfile.BadZipFile as error:
        raise invalid(file, "", str(error), "a damaged zip file", "copy or record it again") from None
    except OSError as error:
        raise invalid(file, "", error.strerror or "", "cannot be read", "correct its access rights") from None
    if raw[:4] == b"PK\x03\x04":
        raise invalid(file, "", "", "the zip file ends in the middle", "copy or record it again")
    return _of_har(file, raw, lambda name: _beside(path.parent, name))


def invalid(file: str, key: str, value: Any, rule: str, hint: str) -> InvalidRecording:
    """The error of a recording, as an error of a profile reads."""
    shown = value if isinstance(value, str) else json.dumps(value)
    place = f"{file}: {key}" if key else file
    got = f"got {shown[:80]!r}: " if shown and key else f"{shown[:120]}: " if shown else ""
    return InvalidRecording(f"{place}\n  {got}{rule}", hint=hint)


def _too_large(file: str, size: int) -> InvalidRecording:
    return invalid(
        file, "size", f"{size >> 20} MB", f"must be at most {LIMIT >> 20} MB",
        "filter the network tab by the chat's address before the export, or record a shorter time",
    )  # fmt: skip


# -- zip files ----------------------------------------------------------------------------------------------------------


def _of_zip(file: str, packed: zipfile.ZipFile) -> Archive:
    total = sum(one.file_size for one in packed.infolist())
    if total > LIMIT:
        raise _too_large(file, total)
    names = packed.namelist()

    def load(name: str) -> bytes | None:
        found = next((n for n in (name, f"resources/{name}") if n in names), None)
        return packed.read(found) if found is not None else None

    traces = [n for n in names if n.endswith(".trace")]
    hars = [n for n in names if n.lower().endswith(".har")]
    if traces:
        return _of_trace(file, names, traces, packed, load)
    if not hars:
        raise invalid(
            file, "", ", ".join(names[:5]), "the zip has neither a .har file nor a Playwright trace",
            f"{_EXPORT}; or context.tracing.stop(path=\"trace.zip\")",
        )  # fmt: skip
    return _of_har(f"{file}/{hars[0]}", packed.read(hars[0]), load)


def _beside(folder: Path, name: str) -> bytes | None:
    """A body that Playwright wrote to a file of its own, beside a HAR that is not packed."""
    path = folder / name
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
        return path.read_bytes() if inside and path.is_file() else None
    except (OSError, ValueError):  # no name of a file: too long, or with a NUL in it
        return None


# -- HAR ----------------------------------------------------------------------------------------------------------------


def _of_har(file: str, raw: bytes, load: Callable[[str], bytes | None]) -> Archive:
    log = _log(file, raw)
    entries = log.get("entries")
    if not isinstance(entries, list):
        raise invalid(file, "log.entries", entries, "expected a list of requests", _EXPORT)
    if not entries:
        raise invalid(
            file, "log.entries", entries, "has no request",
            "open the network tab before the chat, then use the chat, then export",
        )  # fmt: skip
    creator, browser = _name_of(log.get("creator")), _name_of(log.get("browser"))
    return _archive(file, "har", creator, browser, entries, load)


def _archive(
    file: str,
    kind: Literal["har", "trace"],
    creator: str,
    browser: str,
    raw: list[Any],
    load: Callable[[str], bytes | None],
    events: tuple[Mapping[str, Any], ...] = (),
) -> Archive:
    try:
        read = [read_entry(n, one, load) for n, one in enumerate(raw)]
    except InvalidEntry as error:
        raise invalid(file, error.key, error.value, error.rule, error.hint) from None
    read.sort(key=lambda e: (e.t, e.number))
    cookies = any(e.cookies or "set-cookie" in e.response_headers for e in read)
    return Archive(file, kind, creator, browser, tuple(read), events, cookies)


def _log(file: str, raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        raise invalid(file, "", "", "the file is empty", _EXPORT)
    try:
        found = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        shown = repr(error.object[error.start : error.start + 4])
        raise invalid(file, f"byte {error.start + 1}", shown, "not UTF-8 text", _EXPORT) from None
    except RecursionError:
        raise invalid(file, "", "", "its JSON is nested too deep", _EXPORT) from None
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip()) - 1 or "Unterminated string" in error.msg
        begins = error.doc.lstrip()[:1] == "{"
        line = error.doc.splitlines()[error.lineno - 1].strip() if error.doc.splitlines() else ""
        rule = "the file ends in the middle: it is truncated" if cut and begins else f"not JSON ({error.msg})"
        hint = "copy or export the HAR again" if cut and begins else _EXPORT
        raise invalid(file, f"line {error.lineno}, column {error.colno}", _shown(line), rule, hint) from None
    except ValueError as error:  # a number of more than 4,300 digits
        raise invalid(file, "", "", f"its JSON cannot be read ({error})", _EXPORT) from None
    log = found.get("log") if isinstance(found, dict) else None
    if not isinstance(log, dict):
        keys = ", ".join(map(str, found))[:60] if isinstance(found, dict) else type(found).__name__
        raise invalid(file, "log", keys, "not a HAR: it has no object log", _EXPORT)
    return log


def _shown(line: str) -> str:
    """A line for a message, without what may be a secret: only its first characters, and no long value."""
    return re.sub(r'"[^"]{24,}"?', '"…"', line[:60])


def _name_of(tool: Any) -> str:
    return (
        " ".join(str(tool[k]) for k in ("name", "version") if tool.get(k)) if isinstance(tool, dict) else ""
    )


# -- traces -------------------------------------------------------------------------------------------------------------


def _of_trace(
    file: str,
    names: list[str],
    traces: list[str],
    packed: zipfile.ZipFile,
    load: Callable[[str], bytes | None],
) -> Archive:
    events = [e for name in traces for e in _lines(file, name, packed)]
    options = next((e for e in events if e.get("type") == "context-options"), None)
    if options is None:
        raise invalid(
            file, traces[0], "", "not a Playwright trace: it has no line context-options",
            'context.tracing.stop(path="trace.zip")',
        )  # fmt: skip
    networks = [n for n in names if n.endswith(".network")]
    raw = [
        e["snapshot"]
        for name in networks
        for e in _lines(file, name, packed)
        if e.get("type") == "resource-snapshot"
    ]
    if not raw:
        raise invalid(
            file, "trace.network", toml_value(networks), "the trace has no request",
            "context.tracing.start(snapshots=True)",
        )  # fmt: skip
    creator = f"Playwright {options.get('playwrightVersion', '')}".strip()
    return _archive(file, "trace", creator, str(options.get("browserName") or ""), raw, load, tuple(events))


def _lines(file: str, name: str, packed: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    lines = packed.read(name).decode("utf-8", "replace").rstrip("\n").split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            if number == len(lines):
                return  # the recording was cut in its last line
            raise invalid(
                file, f"{name}, line {number}", _shown(line), "not JSON", "record the trace again"
            ) from None
        if isinstance(found, dict):
            yield found
