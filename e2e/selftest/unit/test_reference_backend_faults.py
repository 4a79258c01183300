"""The faults of the reference chat's backend: each one shows what its name says, and nothing else does."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import select
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError

from e2e.selftest.unit.reference_client import (
    Client,
    chat_body,
    hear,
    hear_reply,
    say,
    sse_events,
    wait_for,
)
from fixtures.reference_chat.backend import faults, variants
from fixtures.reference_chat.backend.errors import ClientGone, ConnectionCut
from fixtures.reference_chat.backend.options import STORES, TRANSPORTS
from fixtures.reference_chat.backend.parts import Pace, Plan, Reply, Visit
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


def test_a_healthy_session_keeps_its_provider(client: Client) -> None:
    named = [client.provider() for _ in range(5)]
    named += [client.ask("GET", "/api/sessions/session_1").json["provider"] for _ in range(5)]
    named += [client.ask("PUT", "/api/sessions/session_1").json["provider"] for _ in range(5)]
    assert len(set(named)) == 1


def test_pinned_every_session_gets_the_first_provider(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["provider-pinned"])
    assert {client.provider(f"s{n}") for n in range(10)} == {"Big hat"}
    assert {client.ask("PUT", f"/api/sessions/t{n}").json["provider"] for n in range(10)} == {"Big hat"}


def test_flaps_no_two_answers_in_a_row_name_the_same_provider(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["provider-flaps"])
    named = []
    with client.socket() as socket:
        for _ in range(8):
            named.append(client.provider())
            named.append(client.ask("GET", "/api/sessions/session_1").json["provider"])
            named.append(client.ask("PUT", "/api/sessions/session_1").json["provider"])
            say(socket)
            named.append(hear_reply(socket)[0]["provider"])
    assert all(one != other for one, other in itertools.pairwise(named))
    assert len(set(named)) > 2


def test_flaps_needs_two_providers(chat: ReferenceChat) -> None:
    with pytest.raises(LaunchError, match="needs 2 providers or more"):
        ReferenceChat.start(providers=1, faults=["provider-flaps"])


def test_leaked_a_removed_session_is_still_there(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["session-leaked"])
    provider = client.provider()
    assert client.ask("DELETE", "/api/sessions/session_1").json == {
        "session_id": "session_1",
        "removed": True,
    }
    assert client.ask("GET", "/api/sessions/session_1").json["provider"] == provider
    assert client.ask("GET", "/api/stats").json["active_sessions"] == 1
    assert client.ask("DELETE", "/api/sessions/never").status == 404


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("backend-down", 500, "backend_down"),
        ("rate-limited", 429, "rate_limited"),
        ("login-wall", 401, "login_required"),
    ],
)
def test_refused_chats_and_sessions_but_not_the_health(
    client: Client, chat: ReferenceChat, fault: str, status: int, code: str
) -> None:
    chat.set_faults([fault])
    answers = [client.chat(), client.chat(accept="application/json")]
    answers += [client.ask(method, "/api/sessions/s") for method in ("PUT", "GET", "DELETE")]
    assert {(a.status, a.json["error"]["code"], a.headers["content-type"]) for a in answers} == {
        (status, code, "application/json")
    }
    assert all(("retry-after" in a.headers) == (status == 429) for a in answers)
    with client.socket() as socket:
        stream_id = say(socket)
        error = hear(socket)
    assert (error["type"], error["id"], error["code"], error["status"]) == ("error", stream_id, code, status)
    assert client.ask("GET", "/api/health").status == 200
    assert [r["status"] for r in chat.requests()][:6] == [status] * 6
    assert chat.state()["active_sessions"] == 0


def test_rate_limited_says_when_to_come_back(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["rate-limited"])
    assert int(client.chat().headers["retry-after"]) > 0
    with client.socket() as socket:
        say(socket)
        assert hear(socket)["retry_after"] > 0


def test_environment_faults_begin_after_so_many_chats(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["backend-down", "provider-pinned"], after=2)
    assert client.ask("GET", "/api/sessions/s").status == 404
    assert client.provider("one") == "Big hat"  # a product fault is there from the start
    with client.socket() as socket:
        say(socket, "two")
        assert hear(socket)["type"] == "start"
    assert client.chat("three").status == 500
    assert client.ask("GET", "/api/sessions/s").status == 500
    chat.set_faults(["backend-down"], after=1)  # counts anew
    assert [client.chat(n).status for n in ("four", "five")] == [200, 500]


def test_fault_after_is_an_option_of_the_start() -> None:
    with ReferenceChat.start(faults=["backend-down"], fault_after=1) as chat:
        client = Client(chat.url)
        assert [client.chat().status for _ in range(2)] == [200, 500]
        chat.reset()
        assert [client.chat().status for _ in range(2)] == [200, 500]


def test_slow_a_chat_gets_no_byte_and_sessions_go_on(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["slow"])
    with client.raw() as sock, client.socket() as socket:
        body = str(chat_body("hangs")).replace("'", '"').encode()
        head = b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        sock.sendall(head % len(body) + body)
        say(socket, "hangs-too")
        wait_for("both chats to arrive", lambda: len(chat.requests()) == 2)
        assert client.ask("PUT", "/api/sessions/other").status == 201
        assert [r["status"] for r in chat.requests()] == [None, None, 201]
        assert not select.select([sock, socket.socket], [], [], 0)[0]


def test_slow_waits_a_minute_before_a_chat_and_not_before_sessions() -> None:
    waited = []

    async def pause(seconds: float, /) -> None:
        waited.append(seconds)

    gate = faults.plan_for(["slow"], environment=True).gate
    asyncio.run(gate(Visit("session", pause)))  # type: ignore[arg-type]
    assert waited == []
    asyncio.run(gate(Visit("chat", pause)))  # type: ignore[arg-type]
    assert waited == [60.0]


def test_slow_ends_when_the_client_leaves() -> None:
    async def pause(seconds: float, /) -> None:
        raise ClientGone

    gate = faults.plan_for(["slow"], environment=True).gate
    with pytest.raises(ClientGone):
        asyncio.run(gate(Visit("chat", pause)))  # type: ignore[arg-type]


def test_cut_a_stream_ends_in_the_middle(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["stream-cut"])
    with (
        client.open("POST", "/api/chat", chat_body()) as response,
        pytest.raises(http.client.IncompleteRead) as cut,
    ):
        response.read()
    assert [name for name, _ in sse_events(cut.value.partial)] == ["start", "chunk", "chunk"]


def test_cut_comes_when_the_second_chunk_has_had_time_to_be_seen() -> None:
    """Without the wait Chromium hands the page no chunk in most streams, and the cut looks like a refusal."""
    steps: list[object] = []

    async def pause(seconds: float, /) -> None:
        steps.append(seconds)

    async def scene() -> None:
        deliver = faults.plan_for(["stream-cut"], environment=True).deliver
        async for event in deliver(Reply("s", "Big hat", ("a", "b", "c")), Pace(), pause):
            steps.append(event.index)

    with pytest.raises(ConnectionCut):
        asyncio.run(scene())
    assert steps == [0, 0.0, 1, 0.0, 2, 0.1]


def test_cut_a_json_reply_ends_in_the_middle(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["stream-cut"])
    with (
        client.open("POST", "/api/chat", chat_body(), {"Accept": "application/json"}) as response,
        pytest.raises(http.client.IncompleteRead) as cut,
    ):
        response.read()
    assert b" here: " in cut.value.partial
    assert not cut.value.partial.endswith(b"}")


def test_cut_a_socket_is_dropped_without_a_goodbye(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["stream-cut"])
    with client.socket() as socket:
        say(socket)
        assert [hear(socket)["type"] for _ in range(3)] == ["start", "chunk", "chunk"]
        with pytest.raises(ConnectionClosedError) as closed:
            hear(socket)
    assert closed.value.rcvd is None  # what a browser reports as 1006


def test_faults_can_be_had_together(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["session-leaked", "provider-flaps", "stream-cut"])
    client.ask("PUT", "/api/sessions/s")
    client.ask("DELETE", "/api/sessions/s")
    one, other = (client.ask("GET", "/api/sessions/s").json["provider"] for _ in range(2))
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
def test_faults_that_cannot_be_shown_are_refused(chat: ReferenceChat, names: list[str], rule: str) -> None:
    chat.set_faults(["label-stale"])
    with pytest.raises(LaunchError, match=rule):
        chat.set_faults(names)
    assert chat.state()["faults"] == ["label-stale"]


@pytest.mark.parametrize(
    ("name", "place", "rule"),
    [
        ("tab-bleed", {"store": "url"}, "with the store url; it shows with localStorage, cookie"),
        ("tab-bleed", {"store": "none"}, "with the store none; it shows with localStorage, cookie"),
        ("cached-reply", {"transport": "websocket"}, "over websocket; it shows over json, sse"),
    ],
)
def test_a_fault_is_refused_where_it_cannot_be_seen(name: str, place: dict[str, str], rule: str) -> None:
    with pytest.raises(faults.FaultError, match=rule) as refusal:
        faults.check([name], 9, **place)
    assert "\n" not in str(refusal.value)
    assert faults.check([name], 9) == (name,)


def test_a_start_and_the_control_plane_refuse_it_too(chat: ReferenceChat) -> None:
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


def test_every_place_in_the_table_is_one_of_the_options() -> None:
    for fault in faults.FAULTS:
        assert set(fault.stores) <= set(STORES), fault.name
        assert set(fault.transports) <= set(TRANSPORTS), fault.name


def test_the_table_and_the_variants_are_complete() -> None:
    modules = {path.stem.replace("_", "-") for path in Path(str(variants.__file__)).parent.glob("[a-z]*.py")}
    assert modules == {fault.name for fault in faults.FAULTS if fault.side == "backend"}
    for fault in faults.FAULTS:
        assert (fault.install is not None) == (fault.side == "backend"), fault.name
        assert fault.what
        assert "\n" not in fault.what
        if fault.install is not None:
            assert fault.install(Plan()) != Plan(), f"{fault.name} changes nothing"
            # Calm and rough share what draws the providers.
            keeps_lots = fault.install(Plan()).chooser is Plan().chooser
            assert keeps_lots or fault.kind == "fault", fault.name


def test_no_fault_is_the_healthy_plan() -> None:
    assert faults.plan_for([], environment=True) == Plan()
    assert faults.plan_for(["stale-state", "slow"], environment=False) == Plan()
