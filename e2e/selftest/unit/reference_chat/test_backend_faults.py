"""The faults of the reference chat's backend: each shows the behaviour of its name, a healthy backend none."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import select
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError

from e2e.selftest.unit.reference_chat.client import (
    Client,
    chat_body,
    receive,
    receive_reply,
    send_message,
    sse_events,
    wait_for,
)
from fixtures.reference_chat.backend import faults, variants
from fixtures.reference_chat.backend.model.errors import ClientGone, ConnectionCut
from fixtures.reference_chat.backend.model.parts import Delays, IncomingRequest, Plan, Reply, RequestKind
from fixtures.reference_chat.backend.options import STORES, TRANSPORTS
from fixtures.reference_chat.launcher import LaunchError, ReferenceChat


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


def test_healthy_session_keeps_its_provider(client: Client) -> None:
    named = [client.provider() for _ in range(5)]
    named += [client.request("GET", "/api/sessions/session_1").json["provider"] for _ in range(5)]
    named += [client.request("PUT", "/api/sessions/session_1").json["provider"] for _ in range(5)]
    assert len(set(named)) == 1


def test_provider_pinned_assigns_the_first_provider_to_every_session(
    client: Client, chat: ReferenceChat
) -> None:
    chat.set_faults(["provider-pinned"])
    assert {client.provider(f"s{n}") for n in range(10)} == {"Big hat"}
    assert {client.request("PUT", f"/api/sessions/t{n}").json["provider"] for n in range(10)} == {"Big hat"}


def test_provider_flaps_never_repeats_a_provider_in_a_row(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["provider-flaps"])
    named = []
    with client.socket() as socket:
        for _ in range(8):
            named.append(client.provider())
            named.append(client.request("GET", "/api/sessions/session_1").json["provider"])
            named.append(client.request("PUT", "/api/sessions/session_1").json["provider"])
            send_message(socket)
            named.append(receive_reply(socket)[0]["provider"])
    assert all(one != other for one, other in itertools.pairwise(named))
    assert len(set(named)) > 2


def test_provider_flaps_needs_two_providers(chat: ReferenceChat) -> None:
    with pytest.raises(LaunchError, match="needs 2 providers or more"):
        ReferenceChat.start(providers=1, faults=["provider-flaps"])


def test_session_leaked_keeps_a_removed_session(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["session-leaked"])
    provider = client.provider()
    assert client.request("DELETE", "/api/sessions/session_1").json == {
        "session_id": "session_1",
        "removed": True,
    }
    assert client.request("GET", "/api/sessions/session_1").json["provider"] == provider
    assert client.request("GET", "/api/stats").json["active_sessions"] == 1
    assert client.request("DELETE", "/api/sessions/never").status == 404


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("backend-down", 500, "backend_down"),
        ("rate-limited", 429, "rate_limited"),
        ("login-wall", 401, "login_required"),
    ],
)
def test_refusing_fault_affects_chat_and_sessions_but_not_health(
    client: Client, chat: ReferenceChat, fault: str, status: int, code: str
) -> None:
    chat.set_faults([fault])
    answers = [client.chat(), client.chat(accept="application/json")]
    answers += [client.request(method, "/api/sessions/s") for method in ("PUT", "GET", "DELETE")]
    assert {(a.status, a.json["error"]["code"], a.headers["content-type"]) for a in answers} == {
        (status, code, "application/json")
    }
    assert all(("retry-after" in a.headers) == (status == 429) for a in answers)
    with client.socket() as socket:
        stream_id = send_message(socket)
        error = receive(socket)
    assert (error["type"], error["id"], error["code"], error["status"]) == ("error", stream_id, code, status)
    assert client.request("GET", "/api/health").status == 200
    assert [r["status"] for r in chat.requests()][:6] == [status] * 6
    assert chat.state()["active_sessions"] == 0


def test_rate_limited_sends_retry_after(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["rate-limited"])
    assert int(client.chat().headers["retry-after"]) > 0
    with client.socket() as socket:
        send_message(socket)
        assert receive(socket)["retry_after"] > 0


def test_environment_faults_begin_after_the_given_number_of_messages(
    client: Client, chat: ReferenceChat
) -> None:
    chat.set_faults(["backend-down", "provider-pinned"], after=2)
    assert client.request("GET", "/api/sessions/s").status == 404
    assert client.provider("one") == "Big hat"  # a product fault shows at once
    with client.socket() as socket:
        send_message(socket, "two")
        assert receive(socket)["type"] == "start"
    assert client.chat("three").status == 500
    assert client.request("GET", "/api/sessions/s").status == 500
    chat.set_faults(["backend-down"], after=1)  # the count restarts
    assert [client.chat(n).status for n in ("four", "five")] == [200, 500]


def test_fault_after_is_a_start_option_and_survives_a_reset() -> None:
    with ReferenceChat.start(faults=["backend-down"], fault_after=1) as chat:
        client = Client(chat.url)
        assert [client.chat().status for _ in range(2)] == [200, 500]
        chat.reset()
        assert [client.chat().status for _ in range(2)] == [200, 500]


def test_slow_delays_chats_and_not_sessions(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["slow"])
    with client.raw() as sock, client.socket() as socket:
        body = str(chat_body("hangs")).replace("'", '"').encode()
        head = b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        sock.sendall(head % len(body) + body)
        send_message(socket, "hangs-too")
        wait_for("both chats to arrive", lambda: len(chat.requests()) == 2)
        assert client.request("PUT", "/api/sessions/other").status == 201
        assert [r["status"] for r in chat.requests()] == [None, None, 201]
        assert not select.select([sock, socket.socket], [], [], 0)[0]


def test_slow_waits_60_s_before_a_chat_and_not_before_a_session_request() -> None:
    waited = []

    async def pause(seconds: float, /) -> None:
        waited.append(seconds)

    guard = faults.plan_for(["slow"], environment=True).guard
    asyncio.run(guard(IncomingRequest("session", pause)))  # type: ignore[arg-type]
    assert waited == []
    asyncio.run(guard(IncomingRequest("chat", pause)))  # type: ignore[arg-type]
    assert waited == [60.0]


@pytest.mark.parametrize(
    ("kind", "from_page", "waits"), [("session", True, [0.25]), ("session", False, []), ("chat", True, [])]
)
def test_late_rotation_delays_only_session_requests_of_a_page(
    kind: RequestKind, from_page: bool, waits: list[float]
) -> None:
    waited = []

    async def pause(seconds: float, /) -> None:
        waited.append(seconds)

    guard = faults.plan_for(["late-rotation"], environment=False).guard
    asyncio.run(guard(IncomingRequest(kind, pause, from_page)))  # type: ignore[arg-type]
    assert waited == waits


def test_slow_ends_when_the_client_disconnects() -> None:
    async def pause(seconds: float, /) -> None:
        raise ClientGone

    guard = faults.plan_for(["slow"], environment=True).guard
    with pytest.raises(ClientGone):
        asyncio.run(guard(IncomingRequest("chat", pause)))  # type: ignore[arg-type]


def test_stream_cut_ends_a_stream_after_two_chunks(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["stream-cut"])
    with (
        client.open("POST", "/api/chat", chat_body()) as response,
        pytest.raises(http.client.IncompleteRead) as cut,
    ):
        response.read()
    assert [name for name, _ in sse_events(cut.value.partial)] == ["start", "chunk", "chunk"]


def test_stream_cut_waits_after_the_second_chunk() -> None:
    """Without the wait Chromium delivers no chunk of most streams to the page, so the cut looks like a refusal."""
    steps: list[object] = []

    async def pause(seconds: float, /) -> None:
        steps.append(seconds)

    async def deliver_all() -> None:
        deliver = faults.plan_for(["stream-cut"], environment=True).deliver
        async for event in deliver(Reply("s", "Big hat", ("a", "b", "c")), Delays(), pause):
            steps.append(event.index)

    with pytest.raises(ConnectionCut):
        asyncio.run(deliver_all())
    assert steps == [0, 0.0, 1, 0.0, 2, 0.1]


def test_stream_cut_truncates_a_json_reply(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["stream-cut"])
    with (
        client.open("POST", "/api/chat", chat_body(), {"Accept": "application/json"}) as response,
        pytest.raises(http.client.IncompleteRead) as cut,
    ):
        response.read()
    assert b" here: " in cut.value.partial
    assert not cut.value.partial.endswith(b"}")


def test_stream_cut_drops_a_websocket_without_closing_handshake(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["stream-cut"])
    with client.socket() as socket:
        send_message(socket)
        assert [receive(socket)["type"] for _ in range(3)] == ["start", "chunk", "chunk"]
        with pytest.raises(ConnectionClosedError) as closed:
            receive(socket)
    assert closed.value.rcvd is None  # a browser reports 1006


def test_faults_can_be_combined(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["session-leaked", "provider-flaps", "stream-cut"])
    client.request("PUT", "/api/sessions/s")
    client.request("DELETE", "/api/sessions/s")
    one, other = (client.request("GET", "/api/sessions/s").json["provider"] for _ in range(2))
    assert one != other
    with client.open("POST", "/api/chat", chat_body()) as response, pytest.raises(http.client.IncompleteRead):
        response.read()


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (["stale"], "'stale', which is not a fault; known: new-chat-unavailable, .*stream-cut"),
        (["provider-flaps", "provider-pinned"], "'provider-flaps' together with 'provider-pinned'"),
        (["provider-cycles", "provider-sticky"], "'provider-cycles' together with 'provider-sticky'"),
    ],
)
def test_unknown_or_conflicting_faults_are_refused(chat: ReferenceChat, names: list[str], rule: str) -> None:
    chat.set_faults(["label-stale"])
    with pytest.raises(LaunchError, match=rule):
        chat.set_faults(names)
    assert chat.state()["faults"] == ["label-stale"]


@pytest.mark.parametrize(
    ("name", "setting", "rule"),
    [
        ("tab-bleed", {"store": "url"}, "with the store url; it is visible with localStorage, cookie"),
        ("tab-bleed", {"store": "none"}, "with the store none; it is visible with localStorage, cookie"),
        ("cached-reply", {"transport": "websocket"}, "over websocket; it is visible over json, sse"),
    ],
)
def test_fault_is_refused_where_it_is_not_visible(name: str, setting: dict[str, str], rule: str) -> None:
    with pytest.raises(faults.FaultError, match=rule) as refusal:
        faults.check([name], 9, **setting)
    assert "\n" not in str(refusal.value)
    assert faults.check([name], 9) == (name,)


def test_start_and_control_plane_refuse_an_invisible_fault(chat: ReferenceChat) -> None:
    with pytest.raises(LaunchError, match="--fault: got 'tab-bleed' with the store none"):
        ReferenceChat.start(store="none", faults=["tab-bleed"])
    chat.set_faults(["cached-reply"])
    with pytest.raises(LaunchError, match="got 'cached-reply' over websocket"):
        chat.configure(transport="websocket")
    assert chat.state()["config"]["transport"] == "sse"
    chat.set_faults([])
    chat.configure(transport="websocket")
    with pytest.raises(LaunchError, match="got 'cached-reply' over websocket"):
        chat.set_faults(["cached-reply"])


def test_stores_and_transports_in_the_table_are_options() -> None:
    for fault in faults.FAULTS:
        assert set(fault.stores) <= set(STORES), fault.name
        assert set(fault.transports) <= set(TRANSPORTS), fault.name


def test_every_fault_that_needs_the_backend_has_one_variant_module() -> None:
    modules = {path.stem.replace("_", "-") for path in Path(str(variants.__file__)).parent.rglob("[a-z]*.py")}
    # A frontend fault too: its page waits for the backend, which must be slow.
    assert modules == {fault.name for fault in faults.FAULTS if fault.side == "backend"} | {"late-rotation"}
    for fault in faults.FAULTS:
        assert (fault.install is not None) == (fault.name in modules), fault.name
        assert fault.description
        assert "\n" not in fault.description
        if fault.install is not None:
            assert fault.install(Plan()) != Plan(), f"{fault.name} changes nothing"
            # The plans with and without environment faults share one selector.
            keeps_selector = fault.install(Plan()).selector is Plan().selector
            assert keeps_selector or fault.kind == "fault", fault.name


def test_without_backend_faults_the_plan_is_healthy() -> None:
    assert faults.plan_for([], environment=True) == Plan()
    assert faults.plan_for(["stale-state", "slow"], environment=False) == Plan()
