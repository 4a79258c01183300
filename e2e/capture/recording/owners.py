"""Whose payload is it? The texts of the suite's own messages show that; then the order of things, and the wire rule.

A page sends more than messages: titles, autosaves, read receipts, and it sends them when it likes, also after New Chat. Each message
of the suite holds eight hexadecimal digits that no other has. A payload that contains them belongs to that message and its chat.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from e2e.capture.network.exchange import Exchange
from e2e.capture.recording.drafts import MessageDraft

_LATE_CHATS = 8  # as many chats back as a payload without a text may belong to one that is still owed it


class Typed(NamedTuple):
    """A message that was typed."""

    nonce: str
    """The part of its text that no other message has."""
    chat: int
    draft: MessageDraft


class Owner(NamedTuple):
    """To whom a payload belongs."""

    chat: int | None
    draft: MessageDraft | None
    may_be_message: bool
    """It may be the message itself; else it is something that the page sends besides."""


class Owners:
    """The last messages of a lane, over all its tabs, and what is known of the wire rules. Held in memory, never written."""

    def __init__(self) -> None:
        self.typed: deque[Typed] = deque(maxlen=64)
        self._carrying: set[str] = set()
        """Rules of which a payload contained a message's text."""
        self._alone: set[str] = set()
        """Rules after the first one that were seen to carry messages that no earlier rule carries."""
        self._messages: set[str] = set()
        """Rules of which a payload was a message."""
        self._count: Counter[tuple[str, str | int | None]] = Counter()
        """Payloads without a text, by rule and raw session ID; those without an ID by their chat."""

    def add(self, text: str, chat: int, draft: MessageDraft) -> None:
        """A message is about to be sent."""
        self.typed.append(Typed(nonce_of(text), chat, draft))

    def found_in(self, text: str) -> list[Typed]:
        """The messages whose text is in ``text``, however it is escaped there; the newest first."""
        forms = _forms(text)
        return [one for one in reversed(self.typed) if any(one.nonce in form for form in forms)]

    def of(
        self, exchange: Exchange, chat: int | None, draft: MessageDraft | None, mine: Callable[[int], bool]
    ) -> Owner:
        """The owner of a payload that left while ``chat`` was under way, with its last message ``draft``.

        ``mine`` holds for the chats of this tab.
        """
        found = self.found_in(f"{exchange.body}\n{exchange.url}")
        exchange.extras["by_text"] = bool(found)
        if found:
            self._carrying.add(exchange.rule.name)
            own = next((one for one in found if mine(one.chat)), found[0])
            return Owner(own.chat, own.draft, may_be_message=True)
        owner = self._by_order(exchange, chat, draft, mine)
        self._count[exchange.rule.name, exchange.session or owner.chat] += 1
        return owner

    def _by_order(
        self, exchange: Exchange, chat: int | None, draft: MessageDraft | None, mine: Callable[[int], bool]
    ) -> Owner:
        """Where no message's text is in it: what was pressed last, unless it is an older chat's that is still owed one."""
        late = self._late(exchange, chat, mine)
        if (
            draft is None
        ):  # nothing was sent in this chat: it belongs to an older one, which may still be busy
            before = late or next(
                (one for one in reversed(self.typed) if mine(one.chat) and one.chat != chat), None
            )
            return Owner(before.chat if before else chat, before.draft if before else None, False)
        # A text that cannot be found at all (an encrypted body, an upload) leaves only the order to go by.
        hidden = not self._carrying or exchange.body == "" or exchange.unreadable != ""
        if hidden and draft.exchange is None and (late is None or exchange.rule.name in self._messages):
            return Owner(chat, draft, may_be_message=True)
        if late is not None:
            return Owner(late.chat, late.draft, may_be_message=False)
        return Owner(chat, draft, may_be_message=hidden)

    def _late(self, exchange: Exchange, chat: int | None, mine: Callable[[int], bool]) -> Typed | None:
        """The last message of the older chat that this payload, by its session, is a late one of.

        A chat is owed as many as its messages bring on this page. Several chats, in several tabs, may have one session.
        """
        session, rule = exchange.session, exchange.rule.name
        carried = self._by_session()
        messages = carried.get(session or "", ())
        if any(one.chat == chat for one in messages):
            return None
        older = [one for one in messages if chat is None or chat - _LATE_CHATS <= one.chat < chat]
        if not older:
            return None
        others = [
            self._came(rule, id_, group) / len(group) for id_, group in carried.items() if id_ != session
        ]
        if self._came(rule, session, messages) >= len(messages) * max(1.0, _usual(others)):
            return None
        return next((one for one in reversed(older) if mine(one.chat)), older[-1])

    def _by_session(self) -> dict[str, list[Typed]]:
        """Raw session ID -> the messages of it, in their order. One that carried no ID has that of its chat."""
        of_chat: dict[int, list[str]] = {}
        own: list[list[str]] = []
        for one in self.typed:
            sent = one.draft.exchange
            ids = [] if sent is None else [sent.session or "", str(sent.extras.get("issued") or "")]
            own.append([id_ for id_ in ids if id_])
            of_chat.setdefault(one.chat, []).extend(own[-1])
        found: dict[str, list[Typed]] = {}
        for one, carried in zip(self.typed, own, strict=True):
            for id_ in dict.fromkeys(carried or of_chat[one.chat]):
                found.setdefault(id_, []).append(one)
        return found

    def _came(self, rule: str, session: str | None, messages: Sequence[Typed]) -> int:
        """Payloads without a text that came so far for these messages of one session."""
        without = sum(self._count[rule, chat] for chat in {one.chat for one in messages})
        return self._count[rule, session] + without

    # -- the message's own payload ------------------------------------------------------------------------------------

    def attach(self, exchange: Exchange, draft: MessageDraft, order: Sequence[str]) -> bool:
        """Take a payload as the message's own, where it is the best that was seen. Returns whether it is.

        ``order`` are the rules that may carry messages, the best first.
        """
        name = exchange.rule.name
        if name not in order or draft.ended_at is not None:
            return False
        held = draft.exchange
        if held is None:
            if order.index(name) == 0 or name in self._alone:
                draft.exchange = exchange
            elif draft.candidate is None or _rank(exchange, order) < _rank(draft.candidate, order):
                draft.candidate = exchange  # an earlier rule's payload may still come
        elif is_retry(exchange, draft):
            draft.attempts.append(held)
            draft.exchange = exchange
        elif _rank(exchange, order) < _rank(held, order):
            draft.exchange = exchange
        return draft.exchange is exchange

    def settle(self, draft: MessageDraft, now: float, seconds: float) -> None:
        """Take the candidate when no payload of an earlier rule came within ``seconds`` after it."""
        one = draft.candidate
        if draft.exchange is None and one is not None and now - one.sent_at >= seconds:
            draft.exchange = one
            self._alone.add(one.rule.name)

    def sent(self, exchange: Exchange) -> None:
        """This payload is a message."""
        self._messages.add(exchange.rule.name)


