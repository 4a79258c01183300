"""Records as text with gaps, which each copy fills with its own IDs, times, requests and providers."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.records.records import Chat, Event, RunRecords
from e2e.selftest.tools.scale.draws import Draws

_SESSIONS = ("session", "previous", "stored", "stored_before", "stored_end", "sent", "issued")
_TIMES = ("began", "ended", "sent_at", "ended_at", "first_chunk_at", "written")
_CHATS = ("bleeds_from", "screen_from", "shows_from", "word_of", "names")
"""Fields that hold the number of a chat of the lane."""
_PROVIDERS = ("provider", "reply_provider", "backend_provider", "label_provider")
_OF_RECORD = ("run_id", "lane", "chat", "context", "events")
"""Fields of a chat's line that are written anew."""
_GAP = re.compile(r'"\x02(\d+)\x02"|\x02(\d+)\x02')


@dataclass(frozen=True, slots=True)
class Copy:
    """What is special to one copy."""

    number: int
    shift: float
    """Seconds."""
    lanes: int
    """What is added to a lane's number."""
    chats: Sequence[int]
    """By recorded lane: what is added to a chat's number."""
    contexts: Sequence[int]
    names: Mapping[str, str]
    """Recorded ID or hash -> this copy's."""
    providers: Mapping[str, Mapping[str, str]]
    """Recorded session -> recorded provider -> this copy's."""


Gap = Callable[[Copy, int], str]


@dataclass(frozen=True, slots=True)
class Template:
    """A JSON text in parts, with a gap behind each part but the last."""

    parts: tuple[str, ...]
    gaps: tuple[Gap, ...]

    def text(self, copy: Copy, lane: int) -> str:
        """The text for a copy; ``lane`` is the recorded one."""
        found = [self.parts[0]]
        for gap, part in zip(self.gaps, self.parts[1:], strict=True):
            found += (gap(copy, lane), part)
        return "".join(found)


class Templates:
    """Makes the templates of one run."""

    def __init__(self, records: RunRecords, draws: Draws | None) -> None:
        self._draws = draws
        self._ids = sorted(_all_ids(records), key=len, reverse=True)
        self._in_text = re.compile("|".join(map(re.escape, self._ids))) if self._ids else None
        self._refs = _changing_refs(records)
        self._gaps: list[Gap] = []

    def names(self, number: int) -> dict[str, str]:
        """The IDs and hashes of a copy."""
        return {name: _renamed(name, number) for name in (*self._ids, *self._refs)}

    def of_event(self, event: Event) -> Template:
        """The event's data."""
        self._gaps = []
        session = self._draws.session_of(event) if self._draws else None
        return self._cut(self._marked(event.data, event.lane, session))

    def of_chat(self, chat: Chat) -> Template:
        """The line without its place."""
        self._gaps = []
        raw = {name: value for name, value in chat.to_json().items() if name not in _OF_RECORD}
        messages = [self._message(chat, one) for one in raw.pop("messages")]
        return self._cut({**self._marked(raw, chat.lane, None), "messages": messages})

    def _message(self, chat: Chat, raw: dict[str, Any]) -> dict[str, Any]:
        session = label = None
        if self._draws is not None:
            session = self._draws.session_of_message(chat, raw["number"])
            label = self._draws.session_of_label(chat.lane, chat.chat, raw["number"])
        of_label = self._marked({"label_provider": raw["label_provider"]}, chat.lane, label)
        found: dict[str, Any] = self._marked({**raw, "label_provider": None}, chat.lane, session)
        return {**found, **of_label}

    def _marked(self, value: Any, lane: int, session: str | None, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self._marked(one, lane, session, key) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._marked(one, lane, session, name) for one in value]
        gap = self._gap_of(name, value, lane, session)
        if gap is None:
            return self._with_ids(value) if isinstance(value, str) else value
        return self._mark(gap)

    def _mark(self, gap: Gap) -> str:
        self._gaps.append(gap)
        return f"\x02{len(self._gaps) - 1}\x02"

    def _with_ids(self, text: str) -> Any:
        """An address or a reason may hold an ID; the marks inside a text lose no quotes."""
        if self._in_text is None or not self._in_text.search(text):
            return text
        return self._in_text.sub(lambda m: "\x03" + self._mark(_bare_name(m[0])) + "\x03", text)

    def _gap_of(self, name: str, value: Any, lane: int, session: str | None) -> Gap | None:
        if value is None or isinstance(value, bool):
            return None
        if isinstance(value, str):
            if value in self._refs or (name in _SESSIONS and value in self._ids):
                return _name(value)
            if name == "request":
                return lambda copy, _: json.dumps(f"{value}/{copy.number}")
            if name in _PROVIDERS and self._draws is not None:
                return _provider(session, value)
            return None
        if name in _TIMES:
            return lambda copy, _: repr(round(value + copy.shift, 6))
        if name in _CHATS:
            return lambda copy, lane: str(value + copy.chats[lane])
        return (lambda copy, _: str(value + copy.lanes)) if name == "names_lane" else None

    def _cut(self, marked: Any) -> Template:
        text = json.dumps(marked, ensure_ascii=False, separators=(",", ":"))
        text = text.replace("\\u0002", "\x02").replace("\\u0003", "\x03")
        parts, gaps, at = [], [], 0
        for found in _GAP.finditer(text):
            inside = text[found.start() - 1 : found.start()] == "\x03"
            number = int(found[1] or found[2])
            parts.append(text[at : found.start()].replace("\x03", ""))
            gaps.append(self._gaps[number])
            at = found.end()
            assert not inside or found[2]
        parts.append(text[at:].replace("\x03", ""))
        return Template(tuple(parts), tuple(gaps))


