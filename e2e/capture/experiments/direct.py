"""The same request once more, with a hand-made fresh ID, straight to the backend: no browser, no frontend, no cookies."""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import dataclass

import httpx
from websockets.exceptions import WebSocketException

from e2e.capture.experiments.direct_socket import send_frames
from e2e.capture.network.bodies.event_reader import AnswerReader
from e2e.capture.network.replay import Request

NAME = "direct"
QUESTION = "what does the backend itself do with fresh IDs?"
REQUESTS = 8
ERRORS = (httpx.HTTPError, OSError, WebSocketException)
"""What `send` raises when no whole reply comes."""
_SWITCHED = 101  # the status of a WebSocket's handshake
_UNSENDABLE = {"host", "content-length", "connection", "cookie", "accept-encoding"}


@dataclass(frozen=True, slots=True)
class Reply:
    """The backend's response to one request."""

    session: str
    status: int
    provider: str | None
    t: float
    failed: bool = False
    """The reply itself says so; a WebSocket has no status for it."""


def fresh_like(session: str) -> str:
    """An ID of the same form that is in use nowhere: every digit and letter of its last two thirds drawn anew."""
    keep = len(session) // 3
    return session[:keep] + "".join(_other(c) for c in session[keep:])


def _other(character: str) -> str:
    for alphabet in (string.digits, "abcdef", string.ascii_lowercase, "ABCDEF", string.ascii_uppercase):
        if character in alphabet:
            return secrets.choice(alphabet)
    return character


def send(request: Request, timeout: float, *, verify: bool = True) -> Reply:
    """Send it with a fresh ID and read the answer to its end. Raises one of `ERRORS`."""
    fresh = fresh_like(request.session)
    if request.frames:
        began = time.time()
        reply = send_frames(request, fresh, timeout, verify=verify)
        return Reply(fresh, _SWITCHED, reply.provider, began, reply.failed)
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
