"""A plain client of the reference chat for its own tests: what a browser sends, without a browser."""

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
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

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
    """Return the complete events in the body of a stream."""
    events = []
    for block in body.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        events.append((fields["event"], json.loads(fields["data"])))
    return events


def chat_body(session_id: str = "session_1", **changed: object) -> dict[str, Any]:
    """Return the body of a chat request, with a stream ID of its own."""
    body = {
        "session_id": session_id,
        "stream_id": f"stream-{next(_STREAMS)}",
        "message": "Hello?",
        "history": [],
    }
    return body | changed


class Client:
    """Talks HTTP over one connection for each request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.address = urlsplit(url).netloc

    def open(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """Send a request and return the response as soon as its head is there; JSON unless `body` is bytes."""
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE_S)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        said = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, data, said | dict(headers or {}))
        return connection.getresponse()

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request and return the whole answer."""
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
        return self.ask("POST", "/api/chat", chat_body(session_id, **changed), headers)

    def provider(self, session_id: str = "session_1", *, cookie: str = "") -> str:
        """Send a message and return who answers."""
        return str(self.chat(session_id, cookie=cookie).events[0][1]["provider"])

    def raw(self) -> sockets.socket:
        """Open a bare connection."""
        host, _, port = self.address.rpartition(":")
        return sockets.create_connection((host, int(port)), timeout=PATIENCE_S)

    def socket(self, *, cookie: str = "") -> ClientConnection:
        """Open a WebSocket."""
        headers = {"Cookie": cookie} if cookie else {}
        return connect(
            f"ws://{self.address}/api/ws", additional_headers=headers, open_timeout=PATIENCE_S, proxy=None
        )


def say(socket: ClientConnection, session_id: str = "session_1", **changed: object) -> str:
    """Send a message over a socket and return the stream's ID."""
    body = chat_body(session_id, **changed)
    stream_id = str(body.pop("stream_id"))
    socket.send(json.dumps({"type": "chat", "id": stream_id} | body))
    return stream_id


def hear(socket: ClientConnection) -> dict[str, Any]:
    """Return the next message of a socket."""
    message: dict[str, Any] = json.loads(socket.recv(PATIENCE_S))
    return message


def hear_reply(socket: ClientConnection) -> list[dict[str, Any]]:
    """Return the messages of a socket up to the end of a reply, or up to an error."""
    messages = [hear(socket)]
    while messages[-1]["type"] not in ("done", "error"):
        messages.append(hear(socket))
    return messages


def wait_for(what: str, holds: Callable[[], bool]) -> None:
    """Ask again and again until `holds` does. Raises TimeoutError naming `what`."""
    end = monotonic() + PATIENCE_S
    while not holds():
        if monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE_S:g} s for {what}")
