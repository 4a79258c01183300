"""Writes what a recording shows as evidence of a run, so that the checks and the report work on it."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any, Literal

from e2e.analysis.checks.registry import CHECKS
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.har.archive import Archive
from e2e.capture.session_ids.features import features
from e2e.capture.session_ids.redaction import Redactor
from e2e.capture.target.policy import policy_of
from e2e.explore.har.chats import RecordedChat, Split
from e2e.explore.har.messages import Recorded
from e2e.profile.profile import Profile
from e2e.records.evidence import EvidenceWriter
from e2e.records.journal import Journal
from e2e.records.records import Chat, EventKind, Message, RunMeta

_LANE = 0
_NO_STORE = "a HAR does not record the page's stores"
_NO_SCREEN = "a HAR does not record what the page shows"
_NO_CLICKS = "a HAR does not record clicks"
_OF_STORES = ("smoke", "rotation.stored_id_is_fresh", "rotation.sent_equals_stored")
_OF_CHATS = ("provider.persists", "provider.varies", "provider.balanced", "provider.independent")
_OF_CLICKS = ("rotation.sent_id_is_fresh", "rotation.one_id_per_chat")


def unjudged(profile: Profile, split: Split) -> dict[str, str]:
    """Check -> why this recording cannot make it pass."""
    found: dict[str, str] = {}
    if profile.id_store.store != "none":
        found |= dict.fromkeys(_OF_STORES, _NO_STORE)
    if not split.sees_new_chats:
        why = f"{_NO_CLICKS}: its chats are separated by their session IDs (steps.new_chat_request or wire.history shows New Chats)"
        found |= dict.fromkeys(_OF_CLICKS, why)
        if not profile.sends_id:
            found |= dict.fromkeys(_OF_CHATS, f"{_NO_CLICKS}, and no session ID tells its chats apart")
    for check in CHECKS:
        if check.scenario != "plain":
            found[check.name] = f"{_NO_CLICKS}: whether the user did this is not known"
        elif check.name.startswith("backend."):
            found[check.name] = "a HAR does not have the backend's own API"
    found["chat.starts_empty"] = _NO_SCREEN
    found["provider.label_is_true"] = _NO_SCREEN
    found["reply.is_live"] = "a HAR does not tell whether a service worker replied"
    return found


class EvidenceOfRecording:
    """One recording as the evidence of one run."""

    def __init__(self, archive: Archive, profile: Profile, found: Recorded, split: Split, redactor: Redactor) -> None:  # fmt: skip
        self._archive = archive
        self._profile = profile
        self._found = found
        self._split = split
        self._redactor = redactor
        self._number = {id(m): n for n, chat in enumerate(split.chats) for m in chat.messages}
        self._place = {id(m): n for chat in split.chats for n, m in enumerate(chat.messages)}

    def write(self, out: Path, alarms_per_year: float) -> Path:
        """Write run.json, events.jsonl and chats.jsonl below ``out``/evidence. Returns the run's folder."""
        began = self._archive.entries[0].t
        run_id = time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime(began)) + "-" + secrets.token_hex(4)
        for message in (*self._found.messages, *self._found.others):
            self._ref(message.session)  # known as an ID before any address or error is written
        folder = out / "evidence" / run_id
        writer = EvidenceWriter(folder, self._meta(run_id, alarms_per_year))
        journal = Journal(run_id, writer)
        try:
            for t, chat, kind, data in sorted(self._events(), key=lambda e: e[0]):
                journal.event(t, _LANE, chat, kind, data)
            for number, recorded in enumerate(self._split.chats):
                journal.chat(self._chat(run_id, number, recorded))
        finally:
            writer.close()
        return folder

    def _meta(self, run_id: str, alarms_per_year: float) -> RunMeta:
        archive = self._archive
        return RunMeta(
            run_id=run_id,
            target=self._profile.name,
            title=self._profile.title,
            url=self._redactor.url(self._profile.where.url),
            started=archive.entries[0].t,
            finished=max(e.ended_at for e in archive.entries),
            planned_chats=len(self._split.chats),
            lanes=1,
            masked=not self._redactor.show,
            mask_key=self._redactor.fingerprint,
            policy=policy_of(self._profile),
            alarms_per_year=alarms_per_year,
            environment={
                "browser": archive.browser or "unknown",
                "source": f"a recording ({Path(archive.file).name}, {archive.creator or 'unknown creator'})",
                **({"recording lacks": "; ".join(self._found.notes)} if self._found.notes else {}),
            },
            unjudged=unjudged(self._profile, self._split),
        )

    # -- events -------------------------------------------------------------------------------------------------------

    def _events(self) -> list[tuple[float, int | None, EventKind, dict[str, Any]]]:
        events: list[tuple[float, int | None, EventKind, dict[str, Any]]] = []
        events += [(t, None, "open", {"url": ""}) for t in self._found.loads]
        for number, chat in enumerate(self._split.chats):
            if chat.new_chat:
                events.append((chat.began, number, "new_chat", self._tab(chat.tab)))
            for message in chat.messages:
                place = {"message": self._place[id(message)], **self._tab(chat.tab)}
                events.append((message.sent_at, number, "send", place))
                if message.ended_at is not None:
                    events.append((message.ended_at, number, "reply_end", {**place, "how": "the recording"}))
        for exchange in (*self._found.messages, *self._found.others):
            events += self._exchange(exchange)
        for t, exchange, provider in self._found.chunks:
            index = exchange.extras["chunk"] = exchange.extras.get("chunk", -1) + 1
            part = {"rule": exchange.rule.name, "request": exchange.request, "index": index, "event": ""}
            named = {**part, "provider": self._name(provider)}
            events.append((t, self._chat_of(exchange), "chunk", named))
        for t, session, exchange in self._found.issued:
            issued = {"session": self._ref(session), "request": exchange.request, "rule": exchange.rule.name}
            events.append((t, self._chat_of(exchange), "issued", {**issued, "message": self._place.get(id(exchange))}))  # fmt: skip
        return events + self._minted()

    def _exchange(self, e: Exchange) -> list[tuple[float, int | None, EventKind, dict[str, Any]]]:
        chat = self._chat_of(e)
        common: dict[str, Any] = {"rule": e.rule.name, "request": e.request}
        payload = {
            **common, "transport": e.transport, "method": e.method, "url": self._redactor.url(e.url), "session": self._ref(e.session),
            "message": self._place.get(id(e)), "bleeds_from": None, "history": e.history, "stack": [], "origin": e.origin,
            "judged": e.rule.judged, "retry": bool(e.extras.get("retry")), "by_text": None, "form": e.form,
            "unreadable": e.unreadable, "address": None,
        }  # fmt: skip
        found: list[tuple[float, int | None, EventKind, dict[str, Any]]] = [
            (e.sent_at, chat, "payload", payload)
        ]
        if e.status is not None:
            t = e.first_chunk_at or e.ended_at or e.sent_at
            found.append((t, chat, "response", {**common, "status": e.status, "cached": e.cached}))
        if e.ended:
            error = self._redactor.text(e.error, limit=300)
            found.append(
                (e.ended_at or e.sent_at, chat, "finished",
                 {**common, "outcome": e.outcome, "error": error, "chunks": e.chunks, "bytes": e.bytes})
            )  # fmt: skip
        return found

    def _minted(self) -> list[tuple[float, int | None, EventKind, dict[str, Any]]]:
        found: list[tuple[float, int | None, EventKind, dict[str, Any]]] = []
        previous: str | None = None
        seen: set[str] = set()
        for message in self._found.messages:
            raw = message.session
            if raw is None or raw in seen:
                continue
            seen.add(raw)
            made = features(raw, message.sent_at, previous, self._redactor.digest, {})
            found.append((message.sent_at, self._chat_of(message), "minted", {"session": self._ref(raw), "features": made}))  # fmt: skip
            previous = raw
        return found

    # -- chats --------------------------------------------------------------------------------------------------------

    def _chat(self, run_id: str, number: int, chat: RecordedChat) -> Chat:
        messages = tuple(self._message(n, m) for n, m in enumerate(chat.messages))
        replied = any(m.outcome in ("ok", "http_error", "refused") for m in messages)
        return Chat(
            run_id=run_id,
            lane=_LANE,
            chat=number,
            scenario="plain",
            via="new_chat" if chat.new_chat else "load",
            context=0,
            status="observed" if replied else "lost",
            reason="" if replied else "the recording has no reply to any of its messages",
            began=chat.began,
            ended=max((m.ended_at or m.sent_at or chat.began for m in messages), default=chat.began),
            stored_before=None,
            stored_seen=False,
            stored=None,
            screen_messages=None,
            messages=messages,
            tab=chat.tab,
            reply_followed=False,
        )

    def _message(self, number: int, e: Exchange) -> Message:
        loaded = bool(e.extras.get("after_load")) and number > 0
        seen = not e.unreadable and not e.overtaken
        return Message(
            number=number, after_reload=loaded, after="reload" if loaded else "", sent_at=e.sent_at, ended_at=e.ended_at,
            first_chunk_at=e.first_chunk_at, stored_seen=False, stored=None, sent_seen=seen,
            sent=self._ref(e.session) if seen else None, reply_provider=self._name(e.provider), backend_provider=None,
            label_provider=None, status=e.status, outcome=_outcome(e), chunks=e.chunks, bleeds_from=None, seen_on_screen=False,
            request=e.request, served_by=e.cached, unreadable=e.unreadable, issued=self._ref(e.extras.get("issued")),
        )  # fmt: skip

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _chat_of(self, exchange: Exchange) -> int | None:
        """The chat of a message; of any other payload the last chat that had its ID, else the one under way then."""
        if id(exchange) in self._number:
            return self._number[id(exchange)]
        same = [
            n
            for n, chat in enumerate(self._split.chats)
            if exchange.session is not None and any(m.session == exchange.session for m in chat.messages)
        ]
        before = [n for n, chat in enumerate(self._split.chats) if chat.began <= exchange.sent_at]
        return (same or before or [None])[-1]  # type: ignore[list-item]

    def _tab(self, tab: int) -> dict[str, Any]:
        return {"tab": tab} if tab else {}

    def _ref(self, raw: str | None) -> str | None:
        return None if raw is None else self._redactor.reference(raw)

    def _name(self, provider: str | None) -> str | None:
        return None if provider is None else self._profile.providers.map.get(provider, provider)


def _outcome(e: Exchange) -> Literal["ok", "http_error", "refused", "failed", "cut"]:
    if e.refused:
        return "refused"
    if (e.status or 0) >= 400:
        return "http_error"
    if e.reports_failure or e.outcome == "failed":
        return "failed"
    if e.outcome == "ok":
        return "ok"
    # An answer on a channel that the recording lacks: that the backend took the message is all that is known.
    return "ok" if e.outcome == "" and e.transport == "http" and e.status is not None else "cut"