def _name(recorded: str) -> Gap:
    return lambda copy, _: json.dumps(copy.names[recorded], ensure_ascii=False)


def _bare_name(recorded: str) -> Gap:
    return lambda copy, _: json.dumps(copy.names[recorded], ensure_ascii=False)[1:-1]


def _provider(session: str | None, recorded: str) -> Gap:
    return lambda copy, _: json.dumps(
        copy.providers.get(session or "", {}).get(recorded, recorded), ensure_ascii=False
    )


def _all_ids(records: RunRecords) -> set[str]:
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            found.update(value[name] for name in _SESSIONS if isinstance(value.get(name), str))
            for one in value.values():
                look(one)
        elif isinstance(value, (list, tuple)):
            for one in value:
                look(one)

    for event in records.events:
        look(event.data)
    for chat in records.chats:
        look(chat.to_json())
    return found - {""}


def _changing_refs(records: RunRecords) -> frozenset[str]:
    """The hashes of IDs and of their parts; without those of a part that all IDs have."""
    counts: Counter[str] = Counter()
    minted = 0
    for event in records.events:
        features = event.data.get("features") if event.kind == "minted" else None
        if features:
            minted += 1
            counts.update(set(_refs(features)))
    addresses = {e.data["address"] for e in records.events if e.kind == "payload" and e.data.get("address")}
    changing = {ref for ref, n in counts.items() if n < minted or minted == 1}
    return frozenset(changing | (addresses if len(addresses) > 1 else set()))


def _refs(features: Mapping[str, Any]) -> Iterator[str]:
    if "ref" in features:
        yield str(features["ref"])
    for piece in features.get("pieces", {}).values():
        if "ref" in piece:
            yield str(piece["ref"])


def _renamed(name: str, copy: int) -> str:
    """Another text of the same form: what follows the ellipsis of a masked ID, else each letter and digit."""
    masked = "…" in name
    head, tail = name.rsplit("…", 1) if masked else ("", name)
    hashed = hashlib.blake2b(f"{copy} {name}".encode(), digest_size=64).hexdigest()
    of_hex = all(c in "0123456789abcdef-_" for c in tail)
    new = "".join(_like(c, hashed[i % len(hashed)], of_hex) for i, c in enumerate(tail))
    return f"{head}…{new}" if masked else new


def _like(old: str, digit: str, of_hex: bool) -> str:
    if not old.isalnum():
        return old
    if of_hex:
        return digit
    number = int(digit, 16)
    if old.isdigit():
        return str(number % 10)
    return chr(ord("A" if old.isupper() else "a") + number)