def is_retry(exchange: Exchange, draft: MessageDraft) -> bool:
    """The page sends the message again after its payload came to nothing."""
    held = draft.exchange
    if held is None or held is exchange or not came_to_nothing(held):
        return False
    same_way = held.rule is exchange.rule
    other_way = bool(exchange.extras.get("by_text")) and held.transport != exchange.transport
    return same_way or other_way


def came_to_nothing(exchange: Exchange) -> bool:
    """The backend refused it, the network lost it, or its answer was cut."""
    refused = exchange.reports_failure or exchange.refused != "" or (exchange.status or 0) >= 400
    return refused or exchange.outcome in ("failed", "cancelled")


def _usual(ratios: Sequence[float]) -> float:
    """What three of four sessions do not exceed: a few that all payloads stick to say nothing of what is usual."""
    ordered = sorted(ratios, reverse=True)
    return ordered[len(ordered) // 4] if ordered else 0.0


def nonce_of(text: str) -> str:
    """The part of a message that no other has, and that every way to write a body leaves as it is."""
    found = re.findall(r"[0-9a-f]{8}", text)  # the last one: the profile's own prompt may hold another
    return found[-1] if found else text


def _rank(exchange: Exchange, order: Sequence[str]) -> tuple[bool, int]:
    return not exchange.extras.get("by_text"), order.index(exchange.rule.name)


def _forms(text: str) -> tuple[str, ...]:
    """``text`` as it is, and without the escapes of URLs and JSON."""
    forms = [text]
    if "%" in text:
        forms.append(unquote(unquote(text)))
    if "\\u" in text:
        forms.append(re.sub(r"\\u[0-9a-fA-F]{4}", lambda m: str(json.loads(f'"{m.group()}"')), text))
    return tuple(forms)
