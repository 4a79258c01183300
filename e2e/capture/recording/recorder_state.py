"""What one lane's recorder knows: the chat that is under way, the store, and how an event is written."""

from __future__ import annotations

from typing import Any

from e2e.capture.network.exchange import Exchange
from e2e.capture.recording.drafts import ChatDraft, MessageDraft
from e2e.capture.recording.lane_chats import LaneChats
from e2e.capture.recording.unread import Unread
from e2e.capture.session_ids.redaction import Redactor
from e2e.capture.storage.store_log import StoreLog
from e2e.profile.profile import Profile
from e2e.records.journal import Journal
from e2e.records.printable import as_name
from e2e.records.records import Chat, EventKind, Message, Scenario

SAME_SEND_S = 0.25
"""Seconds between the page's own call and the protocol's event of the same request, at most."""


class RecorderState:
    """Shared by the wire side and the page side of a lane's recorder. Raw IDs stay in memory; written are references."""

    def __init__(
        self,
        lane: int,
        profile: Profile,
        journal: Journal,
        redactor: Redactor,
        *,
        chats: LaneChats | None = None,
    ) -> None:
        """``chats`` are those of the lane's other tab: they are numbered, and their texts known, over all tabs."""
        self.lane = lane
        self.context = 0
        self._profile = profile
        self._journal = journal
        self._redactor = redactor
        self.store = StoreLog(profile.id_store, redactor, self._event, self._appeared)
        self._names = profile.providers.map
        self._carriers = tuple(r.name for r in profile.wire if r.direction == "sent" and r.judged)
        """The rules that may carry messages, in the profile's order."""
        self.chat: ChatDraft | None = None
        self.scenario: Scenario = "plain"
        """Of the chats that begin from now on."""
        self.chats = chats or LaneChats()
        self.clicks = 0
        """Trusted New Chat clicks that arrived in the page."""
        self.misses = 0
        """Trusted clicks that hit nothing that was marked."""
        self.loads = 0
        self._sends: list[dict[str, Any]] = []
        self.last_signal = 0.0
        self.finished_exchanges = 0
        self._expects_chat = False
        self._last_text = ""
        self.tab = 0
        self.experiment = ""
        """Name of the experiment that the chats from now on belong to."""
        self.restores = 0
        """Times that the page came out of the back/forward cache."""
        self._began: list[tuple[float, int]] = []
        """When each chat began, and its number."""
        self._held: Chat | None = None
        """The line of a chat that was left while its reply streamed."""
        self._first_sent: list[tuple[float, str]] = []
        """Time and raw ID of each first sending, where no store can be watched."""
        self.unread = Unread()
        """Payloads of this lane that could not be read."""
        self.sent_messages = 0
        """Messages that the user has sent, in all contexts."""

    # -- helpers ------------------------------------------------------------------------------------------------------

    @property
    def last_message(self) -> MessageDraft | None:
        """The message that was sent last in the chat that is under way."""
        return self.chat.messages[-1] if self.chat is not None and self.chat.messages else None

    def _message(self, draft: MessageDraft) -> Message:
        exchange = draft.exchange
        seen, stored = self._stored_at(exchange)
        return Message(
            number=draft.number,
            after_reload=draft.after == "reload",
            after=draft.after,
            sent_at=exchange.sent_at if exchange else None,
            ended_at=draft.ended_at,
            first_chunk_at=exchange.first_chunk_at if exchange else None,
            stored_seen=seen,
            stored=self._ref(stored),
            sent_seen=exchange is not None and not exchange.unreadable and not exchange.overtaken,
            sent=self._ref(exchange.session) if exchange and not exchange.overtaken else None,
            unreadable=exchange.unreadable if exchange else "",
            reply_provider=self._name(exchange.provider) if exchange else None,
            backend_provider=draft.backend_provider,
            label_provider=draft.label_provider,
            status=exchange.status if exchange else None,
            outcome=draft.outcome,
            chunks=exchange.chunks if exchange else 0,
            bleeds_from=exchange.extras.get("bleeds_from") if exchange else None,
            seen_on_screen=draft.label_looked_for,
            request=exchange.request if exchange else None,
            accepted=draft.accepted,
            served_by=exchange.cached if exchange and not exchange.relayed else "",
            issued=self._ref(exchange.extras.get("issued")) if exchange else None,
            ended_elsewhere=draft.ended_elsewhere,
        )

    def _stored_at(self, exchange: Exchange | None) -> tuple[bool, str | None]:
        """Whether it is known what the store held when this payload left, and what that was (raw)."""
        if exchange is None or self._profile.id_store.store == "none":
            return False, None
        send = self._send_of(exchange)
        if send is not None and (send["stored"] or not self.store.set_by_server):
            values = send["stored"]
            return values is not None, self.store.read(values)
        # A worker's payload, or a cookie that the page cannot see: what was known of the store then.
        known = self.store.readable and (exchange.origin != "page" or self.store.set_by_server)
        return known, self.store.at(exchange.sent_at) if known else None

    def _send_of(self, exchange: Exchange | None) -> dict[str, Any] | None:
        """The page's own report of the call that made this exchange."""
        if exchange is None:
            return None
        near = [
            (s["size"] != exchange.size, abs(s["t"] / 1000 - exchange.sent_at), i)
            for i, s in enumerate(self._sends)
            if s["url"] == exchange.url and abs(s["t"] / 1000 - exchange.sent_at) < SAME_SEND_S
        ]
        return self._sends[min(near)[2]] if near else None

    def _appeared(self, t: float, session_id: str) -> None:
        self.chats.issuing.appeared(t, session_id, self._issued)

    def _issued(self, t: float, session_id: str, exchange: Exchange) -> None:
        """A reply brought this ID: it belongs to the chat that was replied to, whoever stores or sends it."""
        if exchange.chat is None:
            return
        exchange.extras.setdefault("issued", session_id)
        self._event(
            t, "issued", chat=exchange.chat, session=self._ref(session_id), request=exchange.request,
            rule=exchange.rule.name, message=exchange.message,
        )  # fmt: skip

    def _bleeds_from(self, body: str, chat: int | None) -> int | None:
        """The latest earlier chat of which a message, or late reply text, is in this payload."""
        for one in self.chats.owners.found_in(body):
            if one.chat != chat:
                return one.chat
        return None if chat is None else self.chats.replies.found_in(body, chat)

    def _ref(self, raw: str | None) -> str | None:
        return None if raw is None else self._redactor.reference(raw)

    def _name(self, provider: str | None) -> str | None:
        return None if provider is None else as_name(self._names.get(provider, provider))

    def _event(self, t: float, kind: EventKind, *, chat: int | None = None, **data: Any) -> None:
        if chat is None and self.chat is not None:
            chat = self.chat.number
        if self.tab:
            data["tab"] = self.tab
        self._journal.event(t, self.lane, chat, kind, data)
