"""What all pages share: sessions with their providers, replies in chunks, and conditions that spoil them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import HTTPConnection

PROVIDERS = tuple(f"prov_{n}" for n in range(1, 10))
CHUNKS = 4

SPENT_AFTER = 1
"""Messages of a session, where the page's address asks for ``fail=spent`` or ``expired``: after them it has ended."""
SPENT = {"spent": (404, "no_session"), "expired": (401, "session_expired")}
REFUSALS = {
    "400": (400, "bad_request"),
    "429": (429, "rate_limited"),
    "500": (500, "internal"),
    "login": (401, "login_required"),
    "captcha": (403, "captcha"),
}


class Refused(Exception):
    """The backend takes no message: `status` as in HTTP."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class Cut(Exception):
    """The connection ends in the middle of a reply."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What the page's address asks of the backend."""

    chunk_s: float = 0.005
    fail: str = ""

    @classmethod
    def of(cls, connection: HTTPConnection) -> Visit:
        query = connection.query_params
        return cls(float(query.get("chunk_ms", "5")) / 1000, query.get("fail", ""))


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it reached the backend: the truth that a recording is held against."""

    endpoint: str
    session: str | None
    text: str
    provider: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply under way."""

    provider: str
    text: str
    visit: Visit

    async def tokens(self) -> AsyncIterator[str]:
        """Give the text in pieces. Raises Cut."""
        if self.visit.fail == "hang":
            await asyncio.Event().wait()
        size = -(-len(self.text) // CHUNKS)
        for n in range(CHUNKS):
            if n == CHUNKS // 2 and self.visit.fail == "cut":
                raise Cut
            await asyncio.sleep(self.visit.chunk_s)
            yield self.text[n * size : (n + 1) * size]

    async def whole(self) -> str:
        """Give the text in one piece, after the time that the pieces would have taken. Raises Cut."""
        return "".join([token async for token in self.tokens()])


class Backend:
    """Sessions and their providers, in memory."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self.providers: dict[str, str] = {}
        self.received: list[Received] = []
        self.earlier: list[str] = []
        """What a backend that keeps too much was given, in all its sessions."""

    def provider_of(self, session: str | None) -> str:
        """The session's provider, drawn at its first message."""
        key = session or ""
        if key not in self.providers:
            self.providers[key] = self._random.choice(PROVIDERS)
        return self.providers[key]

    def answer(self, endpoint: str, session: str | None, text: str, visit: Visit) -> Answer:
        """Take a message. Raises Refused."""
        if visit.fail in REFUSALS:
            raise Refused(*REFUSALS[visit.fail])
        if visit.fail in SPENT and sum(r.session == session for r in self.received) >= SPENT_AFTER:
            raise Refused(*SPENT[visit.fail])
        provider = self.provider_of(session)
        self.received.append(Received(endpoint, session, text, provider))
        return Answer(provider, f"Echo: {text}", visit)
