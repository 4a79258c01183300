"""A client of the reference chat for its own tests: sends what a browser sends, without a browser."""

from __future__ import annotations

import http.client
import itertools
import json
import socket as sockets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import ClientConnection, connect

_STREAMS = itertools.count(1)
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Answer:
    """A complete HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as a JSON value."""
        return json.loads(self.body)

    @property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """The body as server-sent events: name and data."""
        return sse_events(self.body)


def sse_events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return the complete events in a stream's body: name and data."""
    events = []
    for block in body.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        events.append((fields["event"], json.loads(fields["data"])))
    return events


def chat_body(session_id: str = "session_1", **changed: object) -> dict[str, Any]:
    """Return the body of a chat request with a new stream ID; `changed` replaces fields."""
    body = {
        "session_id": session_id,
        "stream_id": f"stream-{next(_STREAMS)}",
        "message": "Hello?",
        "history": [],
    }
    return body | changed


class Client:
    """Sends HTTP requests, each over a connection of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.address = urlsplit(url).netloc

    def open(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """Send a request and return the response once its headers have arrived; JSON unless `body` is bytes."""
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT_S)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        content = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, data, content | dict(headers or {}))
        return connection.getresponse()

    def request(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request and return the complete response."""
        with self.open(method, path, body, headers) as response:
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def chat(
        self,
        session_id: str = "session_1",
        *,
        accept: str = "text/event-stream",
        cookie: str = "",
        **changed: object,
    ) -> Answer:
        """Send a message."""
        headers = {"Accept": accept} | ({"Cookie": cookie} if cookie else {})
        return self.request("POST", "/api/chat", chat_body(session_id, **changed), headers)

    def provider(self, session_id: str = "session_1", *, cookie: str = "") -> str:
        """Send a message and return the provider of the reply."""
        return str(self.chat(session_id, cookie=cookie).events[0][1]["provider"])

    def raw(self) -> sockets.socket:
        """Open a TCP connection."""
        host, _, port = self.address.rpartition(":")
        return sockets.create_connection((host, int(port)), timeout=TIMEOUT_S)

    def socket(self, *, cookie: str = "") -> ClientConnection:
        """Open a WebSocket."""
        headers = {"Cookie": cookie} if cookie else {}
        return connect(
            f"ws://{self.address}/api/ws", additional_headers=headers, open_timeout=TIMEOUT_S, proxy=None
        )


def send_message(socket: ClientConnection, session_id: str = "session_1", **changed: object) -> str:
    """Send a message over a WebSocket and return the stream's ID."""
    body = chat_body(session_id, **changed)
    stream_id = str(body.pop("stream_id"))
    socket.send(json.dumps({"type": "chat", "id": stream_id} | body))
    return stream_id


def receive(socket: ClientConnection) -> dict[str, Any]:
    """Return the next message from a WebSocket."""
    message: dict[str, Any] = json.loads(socket.recv(TIMEOUT_S))
    return message


def receive_reply(socket: ClientConnection) -> list[dict[str, Any]]:
    """Return the messages from a WebSocket up to the end of a reply or an error."""
    messages = [receive(socket)]
    while messages[-1]["type"] not in ("done", "error"):
        messages.append(receive(socket))
    return messages


def wait_for(what: str, holds: Callable[[], bool]) -> None:
    """Poll until `holds` returns true. Raises TimeoutError naming `what`."""
    end = monotonic() + TIMEOUT_S
    while not holds():
        if monotonic() > end:
            raise TimeoutError(f"waited {TIMEOUT_S:g} s for {what}")
