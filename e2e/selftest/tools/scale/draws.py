"""Which provider each session of a copy has: independent draws, by the shares that the profile expects."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping

from e2e.records.records import Chat, Event, RunRecords


class Draws:
    """The providers of a run, and which session each record is of.

    A session keeps what it showed: with one provider it has one in every copy, with two it has two.
    """

    def __init__(self, records: RunRecords) -> None:
        policy = records.meta.policy
        self._by_request: dict[tuple[int, str], str] = {}
        self._by_message: dict[tuple[int, int, int], str] = {}
        self._providers_of: dict[str, dict[str, None]] = defaultdict(dict)
        seen: dict[str, None] = {}
        for chat in records.chats:
            for message in chat.messages:
                session = message.sent or message.issued or f"lane {chat.lane} chat {chat.chat}"
                self._by_message[chat.lane, chat.chat, message.number] = session
                if message.request is not None:
                    self._by_request[chat.lane, message.request] = session
                for provider in (message.reply_provider, message.backend_provider):
                    if provider is not None:
                        self._providers_of[session][provider] = None
                        seen[provider] = None
                if message.label_provider is not None:
                    seen[message.label_provider] = None
        probed = [
            e.data["provider"] for e in records.events if e.kind == "backend" and e.data.get("provider")
        ]
        self._label_of = _sessions_of_labels(records, self._by_message)
        names = policy.providers or tuple(policy.weights or ()) or tuple(dict.fromkeys([*seen, *probed]))
        names = (*names, *(f"provider {n}" for n in range(len(names), policy.provider_count or 0)))
        self._names = [*names, *(one for one in seen if one not in names)]
        weights = policy.weights or {}
        self._weights = [weights.get(n, 0.0) if weights else float(n in names) for n in self._names]

    def session_of(self, event: Event) -> str | None:
        """The session that an event with a provider is of."""
        data = event.data
        if event.kind == "label" and event.chat is not None:
            return self.session_of_label(event.lane, event.chat, int(data.get("message") or 0))
        if isinstance(data.get("session"), str):
            return str(data["session"])
        if isinstance(data.get("request"), str) and (event.lane, data["request"]) in self._by_request:
            return self._by_request[event.lane, data["request"]]
        if event.chat is not None:
            return self._by_message.get((event.lane, event.chat, int(data.get("message") or 0)))
        return None

    def session_of_message(self, chat: Chat, number: int) -> str | None:
        """The session that a message is of."""
        return self._by_message.get((chat.lane, chat.chat, number))

    def session_of_label(self, lane: int, chat: int, number: int) -> str | None:
        """The session whose provider the screen named at a message: its own, or the last one before that had it."""
        own = self._by_message.get((lane, chat, number))
        return self._label_of.get((lane, chat, number), own)

    def draw(self, rng: random.Random) -> Mapping[str, Mapping[str, str]]:
        """Session -> recorded provider -> drawn provider, for one copy."""
        drawn = {}
        for session, recorded in self._providers_of.items():
            first = rng.choices(self._names, self._weights)[0]
            rest = [name for name in self._names if name != first]
            rng.shuffle(rest)
            drawn[session] = dict(zip(recorded, [first, *rest], strict=False))
        return drawn


def _sessions_of_labels(
    records: RunRecords, sessions: Mapping[tuple[int, int, int], str]
) -> dict[tuple[int, int, int], str]:
    """The messages whose label names another provider than their reply does, each with the session that this is of."""
    last: dict[tuple[int, str], str] = {}
    found: dict[tuple[int, int, int], str] = {}
    for chat in sorted(records.chats, key=lambda c: (c.lane, c.chat)):
        for message in chat.messages:
            at, label = (chat.lane, chat.chat, message.number), message.label_provider
            if label is not None and label not in (message.reply_provider, message.backend_provider):
                found[at] = last.get((chat.lane, label), sessions[at])
            if message.reply_provider is not None:
                last[chat.lane, message.reply_provider] = sessions[at]
    return found
