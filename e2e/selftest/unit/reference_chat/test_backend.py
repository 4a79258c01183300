"""The healthy backend of the reference chat: its replies over three transports, its refusals, its control plane."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from e2e.selftest.unit.reference_chat.client import (
    Client,
    chat_body,
    receive,
    receive_reply,
    send_message,
    wait_for,
)
from fixtures.reference_chat.launcher import ReferenceChat

LONG_MS = 600_000  # the longest delay that can be set, far longer than any test


@pytest.fixture(scope="module")
def server() -> Iterator[ReferenceChat]:
    with ReferenceChat.start(seed=1) as chat:
        yield chat


@pytest.fixture
def chat(server: ReferenceChat) -> ReferenceChat:
    server.reset()
    return server


@pytest.fixture
def client(chat: ReferenceChat) -> Client:
    return Client(chat.url)


def test_stream_has_start_numbered_chunks_and_done(client: Client) -> None:
    answer = client.chat(stream_id="stream-x")
    names = [name for name, _ in answer.events]
    data = [data for _, data in answer.events]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert names[0] == "start"
    assert names[-1] == "done"
    assert set(names[1:-1]) == {"chunk"}
    assert 4 <= len(names) - 2 <= 6
    assert [d["chunk_index"] for d in data] == list(range(len(data)))
    assert {d["stream_id"] for d in data} == {"stream-x"}
    assert data[0]["session_id"] == "session_1"
    assert data[-1]["finish_reason"] == "stop"
    assert "".join(d["text"] for d in data[1:-1]).startswith(f"{data[0]['provider']} here: ")


def test_json_response_contains_the_complete_reply(client: Client) -> None:
    answer = client.chat(stream_id="stream-x", accept="application/json")
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json) == ["stream_id", "session_id", "provider", "text", "finish_reason"]
    assert answer.json["stream_id"] == "stream-x"
    assert answer.json["session_id"] == "session_1"
    assert answer.json["finish_reason"] == "stop"
    assert answer.json["text"].startswith(f"{answer.json['provider']} here: ")


def test_websocket_sends_start_chunks_and_done_for_each_message(client: Client) -> None:
    with client.socket() as socket:
        for _ in range(2):
            stream_id = send_message(socket, "session_1")
            messages = receive_reply(socket)
            assert [m["chunk_index"] for m in messages] == list(range(len(messages)))
            assert [m["type"] for m in messages[1:-1]] == ["chunk"] * (len(messages) - 2)
            assert {m["id"] for m in messages} == {stream_id}
            assert messages[0]["type"] == "start"
            assert messages[0]["session_id"] == "session_1"
            assert messages[-1]["finish_reason"] == "stop"
            text = "".join(m["text"] for m in messages[1:-1])
            assert text.startswith(f"{messages[0]['provider']} here: ")


def test_all_transports_share_one_session(client: Client) -> None:
    by_stream = client.provider("shared")
    by_json = client.chat("shared", accept="application/json").json["provider"]
    with client.socket() as socket:
        send_message(socket, "shared")
        by_socket = receive_reply(socket)[0]["provider"]
    looked_up = client.request("GET", "/api/sessions/shared").json
    assert looked_up == {"session_id": "shared", "provider": by_stream, "messages": 3}
    assert by_json == by_socket == by_stream


def test_stream_chunks_arrive_before_the_reply_is_complete(client: Client, chat: ReferenceChat) -> None:
    chat.configure(chunk_ms=LONG_MS)
    with client.open("POST", "/api/chat", chat_body(), {"Accept": "text/event-stream"}) as response:
        received = b"".join(response.readline() for _ in range(6))
    assert (
        received.count(b"event: ") == 2
    )  # the start and the first chunk; the second chunk comes 10 minutes later


def test_replies_over_one_websocket_are_concurrent(client: Client, chat: ReferenceChat) -> None:
    chat.configure(reply_ms=LONG_MS)
    with client.socket() as socket:
        slow = send_message(socket, "one")
        assert receive(socket)["id"] == slow
        chat.configure(reply_ms=0)
        quick = send_message(socket, "two")
        assert {m["id"] for m in receive_reply(socket)} == {quick}


def test_websocket_stop_ends_the_reply(client: Client, chat: ReferenceChat) -> None:
    chat.configure(chunk_ms=LONG_MS)
    with client.socket() as socket:
        stream_id = send_message(socket)
        assert [receive(socket)["type"] for _ in range(2)] == ["start", "chunk"]
        socket.send(json.dumps({"type": "stop", "id": stream_id}))
        assert receive(socket) == {
            "type": "done",
            "id": stream_id,
            "chunk_index": 2,
            "finish_reason": "stopped",
        }


def test_websocket_stop_right_after_the_message_ends_the_reply(client: Client, chat: ReferenceChat) -> None:
    chat.configure(reply_ms=LONG_MS)
    with client.socket() as socket:
        stream_id = send_message(socket)
        socket.send(json.dumps({"type": "stop", "id": stream_id}))
        assert receive_reply(socket)[-1]["finish_reason"] == "stopped"


def test_websocket_stop_after_the_reply_is_ignored(client: Client) -> None:
    with client.socket() as socket:
        stream_id = send_message(socket)
        receive_reply(socket)
        socket.send(json.dumps({"type": "stop", "id": stream_id}))
        assert send_message(socket) == receive_reply(socket)[-1]["id"]


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        ("{", "malformed_json", None),
        ("", "malformed_json", None),
        ('{"type": "dance"}', "invalid_field", "type"),
        ('{"type": "stop"}', "invalid_field", "id"),
        ('{"type": "chat", "id": "a", "session_id": "a b", "message": "x"}', "invalid_field", "session_id"),
        ('{"type": "chat", "id": "a", "session_id": "b", "message": " "}', "invalid_field", "message"),
    ],
)
def test_invalid_websocket_message_is_refused_and_the_socket_stays_open(
    client: Client, sent: str, code: str, field: str | None
) -> None:
    with client.socket() as socket:
        socket.send(sent)
        error = receive(socket)
        assert (error["type"], error["code"], error.get("field")) == ("error", code, field)
        assert error["reason"]
        assert send_message(socket) == receive_reply(socket)[-1]["id"]


def test_stream_id_of_a_running_reply_is_refused(client: Client, chat: ReferenceChat) -> None:
    chat.configure(reply_ms=LONG_MS)
    with client.socket() as socket:
        send_message(socket, stream_id="twin")
        assert receive(socket)["type"] == "start"
        send_message(socket, stream_id="twin")
        assert receive(socket)["field"] == "id"


def test_websocket_refuses_a_ninth_concurrent_reply(client: Client, chat: ReferenceChat) -> None:
    chat.configure(reply_ms=LONG_MS)
    with client.socket() as socket:
        for _ in range(9):
            send_message(socket)
        kinds = [receive(socket) for _ in range(9)]
    refused = [m for m in kinds if m["type"] == "error"]
    assert [(m["code"], m["status"]) for m in refused] == [("too_many_streams", 429)]


def test_session_is_assigned_once_looked_up_and_removed(client: Client) -> None:
    first = client.request("PUT", "/api/sessions/s.1")
    again = client.request("PUT", "/api/sessions/s.1")
    assert (first.status, first.json["created"]) == (201, True)
    assert (again.status, again.json["created"]) == (200, False)
    provider = first.json["provider"]
    assert again.json["provider"] == provider
    assert client.provider("s.1") == provider
    assert client.request("GET", "/api/sessions/s.1").json == {
        "session_id": "s.1",
        "provider": provider,
        "messages": 1,
    }
    assert client.request("DELETE", "/api/sessions/s.1").json == {"session_id": "s.1", "removed": True}
    assert client.request("GET", "/api/sessions/s.1").status == 404
    assert client.request("DELETE", "/api/sessions/s.1").json["error"]["code"] == "no_session"


def test_stats_list_every_provider(client: Client) -> None:
    stats = client.request("GET", "/api/stats").json
    assert stats["active_sessions"] == 0
    assert list(stats["distribution"]) == stats["providers"]
    assert len(stats["providers"]) == 9
    assert stats["providers"][0] == "Big hat"
    provider = client.provider()
    stats = client.request("GET", "/api/stats").json
    assert stats["active_sessions"] == 1
    assert stats["distribution"] == {**dict.fromkeys(stats["providers"], 0), provider: 1}


def test_new_sessions_use_all_providers(client: Client) -> None:
    providers = {client.request("PUT", f"/api/sessions/s{n}").json["provider"] for n in range(60)}
    assert len(providers) == 9  # true for this seed; in 1 of 130 runs without a seed a provider is missing


def test_health_endpoint_responds_ok(client: Client) -> None:
    assert client.request("GET", "/api/health").json == {"status": "ok"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("session_id", None),
        ("session_id", ""),
        ("session_id", "a b"),
        ("session_id", "s\n"),
        ("session_id", "x" * 201),
        ("session_id", 7),
        ("stream_id", "<b>"),
        ("message", ""),
        ("message", "  \n"),
        ("message", "x" * 8001),
        ("message", ["secret"]),
        ("history", {}),
        ("history[0]", ["secret"]),
        ("history[0]", [{"role": "secret", "content": ""}]),
        ("history[1]", [{"role": "user", "content": ""}, {"role": "assistant", "content": None}]),
    ],
)
def test_invalid_field_is_refused_by_name_without_its_value(
    client: Client, field: str, value: object
) -> None:
    answer = client.chat(**{"session_id": "secret", field.partition("[")[0]: value})  # type: ignore[arg-type]
    assert answer.status == 422
    assert answer.json["error"]["code"] == "invalid_field"
    assert answer.json["error"]["field"] == field
    assert answer.json["error"]["reason"].startswith(f"{field}: must be")
    assert b"secret" not in answer.body


def test_longest_ids_and_messages_are_accepted(client: Client) -> None:
    answer = client.chat("x" * 200, message="é" * 8000, stream_id="A-Za.z0:9_")
    assert answer.status == 200
    assert answer.events[-1][0] == "done"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "malformed_json"),
        (b"", {}, 400, "malformed_json"),
        (b"\xff\xfe{}\xff", {}, 400, "malformed_json"),
        (b"[" * 60_000, {}, 400, "malformed_json"),
        (b"[]", {}, 422, "invalid_field"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        (b" " * (64 * 1024 + 1), {}, 413, "too_large"),
        (b" " * (64 * 1024), {}, 400, "malformed_json"),
    ],
    ids=["cut", "empty", "not-utf8", "deep", "list", "text", "form", "too-large", "largest"],
)
def test_invalid_body_is_refused(
    client: Client, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = client.request("POST", "/api/chat", body, headers)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)


def test_size_limit_applies_to_chunked_bodies(client: Client) -> None:
    answer = client.request("POST", "/api/chat", None, {"Content-Type": "application/json"})
    assert answer.status == 400
    with client.raw() as sock:
        sock.sendall(
            b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + b" " * 0x8000 + b"\r\n"
            b"8001\r\n" + b" " * 0x8001 + b"\r\n"
        )
        assert sock.recv(12) == b"HTTP/1.1 413"


def test_content_type_with_parameters_is_accepted(client: Client) -> None:
    answer = client.request(
        "POST", "/api/chat", chat_body(), {"Content-Type": "Application/JSON; charset=utf-8"}
    )
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/api/sessions/a%20b", "/api/sessions/" + "x" * 201])
def test_invalid_session_id_in_the_path_is_refused(client: Client, path: str) -> None:
    answer = client.request("GET", path)
    assert (answer.status, answer.json["error"]["field"]) == (422, "session_id")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/assets/nothing.js", 404, "not_found"),
        ("GET", "/../pyproject.toml", 404, "not_found"),
        ("GET", "/control/state", 404, "not_found"),
        ("POST", "/nothing", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/chat", 405, "method_not_allowed"),
        ("PATCH", "/api/sessions/a", 405, "method_not_allowed"),
    ],
)
def test_unknown_path_or_method_is_refused(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)


def test_request_log_records_session_provider_and_status(client: Client, chat: ReferenceChat) -> None:
    provider = client.provider("one")
    client.chat("two", message="")
    client.chat("not an id")
    client.request("GET", "/api/sessions/one")
    with client.socket() as socket:
        send_message(socket, "one")
        receive_reply(socket)
        send_message(socket, "one", message="")
        receive_reply(socket)
    logged = [(r["method"], r["path"], r["session_id"], r["provider"], r["status"]) for r in chat.requests()]
    assert logged == [
        ("POST", "/api/chat", "one", provider, 200),
        ("POST", "/api/chat", "two", None, 422),
        ("POST", "/api/chat", None, None, 422),
        ("GET", "/api/sessions/one", "one", provider, 200),
        ("WS", "/api/ws", "one", provider, 200),
        ("WS", "/api/ws", "one", None, 422),
    ]
    times = [r["t"] for r in chat.requests()]
    assert times == sorted(times)
    chat.clear_requests()
    assert chat.requests() == []


def test_request_of_a_disconnected_client_has_no_status(client: Client, chat: ReferenceChat) -> None:
    chat.configure(reply_ms=LONG_MS)
    with client.raw() as sock:
        body = json.dumps(chat_body("left")).encode()
        sock.sendall(
            b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Accept: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        wait_for("the request to arrive", lambda: bool(chat.requests()))
    assert [(r["session_id"], r["status"]) for r in chat.requests()] == [("left", None)]
