"""The control plane of the reference chat: one process serves tests with different options, one after the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, Literal, get_type_hints

import pytest

from e2e.selftest.unit.reference_chat.client import (
    Answer,
    Client,
    receive,
    receive_reply,
    send_message,
)
from fixtures.reference_chat.backend.core import Backend
from fixtures.reference_chat.backend.model.errors import ApiError
from fixtures.reference_chat.backend.model.parts import IncomingRequest
from fixtures.reference_chat.backend.model.store import Store
from fixtures.reference_chat.backend.options import Options
from fixtures.reference_chat.backend.providers import DEFAULT_PROVIDERS
from fixtures.reference_chat.backend.settings import Settings
from fixtures.reference_chat.launcher import LaunchError, ReferenceChat, SettingChanges

START = {
    "id_pattern": "timestamp",
    "transport": "sse",
    "store": "localStorage",
    "id_format": "blob",
    "rotation": "on_click",
    "providers": list(DEFAULT_PROVIDERS),
    "weights": None,
    "seed": 1,
    "reply_ms": 0,
    "chunk_ms": 0,
}

CHANGES: dict[str, Any] = {
    "id_pattern": "uuid",
    "transport": "websocket",
    "store": "indexedDB",
    "id_format": "bare",
    "rotation": "on_first_message",
    "providers": ["Red", "Green"],
    "weights": [0, 1],
    "seed": -7,
    "reply_ms": 1,
    "chunk_ms": 2,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceChat]:
    dist = tmp_path_factory.mktemp("dist")
    (dist / "index.html").write_text("<!doctype html><html><head></head><body></body></html>")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAT_E2E_FRONTEND_DIST", str(dist))
        with ReferenceChat.start(seed=1) as chat:
            yield chat


@pytest.fixture
def chat(server: ReferenceChat) -> ReferenceChat:
    server.reset()
    return server


@pytest.fixture
def client(chat: ReferenceChat) -> Client:
    return Client(chat.url)


def control(chat: ReferenceChat, method: str, path: str, body: object) -> Answer:
    assert chat.control_url is not None
    return Client(chat.control_url).request(method, f"/control/{path}", body)


def page_config(chat: ReferenceChat) -> dict[str, Any]:
    page = Client(chat.url).request("GET", "/").body.decode()
    config: dict[str, Any] = json.loads(page.split('id="chat-config">')[1].split("</script>")[0])
    return config


def draws(client: Client, number: int = 12) -> list[str]:
    return [client.provider(f"s{n}") for n in range(number)]


def test_every_setting_can_be_changed() -> None:
    """A setting that is added to the command line must be added to the launcher and to this test."""
    names = {field.name for field in fields(Settings)}
    assert names == set(get_type_hints(SettingChanges)) == set(CHANGES) == set(START)
    assert all(CHANGES[name] != START[name] for name in names)


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "weights"])
def test_configure_changes_one_setting_only(chat: ReferenceChat, name: str) -> None:
    chat.configure(**{name: CHANGES[name]})
    assert chat.state()["config"] == START | {name: CHANGES[name]}


def test_reset_applies_faults_and_every_setting_in_one_step(client: Client, chat: ReferenceChat) -> None:
    client.chat()
    chat.reset(faults=["label-stale", "backend-down"], fault_after=1, **CHANGES)
    state = chat.state()
    assert state["config"] == CHANGES
    assert (state["faults"], state["after"], state["chats"]) == (["label-stale", "backend-down"], 1, 0)
    assert (state["active_sessions"], state["providers"], chat.requests()) == (0, ["Red", "Green"], [])
    assert page_config(chat) == {
        "idPattern": "uuid",
        "transport": "websocket",
        "store": "indexedDB",
        "idFormat": "bare",
        "rotation": "on_first_message",
        "faults": ["label-stale"],
        "providers": ["Red", "Green"],
    }
    assert client.provider() == "Green"
    assert client.chat().status == 500


def test_reset_without_options_returns_to_the_start(client: Client, chat: ReferenceChat) -> None:
    first = draws(client)
    chat.reset(faults=["label-stale", "slow"], fault_after=3, **CHANGES)
    chat.reset()
    state = chat.state()
    assert (state["faults"], state["after"], state["chats"], state["active_sessions"]) == ([], 0, 0, 0)
    assert state["config"] == START
    assert chat.requests() == []
    assert draws(client) == first


def test_reset_returns_to_the_faults_of_the_start() -> None:
    with ReferenceChat.start(faults=["provider-pinned", "slow"], fault_after=5) as chat:
        chat.reset(faults=[])
        assert (chat.state()["faults"], chat.state()["after"]) == ([], 0)
        chat.reset(fault_after=2)
        assert (chat.state()["faults"], chat.state()["after"]) == (["provider-pinned", "slow"], 2)
        chat.reset()
        assert (chat.state()["faults"], chat.state()["after"]) == (["provider-pinned", "slow"], 5)


def test_reset_repeats_draws_and_texts_of_the_seed(client: Client, chat: ReferenceChat) -> None:
    def replies() -> list[bytes]:
        return [client.chat(f"s{n}", stream_id="s").body for n in range(8)]

    first = replies()
    assert replies() != first
    chat.reset()
    assert replies() == first
    chat.reset(seed=2)
    assert replies() != first
    chat.reset(seed=1)
    assert replies() == first


def test_reset_may_have_no_body(chat: ReferenceChat) -> None:
    chat.set_faults(["label-stale"])
    assert control(chat, "POST", "reset", None).json["faults"] == []


@pytest.mark.parametrize("kind", ["chat", "session"])
def test_request_that_waited_during_a_reset_is_refused(kind: Literal["chat", "session"]) -> None:
    """Otherwise a message of the test before would add a session and a draw to the state of the next test."""

    async def guard(request: IncomingRequest) -> None:
        await request.wait(60)

    async def wait(seconds: float, /) -> None:
        backend.reset()

    backend = Backend(Options(), Store())
    backend._with_environment = replace(backend.parts, guard=guard)
    with pytest.raises(ApiError, match="was reset while this request waited"):
        asyncio.run(backend.admit(kind, wait))
    assert (backend.messages, backend.stats()["active_sessions"]) == (0, 0)


def test_reset_leaves_an_open_reply_running(client: Client, chat: ReferenceChat) -> None:
    chat.configure(chunk_ms=100)
    with client.socket() as socket:
        send_message(socket)
        assert [receive(socket)["type"] for _ in range(2)] == ["start", "chunk"]
        chat.reset()
        assert receive_reply(socket)[-1]["type"] == "done"
    assert (chat.requests(), chat.state()["active_sessions"]) == ([], 0)


def test_sessions_keep_their_provider_when_the_providers_change(client: Client, chat: ReferenceChat) -> None:
    provider = client.provider("old")
    chat.configure(providers=["Red"])
    assert client.provider("old") == provider
    assert client.provider("new") == "Red"
    assert chat.state()["distribution"] == {"Red": 1, provider: 1}


def test_other_providers_drop_the_weights(client: Client, chat: ReferenceChat) -> None:
    chat.configure(providers=2, weights=[0, 1])
    assert set(draws(client)) == {DEFAULT_PROVIDERS[1]}
    chat.configure(providers=["Red", "Green", "Blue"])
    assert chat.state()["config"]["weights"] is None


def test_faults_of_the_providers_follow_a_change_of_the_providers(
    client: Client, chat: ReferenceChat
) -> None:
    chat.set_faults(["provider-cycles"])
    chat.configure(providers=["Red", "Green"])
    assert draws(client, 4) == ["Red", "Green", "Red", "Green"]


def test_another_seed_begins_new_draws(client: Client, chat: ReferenceChat) -> None:
    draws(client)
    chat.configure(seed=2)
    after_configure = [client.provider(f"t{n}") for n in range(12)]
    chat.reset(seed=2)
    assert [client.provider(f"t{n}") for n in range(12)] == after_configure


def test_other_delays_do_not_restart_the_draws(client: Client, chat: ReferenceChat) -> None:
    expected = draws(client)
    chat.reset()
    first = [client.provider(f"s{n}") for n in range(6)]
    chat.configure(reply_ms=1)
    assert first + [client.provider(f"s{n}") for n in range(6, 12)] == expected


@pytest.mark.parametrize(
    ("fault", "changes", "field"),
    [
        ("tab-bleed", {"store": "url"}, "store"),
        ("cached-reply", {"transport": "websocket"}, "transport"),
        ("provider-cycles", {"providers": 1}, "providers"),
    ],
)
def test_setting_that_hides_a_fault_is_refused(
    chat: ReferenceChat, fault: str, changes: dict[str, Any], field: str
) -> None:
    chat.set_faults([fault])
    before = chat.state()
    answer = control(chat, "PUT", "config", changes)
    assert (answer.status, answer.json["error"]["field"]) == (422, field)
    with pytest.raises(LaunchError, match=f"refused POST reset: faults: got '{fault}'"):
        chat.reset(faults=[fault], **changes)
    assert chat.state() == before


def test_refused_reset_keeps_sessions_and_log(client: Client, chat: ReferenceChat) -> None:
    client.chat()
    with pytest.raises(LaunchError, match="store: must be one of localStorage"):
        chat.reset(store="disk")
    assert (len(chat.requests()), chat.state()["active_sessions"]) == (1, 1)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", "faults", {}, "faults"),
        ("PUT", "faults", {"faults": "slow"}, "faults"),
        ("PUT", "faults", {"faults": ["nap"]}, "faults"),
        ("PUT", "faults", {"faults": ["slow"], "after": -1}, "after"),
        ("PUT", "faults", {"faults": ["slow"], "after": True}, "after"),
        ("PUT", "config", {"id_pattern": "uuid7"}, "id_pattern"),
        ("PUT", "config", {"transport": []}, "transport"),
        ("PUT", "config", {"store": "disk"}, "store"),
        ("PUT", "config", {"id_format": None}, "id_format"),
        ("PUT", "config", {"rotation": "never"}, "rotation"),
        ("PUT", "config", {"providers": 10}, "providers"),
        ("PUT", "config", {"providers": []}, "providers"),
        ("PUT", "config", {"providers": ["a", "a"]}, "providers"),
        ("PUT", "config", {"providers": ["a", 1]}, "providers"),
        ("PUT", "config", {"weights": [1, 2]}, "weights"),
        ("PUT", "config", {"providers": 2, "weights": [0, 0]}, "weights"),
        ("PUT", "config", {"providers": 2, "weights": ["1", "2"]}, "weights"),
        ("PUT", "config", {"providers": 2, "weights": 1}, "weights"),
        ("PUT", "config", {"seed": "1"}, "seed"),
        ("PUT", "config", {"reply_ms": 1.5}, "reply_ms"),
        ("PUT", "config", {"chunk_ms": 600_001}, "chunk_ms"),
        ("PUT", "config", {"speed": 1}, "body"),
        ("POST", "reset", {"config": []}, "config"),
        ("POST", "reset", {"config": {"seed": "1"}}, "seed"),
        ("POST", "reset", {"faults": "slow"}, "faults"),
        ("POST", "reset", {"after": -1}, "after"),
        ("POST", "reset", {"seed": 1}, "body"),
    ],
)
def test_invalid_control_value_is_refused_by_name(
    chat: ReferenceChat, method: str, path: str, body: object, field: str
) -> None:
    before = chat.state()
    answer = control(chat, method, path, body)
    assert (answer.status, answer.json["error"]["field"]) == (422, field)
    assert answer.json["error"]["reason"].startswith((f"{field}: ", f"{field} "))
    assert chat.state() == before
