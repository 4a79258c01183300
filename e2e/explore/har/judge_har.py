"""Judges a recording by a profile: `python -m e2e import har FILE --target PROFILE`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from e2e.capture.network.har.archive import Archive, read_archive
from e2e.capture.session_ids.redaction import Redactor
from e2e.errors import HarnessError
from e2e.explore.discover.values import id_likeness
from e2e.explore.har.chats import Split, split
from e2e.explore.har.evidence import EvidenceOfRecording
from e2e.explore.har.messages import Recorded, messages_in
from e2e.profile.profile import Profile, load
from e2e.profile.values.bounded import Pattern

_SEEN_BY = {
    "request": "New Chats are seen by steps.new_chat_request of the profile.",
    "history": "New Chats are seen by wire.history: the list of earlier messages begins anew.",
    "gap": "New Chats are taken from --gap: every pause of that length.",
    "session": "New Chats are not seen: the messages of one session ID are shown as one chat.",
}


@dataclass(frozen=True, slots=True)
class Options:
    """Options of ``python -m e2e import har``."""

    file: Path
    target: str
    out: Path
    gap: float | None = None
    """Minutes without a message after which the user knows that a new chat was started."""
    show_ids: bool = False
    alarms_per_year: float = 0.02


def import_har(options: Options, console: Console) -> Path:
    """Read the recording, write it as evidence, print its chats. Returns the run's folder. Raises `HarnessError`."""
    profile = load(options.target)
    archive = read_archive(options.file)
    found = messages_in(archive, profile)
    if not found.messages:
        raise _nothing(archive, profile, options.target)
    chats = split(
        found,
        gap=None if options.gap is None else options.gap * 60,
        returns=bool(profile.steps.return_to_chat),
    )
    redactor = Redactor(show=options.show_ids)
    folder = EvidenceOfRecording(archive, profile, found, chats, redactor).write(
        options.out, options.alarms_per_year
    )
    _print_chats(console, archive, profile, found, chats, redactor)
    return folder


def _print_chats(
    console: Console, archive: Archive, profile: Profile, found: Recorded, chats: Split, redactor: Redactor
) -> None:
    console.print(
        f"{archive.file}: {len(archive.entries)} requests, {len(found.messages)} messages of the chat in"
        f" {len(chats.chats)} chats ({archive.creator or 'unknown creator'})",
        markup=False,
    )
    console.print(_SEEN_BY[chats.by], markup=False)
    table = Table(title="Chats", title_justify="left")
    for column in ("chat", "began (UTC)", "messages", "session ID", "also in chats", "provider"):
        table.add_column(column, overflow="fold")
    names = profile.providers.map
    ids = [list(dict.fromkeys(m.session for m in chat.messages if m.session)) for chat in chats.chats]
    for number, chat in enumerate(chats.chats):
        shared = [str(n) for n, other in enumerate(ids) if n != number and set(other) & set(ids[number])]
        providers = dict.fromkeys(names.get(m.provider, m.provider) for m in chat.messages if m.provider)
        unread = next((m.unreadable for m in chat.messages if m.unreadable), "")
        table.add_row(
            str(number),
            _clock(chat.began),
            str(len(chat.messages)),
            escape(", then ".join(map(redactor.reference, ids[number])) or (f"not read: {unread}" if unread else "none")),
            ", ".join(shared),
            escape(", then ".join(providers) or "not named"),
        )  # fmt: skip
        if chat.unclear:
            found.notes.append(f"chat {number}: {chat.unclear}; it is not judged as a new chat")
    console.print(table)
    for note in found.notes:
        console.print(f"[yellow]note:[/] {escape(note)}")


def _clock(t: float) -> str:
    import datetime as dt

    return dt.datetime.fromtimestamp(t, dt.UTC).strftime("%H:%M:%S")


def _nothing(archive: Archive, profile: Profile, target: str) -> HarnessError:
    """No message was found: the error names the rules, and the requests that look most like a chat's."""
    rules = "; ".join(
        f"wire[{n}] {r.verb or 'any method'} {r.url}" + (f" when {r.when}" if r.when else "")
        for n, r in enumerate(profile.wire)
        if r.direction == "sent"
    )
    seen = Counter(
        f"{'SOCKET' if e.kind == 'WebSocket' else e.method} {_plain(e.url)}"
        for e in archive.entries
        if e.kind == "WebSocket" or (e.method != "GET" and e.kind in ("Fetch", "XHR"))
    )
    named = [
        e
        for e in archive.entries
        if any(
            Pattern(r.url, f"wire {r.name!r}: url").search(e.url) and r.verb in (None, e.method, "GET")
            for r in profile.wire
        )
    ]
    if named and all(e.body_missing or (e.kind == "WebSocket" and not e.frames) for e in named):
        lacks = "frames" if any(e.kind == "WebSocket" for e in named) else "request bodies"
        return HarnessError(
            f"{archive.file}: log.entries[{named[0].number}]\n  the requests of the chat have no {lacks} in this recording",
            where=f"{_plain(named[0].url)}",
            hint='export it with bodies: Chrome "Export HAR (with sensitive data)", Firefox "Save all as HAR",'
            ' Playwright record_har_content="embed"',
        )
    common = ", ".join(f"{what} ({n})" for what, n in seen.most_common(5)) or "no POST and no WebSocket"
    return HarnessError(
        f"{archive.file}: no request in it matches a wire rule of {target} ({rules})",
        where=f"the recording has {common}",
        hint="is it a recording of this chat, and was a message sent in it? Else correct wire.url, method or when",
    )


def _plain(url: str) -> str:
    """An address without query, and without what looks like an ID in its path."""
    parts = urlsplit(url)
    path = "/".join("…" if id_likeness(p) > 0.55 else p for p in parts.path.split("/"))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"
