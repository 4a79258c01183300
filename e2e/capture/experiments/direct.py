"""The same request once more, with a hand-made fresh ID, straight to the backend: no browser, no frontend, no cookies."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from e2e.capture.wire import AnswerReader, Exchange, Rule

NAME = "direct"
QUESTION = "what does the backend itself do with fresh IDs?"
REQUESTS = 8
_UNSENDABLE = {"host", "content-length", "connection", "cookie", "accept-encoding"}


@dataclass(frozen=True, slots=True)
class Request:
    """A chat request as the page sent it, with the session ID that stood in it. Never written."""

    rule: Rule
    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    session: str

    @classmethod
    def of(cls, exchange: Exchange) -> Request | None:
        """None where it cannot be sent again: no HTTP, no session, the ID stands somewhere else (a cookie), a compressed body."""
        session = exchange.raw_session or exchange.session
        if exchange.transport != "http" or not session or exchange.coded or exchange.unreadable:
            return None
        if session not in exchange.body and session not in exchange.url:
            return None
        return cls(exchange.rule, exchange.method, exchange.url, exchange.headers, exchange.body, session)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the backend said to one of them."""

    session: str
    status: int
    provider: str | None
    t: float


def fresh_like(session: str) -> str:
    """An ID of the same form that nobody has made: every digit and letter of its last two thirds drawn anew."""
    keep = len(session) // 3
    return session[:keep] + "".join(_other(c) for c in session[keep:])


def _other(character: str) -> str:
    for alphabet in (string.digits, "abcdef", string.ascii_lowercase, "ABCDEF", string.ascii_uppercase):
        if character in alphabet:
            return secrets.choice(alphabet)
    return character


def send(request: Request, timeout: float, *, verify: bool = True) -> Reply:
    """Send it with a fresh ID and read the answer to its end. Raises ``httpx.HTTPError``."""
    fresh = fresh_like(request.session)
    headers = {
        name: value.replace(request.session, fresh)
        for name, value in request.headers.items()
        if name.lower() not in _UNSENDABLE and not name.startswith(":")
    }
    provider: str | None = None
    with httpx.Client(timeout=timeout, verify=verify, trust_env=False) as client:
        began = time.time()
        with client.stream(
            request.method,
            request.url.replace(request.session, fresh),
            headers=headers,
            content=request.body.replace(request.session, fresh),
        ) as response:
            answered = {name.lower(): value for name, value in response.headers.items()}
            provider = request.rule.provider_of(answered, None)
            reader = AnswerReader(answered.get("content-type", ""))
            for chunk in response.iter_bytes():
                for _, value in reader.feed(chunk):
                    provider = provider or request.rule.provider_of(answered, request.rule.read(value))
            for _, value in reader.end():
                provider = provider or request.rule.provider_of(answered, request.rule.read(value))
    return Reply(fresh, response.status_code, provider, began)
