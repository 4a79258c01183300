"""The recorder: turns signals of the page and of the wire into events and chats, for one lane. It never judges."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from e2e.capture.network.exchange import Exchange
from e2e.capture.recording import unread
from e2e.capture.recording.code_words import CodeWord, Recalled
from e2e.capture.recording.drafts import ChatDraft, MessageDraft
from e2e.capture.recording.wire_listener import WireListener
from e2e.capture.session_ids.features import features
from e2e.capture.storage.store_log import MOST_MINTED
from e2e.records.records import After, Chat, EventKind, Scenario


class LaneRecorder(WireListener):
    """What one lane has seen. A `Listener` of the wire; the page's signals come in through `on_signals`."""

    def beside(self) -> LaneRecorder:
        """A recorder for another tab of this lane."""
        other = LaneRecorder(self.lane, self._profile, self._journal, self._redactor, chats=self.chats)
        other.context, other.scenario, other.experiment = self.context, self.scenario, self.experiment
        other.tab, other.unread = next(self.chats.tabs), self.unread
        other.store.beside(self.store)
        return other

    # -- signals of the page ------------------------------------------------------------------------------------------

    def on_signals(self, batch: list[dict[str, Any]]) -> None:
        """What the in-page recorder saw, in its order; ``t`` in milliseconds since the epoch."""
        self.last_signal = time.monotonic()
        for signal in batch:
            t = signal["t"] / 1000
            match signal["k"]:
                case "start":
                    self.loads += 1
                    self.store.page_started(t, signal)
                    if self.store.current is not None:
                        self.chats.issuing.knows(self.store.current)
                case "click" | "keydown":
                    self._input(t, signal)
                case "storage":
                    self.store.on_write(t, signal)
                case "send":
                    self._sends.append(signal)
                case "restored":
                    self.restores += 1
                case "tampered":
                    self.page_error(
                        "the page changed what the suite had kept while the page before was left: it is lost"
                    )

    def expect_new_chat(self) -> None:
        """The next trusted click on New Chat (or press of its key) begins a chat."""
        self._expects_chat = True

    def new_chat_by_address(self) -> None:
        """The address of a new chat is about to be opened: no input of the page shows it."""
        self.begin_chat("new_chat")
        self.clicks += 1

    def _input(self, t: float, signal: dict[str, Any]) -> None:
        if not self._expects_chat:
            return
        if signal["k"] == "click" and "new_chat" not in signal["hits"]:
            self.misses += 1
            return
        steps = self._profile.steps
        if signal["k"] == "keydown" and steps.new_chat[steps.starting].press is None:
            return
        self._expects_chat = False
        self.begin_chat("new_chat", t)
        self.clicks += 1

    # -- calls of the driver -----------------------------------------------------------------------------------------

    def begin_chat(self, via: Literal["load", "new_chat"], t: float | None = None) -> None:
        """A chat begins; the one before, if any, must have been ended."""
        t = time.time() if t is None else t
        number = next(self.chats.numbers)
        if self.tab:
            self.chats.tab_of[number] = self.tab
        if len(self.store.minted) < MOST_MINTED:  # no ID of a later chat is written down
            self._began.append((t, number))
        self.chat = ChatDraft(number, self.scenario, via, t, self.store.current)
        self._sends = self.chat.sends
        self.store.rotated = False
        if via == "new_chat":
            self.chats.ended = (self.tab, self._ids_of_this_tab())
            self._event(t, "new_chat")

    def begin_play(self, scenario: Scenario) -> None:
        """The chats that begin from now on are those of a scenario."""
        self.scenario = scenario
        self.chats.replies.forget()
        self.note("play", scenario=scenario)

    def note(self, kind: EventKind, **data: Any) -> None:
        """Something that the suite itself did."""
        fields: dict[str, Any] = {k: self.clean(v) if isinstance(v, str) else v for k, v in data.items()}
        self._event(time.time(), kind, **fields)

    @property
    def place(self) -> str:
        """``lane 0, chat 3 (rapid-send)``, for messages."""
        place = f"lane {self.lane}" + (f", chat {self.chat.number}" if self.chat else "")
        return place if self.scenario == "plain" else f"{place} ({self.scenario})"

    def clean(self, text: str, limit: int = 200) -> str:
        """``text`` without secrets, for messages to people."""
        return self._redactor.text(text, limit=limit)

    def begin_message(self, text: str, *, after: After = "") -> None:
        """The user is about to press send."""
        assert self.chat is not None
        draft = MessageDraft(len(self.chat.messages), after, time.time())
        self.chat.messages.append(draft)
        self.sent_messages += 1
        self._last_text = text
        self.chats.owners.add(text, self.chat.number, draft)
        self.chats.replies.typed(self.chat.number, text)
        self._event(draft.pressed_at, "send", message=draft.number)

    @property
    def exchange(self) -> Exchange | None:
        """The exchange of the message that was sent last."""
        draft = self.last_message
        if (held := unread.due(draft, time.time())) is not None:
            self.on_payload(held)
        return draft.exchange if draft else None

    def settle_for(self, seconds: float) -> None:
        """Take what may be the message's payload as that, when nothing better came within ``seconds`` after it."""
        draft = self._draft()
        self.chats.owners.settle(draft, time.time(), seconds)
        if draft.exchange is not None and draft.exchange is draft.candidate:
            self._owns(draft.exchange)

    @property
    def sent_id(self) -> str | None:
        """Raw; for the backend's look-up only."""
        return self.exchange.session if self.exchange else None

    def message_ended(
        self, how: str, outcome: Literal["ok", "http_error", "refused", "failed", "timeout", "cut"]
    ) -> None:
        draft = self._draft()
        draft.outcome, draft.ended_at = outcome, time.time()
        self.chats.answered |= outcome == "ok"
        self._event(draft.ended_at, "reply_end", message=draft.number, how=how)

    def message_lost(self, accepted: str) -> None:
        """The page took the message that was sent last, as it ``accepted`` it on the screen; nothing of it left."""
        self._draft().accepted = accepted

    def refused_for_another_tab(self) -> bool:
        """The message that was sent last went out, and was refused, with the session that New Chat in another tab has just ended.

        By the policy the tabs share it. What is found is noted.
        """
        draft, (tab, ended) = self._draft(), self.chats.ended
        session = draft.exchange.session if draft.exchange is not None else None
        draft.ended_elsewhere = (
            self._profile.policy.tabs == "share"
            and draft.after == "other-tab"
            and tab != self.tab
            and session in ended
        )
        return draft.ended_elsewhere

    def _ids_of_this_tab(self) -> frozenset[str]:
        """Raw: what the store holds, and what this tab sent last."""
        sent = (
            one.draft.exchange.session
            for one in reversed(self.chats.owners.typed)
            if one.draft.exchange is not None and self._is_mine(one.chat)
        )
        return frozenset(i for i in (self.store.current, next(sent, None)) if i)

    def label(self, shown: str | None) -> None:
        """The provider's name at the last reply on the screen; None when none is shown."""
        draft = self._draft()
        draft.label_looked_for, draft.label_provider = True, self._name(shown)
        self._event(time.time(), "label", message=draft.number, provider=draft.label_provider)

    def backend(self, provider: str | None, status: int, t: float) -> None:
        draft = self._draft()
        draft.backend_provider = self._name(provider)
        self._event(
            t, "backend", question="lookup", session=self._ref(self.sent_id), provider=draft.backend_provider, status=status,
            probe="chat", pattern=None, found=status < 400, message=draft.number,
        )  # fmt: skip

    def earlier_chat_in(self, conversation: str) -> int | None:
        """The earlier chat of the lane of which a message or a reply is in this text."""
        assert self.chat is not None
        typed = self.chats.owners.found_in(conversation)
        return self.chats.screens.earlier(conversation, self.chat.number, typed)

    def greeting(self, conversation: str) -> None:
        """What the browser's first chat shows before anything is sent: no new chat is blamed for showing it."""
        if self.earlier_chat_in(conversation) is None:
            self.chats.screens.greets(conversation)

    def screen(self, messages: int, conversation: str | None = None) -> None:
        """What a new chat shows before anything is sent: so many messages, with this text (None: it was not read)."""
        assert self.chat is not None
        self.chat.screen_messages = messages
        if conversation is not None:
            self.chat.screen_compared = True
            self.chat.screen_from = self.earlier_chat_in(conversation)
            if self.chat.screen_from is None:
                self.chats.screens.greets(conversation)
        self._event(
            time.time(),
            "screen",
            messages=messages,
            compared=self.chat.screen_compared,
            screen_from=self.chat.screen_from,
        )

    def shows(self, conversation: str) -> None:
        """Search the conversation on the screen for late text of earlier chats' replies."""
        assert self.chat is not None
        self.chat.screen_seen = True
        found = self.chats.replies.found_in(conversation, self.chat.number)
        self.chat.shows_from = found if self.chat.shows_from is None else self.chat.shows_from
        self._event(time.time(), "screen", messages=None, shows_from=self.chat.shows_from)

    def recalled(self, word: CodeWord, found: Recalled) -> None:
        """The reply to the message that was sent last shows this of the code words; ``word`` is the one that was asked for."""
        draft, exchange = self._draft(), self.exchange
        readable = exchange is not None and not exchange.unreadable
        held = exchange.extras.get("words", ()) if exchange is not None and readable else ()
        own, named = word.chat == (self.chat.number if self.chat is not None else None), found.named
        line = None
        if exchange is not None and exchange.transport == "websocket" and word.line:
            line = exchange.request.rpartition("#")[0] == word.line
        self._event(
            time.time(), "recall", message=draft.number, word_of=word.chat, knows=found.knows, why=found.why, same_line=line,
            names=named.chat if named is not None else None, names_lane=named.lane if named is not None else None,
            in_payload=(word in held if own else bool(held)) if readable else None,
            named_in_payload=named in held if named is not None and readable else None,
        )  # fmt: skip

    @property
    def last_text(self) -> str:
        """What the user typed last, in the clear; for the page only."""
        return self._last_text

    def pause_chat(self) -> ChatDraft:
        """Leave the chat that is under way; it goes on with `resume_chat`."""
        assert self.chat is not None
        chat, self.chat = self.chat, None
        return chat

    def resume_chat(self, chat: ChatDraft) -> None:
        """Go on with a chat that was left."""
        assert self.chat is None, "the chat before must have been ended"
        self.chat = chat
        self._sends = chat.sends
        self._event(time.time(), "return")

    def drop_chat(self) -> None:
        """Forget the chat that is under way: it was none of the user's."""
        self.chat = None

    def record_undecoded(self) -> None:
        """Write down how many frames could not be read as they are; not every chat has one that matters."""
        for one in self.chats.traffic.not_all_decoded:
            self._event(
                time.time(), "undecoded", url=self._redactor.url(one.url), framing=one.framing, frames=one.frames,
                undecoded=one.undecoded, replaced=one.replaced,
            )  # fmt: skip

    def page_error(self, text: str) -> None:
        self._event(time.time(), "page_error", text=self._redactor.text(text, limit=500))

    def leave_chat(self) -> None:
        """End a chat whose reply still streams. Its line is written when the next chat ends, or at `left_behind`."""
        self.end_chat(hold=True)

    def left_behind(self, exchange: Exchange) -> None:
        """The reply that was left behind is over: say whether its text could be followed, and so be recognised elsewhere.

        A page that aborts the request at once leaves too little text to decide: then other replies to the rule's payloads do. Where
        it does so before any byte came, there is nothing that could come late.
        """
        if self._held is None or exchange.chat is None:
            return
        # A page that closes its WebSocket at New Chat ends the reply for good, as one that cancels its request does.
        ended = exchange.outcome == "cancelled" or (
            exchange.transport == "websocket"
            and exchange.outcome == "failed"
            and not exchange.reports_failure
        )
        aborted = ended and (exchange.rule.name in self.chats.followed_rules or _brought_nothing(exchange))
        followed = aborted or self.chats.replies.followed(exchange.chat)
        self._held = replace(self._held, reply_followed=followed)
        self._write_held()

    def _write_held(self) -> None:
        if self._held is not None:
            self._journal.chat(self._held)
            self._held = None

    def end_chat(
        self,
        status: Literal["observed", "blocked", "lost"] = "observed",
        reason: str = "",
        *,
        hold: bool = False,
    ) -> Chat | None:
        """Write the chat's line (``hold``: later). Returns it, or None when no chat was under way."""
        self._write_held()
        draft, self.chat = self.chat, None
        if draft is None:
            return None
        if status == "observed" and (lost := self.chats.lost_sight()):
            status, reason = "lost", lost
        self.chats.issuing.settle(time.time(), self._issued)
        self._sends = draft.sends
        for message in draft.messages:
            if (held := unread.due(message, None)) is not None:
                message.exchange, held.chat, held.message = held, draft.number, message.number
                self.unread.note(held)
        messages = tuple(self._message(m) for m in draft.messages)
        chat = Chat(
            run_id=self._journal.run_id,
            lane=self.lane,
            chat=draft.number,
            scenario=draft.scenario,
            via=draft.via,
            context=self.context,
            status=status,
            reason=self._redactor.text(reason, limit=300),
            began=draft.began,
            ended=time.time(),
            stored_before=self._ref(draft.stored_before),
            stored_seen=messages[0].stored_seen if messages else False,
            stored=messages[0].stored if messages else None,
            screen_messages=draft.screen_messages,
            messages=messages,
            stored_end=self._ref(self.store.current),
            stored_end_seen=self.store.readable,
            shows_from=draft.shows_from,
            screen_seen=draft.screen_seen,
            screen_compared=draft.screen_compared,
            screen_from=draft.screen_from,
            cut=draft.cut,
            tab=self.tab,
            experiment=self.experiment,
        )
        self._held = chat
        if not hold:
            self._write_held()
        return chat

    @property
    def sent_ids(self) -> list[str]:
        """The raw IDs that messages carried, in order of their first sending."""
        return [raw for _, raw in self._first_sent]

    def record_generated_ids(self, known: Mapping[str, str]) -> None:
        """Write down what this lane's IDs are made of, once for the whole run; ``known`` are texts that one might be a hash of."""
        previous: str | None = None
        times = [began for began, _ in self._began]
        for t, raw in self.store.minted or self._first_sent:
            found = features(raw, t, previous, self._redactor.digest, known)
            at = bisect_right(times, t) - 1
            chat = self._began[at][1] if at >= 0 else None
            self._event(t, "minted", chat=chat, session=self._ref(raw), features=found)
            previous = raw

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _draft(self) -> MessageDraft:
        assert self.chat is not None, "no chat is under way"
        return self.chat.messages[-1]


def _brought_nothing(exchange: Exchange) -> bool:
    """No byte of its own answer came; where other frames or requests bring the answer, that is not known."""
    return exchange.rule.answered_by is None and exchange.transport == "http" and exchange.bytes == 0
