"""A message of a WebSocket once more, on a connection of its own: opened by hand, with the recorded connect frames and a fresh ID."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from e2e.capture.network.replay import Request
from e2e.framings.base.decoder import Message
from e2e.framings.registry import make_decoder

_ACKNOWLEDGED = (
    2.0  # seconds that a frame waits for what the backend had sent before it; then it is sent all the same
)
_LARGEST = 1 << 24
_OF_THE_HANDSHAKE = {
    "host",
    "connection",
    "upgrade",
    "cookie",
    "origin",
    "user-agent",
    "cache-control",
    "pragma",
    "accept-encoding",
}


@dataclass(slots=True)
class SocketReply:
    """What came back."""

    provider: str | None = None
    ended: bool = False
    failed: bool = False
    """The reply itself says so."""


def send_frames(request: Request, fresh: str, timeout: float, *, verify: bool) -> SocketReply:
    """Send the frames with the ID ``fresh`` in the place of the recorded one, and read the reply to its end.

    Raises ``OSError`` (also when nothing comes in time) or ``websockets.exceptions.WebSocketException``.
    """
    url = request.url.replace(request.session, fresh)
    headers = {name.lower(): text.replace(request.session, fresh) for name, text in request.headers.items()}
    protocols = [
        Subprotocol(p.strip()) for p in headers.get("sec-websocket-protocol", "").split(",") if p.strip()
    ]
    kept = {
        name: text
        for name, text in headers.items()
        if name not in _OF_THE_HANDSHAKE and not name.startswith(("sec-websocket-", ":"))
    }
    context = ssl._create_unverified_context() if url.startswith("wss:") and not verify else None  # noqa: S323, SLF001
    with connect(
        url,
        origin=Origin(headers["origin"]) if "origin" in headers else None,
        subprotocols=protocols or None,
        additional_headers=kept,
        user_agent_header=headers.get("user-agent"),
        ssl=context,
        proxy=None,
        open_timeout=timeout,
        close_timeout=1,
        max_size=_LARGEST,
    ) as socket:
        return _Conversation(socket, request, fresh, timeout).run()


class _Conversation:
    def __init__(self, socket: ClientConnection, request: Request, fresh: str, timeout: float) -> None:
        self._socket = socket
        self._request = request
        self._fresh = fresh
        self._timeout = timeout
        self._decoder = make_decoder(request.rule.framing)
        self._reply = SocketReply()

    def run(self) -> SocketReply:
        received = 0
        for frame in self._request.frames:
            until = time.monotonic() + _ACKNOWLEDGED
            while received < frame.after and self._receive(until) is not None:
                received += 1
            data = self._renewed(frame.data)
            self._decoder.decode(data, True)
            self._socket.send(data)
        until = time.monotonic() + self._timeout
        while not self._reply.ended:
            messages = self._receive(until)
            if messages is None:
                raise TimeoutError("the reply did not end in time")
            for message in messages:
                self._read(message)
        return self._reply

    def _renewed(self, data: str | bytes) -> str | bytes:
        old = self._request.session
        if isinstance(data, bytes):
            return data.replace(old.encode(), self._fresh.encode())
        return data.replace(old, self._fresh)

    def _receive(self, until: float) -> list[Message] | None:
        """The messages of the next frame; None when none comes in time."""
        try:
            data = self._socket.recv(timeout=max(0.0, until - time.monotonic()))
        except TimeoutError:
            return None
        return self._decoder.decode(data, False)

    def _read(self, message: Message) -> None:
        rule, reply = self._request.rule, self._reply
        events = rule.events(message.value)
        for n, seen in enumerate(events, 1):
            if not rule.is_answer(seen) or not self._is_addressed(seen, message.key):
                continue
            reply.provider = reply.provider or rule.provider_of({}, seen)
            reply.failed = reply.failed or rule.has_failed(seen)
            first_is_all = not rule.marks_end and message.final is not False and n == len(events)
            reply.ended = reply.ended or reply.failed or rule.is_done(seen) or first_is_all

    def _is_addressed(self, seen: Any, own: str | None) -> bool:
        """As `Exchanges` sees it: by the key when both sides have one; without any it is the next frame."""
        rule, key = self._request.rule, self._request.key
        if not rule.has_key and own is None:
            return key is None or rule.marks_parts
        return key is not None and rule.key_of(seen, own) == key
