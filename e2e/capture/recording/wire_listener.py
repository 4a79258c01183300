"""The wire side of a lane's recorder: whose payload it is, what it carries, and what its reply brings."""

from __future__ import annotations

import re
import time
from typing import Any

from e2e.capture.code import stacks
from e2e.capture.network.bodies.reply_texts import texts_in
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.replay import Request
from e2e.capture.recording import unread
from e2e.capture.recording.drafts import MessageDraft
from e2e.capture.recording.owners import is_retry
from e2e.capture.recording.recorder_state import SAME_SEND_S, RecorderState
from e2e.capture.session_ids.identity import forms
from e2e.capture.storage.store_log import MOST_MINTED

_ID_LIKE = re.compile(r"(?<=[/=#])(?=[\w-]*\d)[\w-]{12,}(?![\w-])")


class WireListener(RecorderState):
    """A `Listener` of the wire for one lane."""

    def on_cookie(self, t: float, name: str, value: str | None) -> None:
        """The server sets (or removes) the session's cookie."""
        self.store.on_cookie(t, name, value)

    def on_payload(self, exchange: Exchange) -> None:
        if self._is_of_another_tab(exchange):
            return
        if unread.holds_back(self.last_message, exchange, self._last_text):
            return
        self._find_owner(exchange)
        self.unread.look(exchange)
        if not exchange.unreadable:
            name = exchange.rule.name
            self.chats.found[name] = self.chats.found.get(name, False) or exchange.session is not None
        exchange.extras["bleeds_from"] = self._bleeds_from(exchange.body, exchange.chat)
        exchange.extras["words"] = self.chats.words.in_payload(exchange.body)
        if exchange.extras["own"]:
            self.chats.request = Request.of(exchange) or self.chats.request
        self.chats.issuing.sent(exchange, self._issued)
        exchange.body = exchange.frame = ""
        exchange.headers, exchange.opening = {}, None
        stack = exchange.stack
        send = self._send_of(exchange)
        if not stack and send is not None:  # the protocol has none for a frame
            stack = stacks.parse(send["stack"])
        session = self._ref(exchange.session)  # known as an ID from here on, also where the address holds it
        self._event(
            exchange.sent_at,
            "payload",
            chat=exchange.chat,
            rule=exchange.rule.name,
            transport=exchange.transport,
            method=exchange.method,
            url=self._redactor.url(exchange.url),
            session=session,
            message=exchange.message,
            bleeds_from=exchange.extras["bleeds_from"],
            history=exchange.history,
            stack=self.store.frames(stack),
            request=exchange.request,
            origin=exchange.origin,
            judged=exchange.rule.judged,
            retry=exchange.extras["retry"],
            by_text=exchange.extras["by_text"],
            form=forms(exchange.form, self.store.form),
            unreadable=exchange.unreadable,
            address=self._id_in(send.get("page", "") if send is not None else ""),
        )

    def _id_in(self, address: str) -> str | None:
        """A keyed hash of what looks like an ID in the page's address: it shows whether the ID stays, and not what it is."""
        found = _ID_LIKE.search(address)
        return self._redactor.digest(found.group()) if found else None

    def _find_owner(self, exchange: Exchange) -> None:
        """Say which chat and message the payload belongs to, and take it as the message's own where it is that."""
        chat, owners = self.chat, self.chats.owners
        owner = owners.of(exchange, None if chat is None else chat.number, self.last_message, self._is_mine)
        exchange.chat, draft = owner.chat, owner.draft
        own = retry = False
        if draft is not None:
            exchange.message = draft.number
            if owner.may_be_message and exchange.sent_at >= draft.pressed_at - SAME_SEND_S:
                retry = is_retry(exchange, draft)
                own = owners.attach(exchange, draft, self._carriers)
                if not own and exchange.extras.get("by_text"):
                    draft.again = exchange
        exchange.extras.update(draft=draft, own=own, retry=retry)
        if own:
            self._owns(exchange)

    def _owns(self, exchange: Exchange) -> None:
        """A message's own payload: its session is the chat's."""
        exchange.extras["own"] = True
        if exchange.chat is not None:
            self.chats.owners.sent(exchange)
        if exchange.session and exchange.session not in {raw for _, raw in self._first_sent[-64:]}:
            self._first_sent = [*self._first_sent[-MOST_MINTED:], (exchange.sent_at, exchange.session)]

    def _is_own(self, exchange: Exchange) -> bool:
        """The answer is the reply to a message, in its first or in a later attempt."""
        draft: MessageDraft | None = exchange.extras.get("draft")
        return draft is not None and (draft.exchange is exchange or exchange in draft.attempts)

    def _is_mine(self, chat: int) -> bool:
        """It is a chat of this tab."""
        return self.chats.tab_of.get(chat, 0) == self.tab

    def _is_of_another_tab(self, exchange: Exchange) -> bool:
        """A worker that several tabs share is seen by each of them; what it sends belongs to the one that has this message."""
        if exchange.origin in ("page", "iframe", "worker"):
            return False
        found = self.chats.owners.found_in(exchange.body)
        return bool(found) and not self._is_mine(found[0].chat)

    def on_response(self, exchange: Exchange, t: float) -> None:
        if exchange.doubtful:
            return
        self._event(
            t, "response", chat=exchange.chat, rule=exchange.rule.name, request=exchange.request, status=exchange.status,
            cached="" if exchange.relayed else exchange.cached,
        )  # fmt: skip

    def on_chunk(self, exchange: Exchange, t: float, event: str, value: Any) -> None:
        if exchange.doubtful:
            return
        index = exchange.extras["chunk"] = exchange.extras.get("chunk", -1) + 1
        if self._is_own(exchange):
            current = self.chat.number if self.chat else None
            if not exchange.shares_line:
                self.chats.replies.add(exchange.chat, current, value, exchange.request)
            else:  # it may be the reply to the chat that is under way: no late text, whoever it answers
                self.chats.replies.add(current, current, value, exchange.request)
            if exchange.chat is not None:
                self.chats.screens.add_reply(exchange.chat, exchange.request, value)
        provider = exchange.extras.get("said_provider")
        self._event(
            t, "chunk", chat=exchange.chat, rule=exchange.rule.name, request=exchange.request, index=index, event=event,
            provider=self._name(provider),
        )  # fmt: skip

    def on_text(self, exchange: Exchange, t: float, text: str) -> None:
        if exchange.doubtful or not self._is_own(exchange):
            return
        current = self.chat.number if self.chat else None
        self.chats.replies.add_text(exchange.chat, current, text, exchange.request)

    def _sent_again(self, exchange: Exchange) -> None:
        """A payload has ended. Where the page gave it up for one that left already, that one is the message's own."""
        draft: MessageDraft | None = exchange.extras.get("draft")
        if draft is None or draft.exchange is not exchange or draft.again is None or exchange.chunks:
            return
        again = draft.again
        if is_retry(again, draft) and self.chats.owners.attach(again, draft, self._carriers):
            again.extras["retry"] = True
            self._owns(again)

    def on_finished(self, exchange: Exchange) -> None:
        if exchange.doubtful:
            return
        self.finished_exchanges += 1
        self._sent_again(exchange)
        if exchange.chat is not None and self._is_own(exchange) and exchange.reply.body:
            texts = {str(n): text for n, text in enumerate(texts_in(exchange.reply.body))}
            self.chats.screens.add_reply(exchange.chat, f"{exchange.request} body", texts)
        known, rule = self.chats.followed_rules, exchange.rule.name
        if rule not in known and exchange.chat is not None and self.chats.replies.followed(exchange.chat):
            known.add(rule)
        self.chats.issuing.settle(time.time(), self._issued)
        self._event(
            exchange.ended_at or time.time(),
            "finished",
            chat=exchange.chat,
            rule=exchange.rule.name,
            request=exchange.request,
            outcome=exchange.outcome,
            error=self._redactor.text(exchange.error, limit=300),
            chunks=exchange.chunks,
            bytes=exchange.bytes,
        )
