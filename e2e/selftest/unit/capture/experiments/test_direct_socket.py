"""A message of a WebSocket, sent again without the browser: on a new connection, with its connect frames and a fresh ID."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from e2e.capture.experiments import direct
from e2e.capture.network.replay import Request
from e2e.selftest.unit.capture.network.test_binary_wire import Socket
from e2e.selftest.unit.capture.network.test_cdp import Params, Scene
from e2e.selftest.unit.framings.test_binary import field

OLD = "session_0e8f1c5277aa4b6e"
Serve = Callable[[Callable[[ServerConnection], None]], str]


@pytest.fixture
def backend() -> Iterator[Serve]:
    """Serves a handler in a thread, and gives its address."""
    running: list[tuple[Any, threading.Thread]] = []

    def start(handler: Callable[[ServerConnection], None]) -> str:
        server = serve(handler, "127.0.0.1", 0)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()


def recorded(rule: Params, url: str, *frames: tuple[bool, str | bytes]) -> Request | None:
    """The request of the last payload in a conversation of ``(sent, frame)``."""
    scene = Scene({"transport": "websocket", "url": "/ws", **rule})
    socket = Socket(scene, url)
    requests: list[Request | None] = []
    scene.log.on_payload = lambda exchange: requests.append(Request.of(exchange))  # type: ignore[method-assign]
    for sent, data in frames:
        socket.frame(data, sent=sent)
    return requests[-1]


def sent_again(request: Request | None, timeout: float = 5.0) -> direct.Reply:
    assert request is not None
    reply = direct.send(request, timeout)
    assert reply.session != OLD
    assert len(reply.session) == len(OLD)
    return reply


GRAPHQL: Params = {
    "framing": "graphql-ws",
    "when": "type == 'subscribe'",
    "session": "payload.variables.id",
    "provider": "payload.data.by",
}
SUBSCRIBE = {
    "id": "1",
    "type": "subscribe",
    "payload": {"query": "…", "variables": {"id": OLD, "text": "Hello"}},
}


def test_connect_frames_come_first_and_wait_for_their_acknowledgement(backend: Serve) -> None:
    seen: list[Any] = []

    def handler(socket: ServerConnection) -> None:
        seen.append(json.loads(socket.recv()))
        with pytest.raises(TimeoutError):  # a client that did not wait would be closed with 4401
            socket.recv(timeout=0.05)
        socket.send('{"type": "connection_ack"}')
        seen.append(json.loads(socket.recv()))
        socket.send('{"type": "ping"}')
        socket.send('{"id": "9", "type": "next", "payload": {"data": {"by": "prov_9"}}}')
        socket.send('{"id": "1", "type": "next", "payload": {"data": {"by": "prov_3"}}}')
        socket.send('{"id": "1", "type": "complete"}')

    request = recorded(
        GRAPHQL,
        backend(handler),
        (True, '{"type": "connection_init", "payload": {"token": "t"}}'),
        (False, '{"type": "connection_ack"}'),
        (True, json.dumps(SUBSCRIBE)),
        (False, '{"id": "1", "type": "complete"}'),
        (True, json.dumps(SUBSCRIBE)),
    )
    reply = sent_again(request)
    assert (reply.provider, reply.status, reply.failed) == ("prov_3", 101, False)
    assert seen[0] == {"type": "connection_init", "payload": {"token": "t"}}
    assert seen[1]["payload"]["variables"] == {"id": reply.session, "text": "Hello"}


def test_the_id_of_a_connect_frame_is_fresh_too(backend: Serve) -> None:
    """Socket.IO with the session in its connect packet, as Chainlit does."""
    sessions: list[str] = []

    def handler(socket: ServerConnection) -> None:
        socket.send('0{"sid": "x"}')
        sessions.append(json.loads(str(socket.recv())[2:])["session"])
        socket.send('40{"sid": "y"}')
        socket.recv()
        socket.send('42["done",{"by":"prov_4"}]')

    rule = {
        "framing": "socket.io",
        "when": "event == 'chat'",
        "session": {"connection": "connect.session"},
        "provider": "args[0].by",
    }
    frames = [
        (False, '0{"sid": "a"}'),
        (True, f'40{{"session":"{OLD}"}}'),
        (False, '40{"sid":"b"}'),
        (True, '42["chat","Hello"]'),
    ]
    reply = sent_again(recorded(rule, backend(handler), *frames))
    assert (reply.provider, sessions) == ("prov_4", [reply.session])


def test_the_handshake_is_the_pages_with_a_fresh_id(backend: Serve) -> None:
    """A backend that speaks several subprotocols closes a connection that names none."""
    requested: list[Any] = []

    def handler(socket: ServerConnection) -> None:
        assert socket.request is not None
        requested.append(socket.request.headers)
        socket.recv()
        socket.send('{"by": "prov_6"}')

    rule = {"session": "s", "when": "text", "provider": "by"}
    request = recorded(rule, backend(handler), (True, json.dumps({"s": OLD, "text": "Hello"})))
    assert request is not None
    page = {
        "Origin": "https://chat.example",
        "Sec-WebSocket-Protocol": "graphql-transport-ws, json",
        "User-Agent": "Mozilla/5.0",
        "X-Session": OLD,
        "Cookie": f"sid={OLD}",
        ":authority": "chat.example",
    }
    reply = sent_again(replace(request, headers=page))
    (headers,) = requested
    assert headers["Sec-WebSocket-Protocol"] == "graphql-transport-ws, json"
    assert headers["Origin"] == "https://chat.example"
    assert headers.get_all("User-Agent") == ["Mozilla/5.0"]
    assert headers["X-Session"] == reply.session
    assert "Cookie" not in headers
    sent_again(request)
    assert "Sec-WebSocket-Protocol" not in requested[1]


def test_a_later_frame_that_names_the_session_is_sent_before_the_message(backend: Serve) -> None:
    seen: list[bytes] = []

    def handler(socket: ServerConnection) -> None:
        seen.extend(socket.recv() for _ in range(3))  # type: ignore[misc]
        socket.send(field(2, "prov_5"))

    rule = {"framing": "protobuf", "when": "1.2", "session": "1.1", "provider": "2"}
    other = field(1, field(1, "session_1111111111111111") + field(2, "Hello"))
    frames: list[tuple[bool, bytes]] = [
        (True, field(7, "login")),
        (True, other),
        (False, field(2, "prov_1")),
        (True, field(8, "typing")),
        (True, field(9, OLD)),
        (True, field(1, field(1, OLD) + field(2, "Hello again"))),
    ]
    reply = sent_again(recorded(rule, backend(handler), *frames))
    assert reply.provider == "prov_5"
    assert seen == [
        field(7, "login"),
        field(9, reply.session),
        field(1, field(1, reply.session) + field(2, "Hello again")),
    ]


def test_a_reply_that_reports_a_failure_is_no_reply_to_count(backend: Serve) -> None:
    def handler(socket: ServerConnection) -> None:
        socket.recv()
        socket.send('{"type": "error"}')

    rule = {"session": "s", "when": "text", "failed": "type == 'error'", "done": "type == 'done'"}
    frames = [(True, json.dumps({"s": OLD, "text": "Hello"}))]
    assert sent_again(recorded(rule, backend(handler), *frames)).failed


def test_a_reply_that_does_not_end_is_an_error(backend: Serve) -> None:
    rule = {"session": "s", "when": "text", "done": "type == 'done'"}
    request = recorded(
        rule, backend(lambda socket: [*socket].clear()), (True, json.dumps({"s": OLD, "text": "Hi"}))
    )
    with pytest.raises(direct.ERRORS):
        sent_again(request, timeout=0.2)


@pytest.mark.parametrize(
    ("rule", "url", "frame"),
    [
        ({"session": {"cookie": "sid"}, "when": "text"}, "wss://a.example/ws", '{"text": "Hello"}'),
        ({"session": "s", "when": "text", "answered_by": "events"}, "wss://a.example/ws", '{"s": "session_1", "text": "Hello"}'),
        ({"session": "s", "when": "text"}, "wss://a.example/ws?EIO=4&sid=abc", '{"s": "session_1", "text": "Hello"}'),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_again_is_no_request(rule: Params, url: str, frame: str) -> None:
    assert recorded(rule, url, (True, frame)) is None


def test_a_reply_in_parts_goes_on_until_its_last_one(backend: Serve) -> None:
    """The backend keeps the connection open: what comes after the last part is another reply."""

    def handler(socket: ServerConnection) -> None:
        socket.recv()
        for value in ({"text": "It is "}, {"text": "me", "by": "prov_7"}, {"end": True}, {"by": "prov_8"}):
            socket.send(json.dumps(value))
        with contextlib.suppress(ConnectionClosed):
            socket.recv()

    rule = {"session": "s", "when": "text", "provider": "by", "done": "end"}
    reply = sent_again(recorded(rule, backend(handler), (True, json.dumps({"s": OLD, "text": "Hello"}))))
    assert (reply.provider, reply.failed) == ("prov_7", False)
