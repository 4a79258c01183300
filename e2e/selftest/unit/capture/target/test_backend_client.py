"""Calls of a backend's own API: headers, bodies with placeholders, IDs of its own, and responses that report an error with status 200."""

from __future__ import annotations

import contextlib
import json
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.target.backend_client import BackendClient
from e2e.profile.parts.backend import Backend
from e2e.profile.profile import parse
from e2e.profile.recipes import MINIMAL, RECIPES

Reply = Callable[[str, dict[str, str], Any], Any]
"""From path, headers and JSON body to a JSON value."""


class Api:
    """An API in a thread of this process; a test says what it replies."""

    def __init__(self) -> None:
        self.reply: Reply = lambda path, headers, body: None
        self.calls: list[tuple[str, str]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                if self.path.startswith("/endless"):
                    self.send_response(200)
                    self.end_headers()
                    with contextlib.suppress(OSError):
                        while True:
                            self.wfile.write(b" " * 65536)
                    return
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                api.calls.append((self.command, self.path))
                value = api.reply(self.path, dict(self.headers), json.loads(raw) if raw else None)
                content = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = handle_any  # noqa: N815  (named by http.server)

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    thread = threading.Thread(target=api.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield api
    api.server.shutdown()
    api.server.server_close()
    thread.join()


@pytest.fixture
def client(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Backend], BackendClient]]:
    monkeypatch.setenv("ADMIN_TOKEN", "t-1")
    monkeypatch.setenv("ADMIN_KEY", "k-1")
    made: list[BackendClient] = []

    def client(backend: Backend) -> BackendClient:
        made.append(BackendClient(backend.model_copy(update={"url": api.url}), "", lambda: None))
        return made[-1]

    yield client
    for one in made:
        one.close()


def recipe(title: str) -> Backend:
    (toml,) = [text for name, _, text in RECIPES if name == title]
    backend = parse(tomllib.loads(MINIMAL) | tomllib.loads(toml), "acme.toml").backend
    assert backend is not None
    return backend


def look_up(client: BackendClient, session: str) -> tuple[str | None, int]:
    pending = client.ask(session)
    assert pending is not None
    provider, status, _ = pending.answer()
    return provider, status


def test_the_recipe_of_rest(api: Api, client: Any) -> None:
    def reply(path: str, headers: dict[str, str], body: Any) -> Any:
        assert (path, headers["Authorization"], body) == ("/sessions/a%2Fb%20c", "Bearer t-1", None)
        return {"assigned": {"provider": "prov_3"}}

    api.reply = reply
    assert look_up(client(recipe("Reading from the backend's API")), "a/b c") == ("prov_3", 200)


def test_the_recipe_of_graphql(api: Api, client: Any) -> None:
    def reply(path: str, headers: dict[str, str], body: Any) -> Any:
        assert (path, headers["Authorization"], headers["Content-Type"]) == (
            "/graphql", "Bearer t-1", "application/json",
        )  # fmt: skip
        assert body["query"].startswith("query ($id: ID!)")
        found = {"s-1": {"provider": "prov_3"}}.get(body["variables"]["id"])
        return {"data": {"session": found}}

    api.reply = reply
    graphql = client(recipe("Reading from a GraphQL API"))
    assert look_up(graphql, "s-1") == ("prov_3", 200)
    assert look_up(graphql, "s-2") == (None, 404)


def test_the_recipe_of_json_rpc(api: Api, client: Any) -> None:
    def reply(path: str, headers: dict[str, str], body: Any) -> Any:
        assert (path, headers["X-Api-Key"], body["jsonrpc"]) == ("/rpc", "k-1", "2.0")
        if body["method"] == "sessions.find":
            found = {"s-1": {"id": 77}, "s-2": {"id": 78}}.get(body["params"]["chat"])
            return {"jsonrpc": "2.0", "id": body["id"], "result": found}
        if body["params"] == ["77"]:
            return {"jsonrpc": "2.0", "id": body["id"], "result": {"node": "prov_3"}}
        return {"jsonrpc": "2.0", "id": body["id"], "error": {"code": -32000, "message": "no such session"}}

    api.reply = reply
    rpc = client(recipe("Reading from a JSON-RPC API that has IDs of its own"))
    assert look_up(rpc, "s-1") == ("prov_3", 200)
    assert look_up(rpc, "s-2") == (None, 404), "an error with status 200"
    assert look_up(rpc, "s-3") == (None, 404), "no ID of its own"
    assert look_up(rpc, "s-1") == ("prov_3", 200)
    assert len(api.calls) == 6, "an ID is translated once"


def test_a_call_has_headers_of_its_own_and_any_json(api: Api, client: Any) -> None:
    seen: list[Any] = []

    def reply(path: str, headers: dict[str, str], body: Any) -> Any:
        seen.append((headers.get("X-Session"), body))
        return {"p": 7}

    api.reply = reply
    body = {"a": [1, {"b": "id {session}"}], "c": True}
    call = {
        "method": "POST",
        "path": "/x",
        "headers": {"X-Session": "{session}"},
        "body": body,
        "provider": "p",
    }
    assert look_up(client(Backend.model_validate({"lookup": call})), "s-1") == ("7", 200)
    assert seen == [("s-1", {"a": [1, {"b": "id s-1"}], "c": True})]


def test_an_id_that_no_header_can_carry_is_no_response(client: Any) -> None:
    call = {"method": "GET", "path": "/x", "headers": {"X-Session": "{session}"}, "provider": "p"}
    assert look_up(client(Backend.model_validate({"lookup": call})), "a\nb") == (None, 0)


class TestConnection:
    """A connection that is kept open may be closed by the server meanwhile."""

    class Connection:
        def __init__(self, *outcomes: Any, opened: bool) -> None:
            self.outcomes, self.closed = list(outcomes), 0
            self.sock: Any = object() if opened else None

        def request(self, *_: Any) -> None:
            self.sock = self.sock or object()

        def getresponse(self) -> Any:
            outcome = self.outcomes.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            pieces = [b"read"]
            return SimpleNamespace(status=outcome, length=4, read1=lambda _: pieces.pop(), close=lambda: None)

        def close(self) -> None:
            self.closed, self.sock = self.closed + 1, None

    def client(self, connection: Any) -> BackendClient:
        client = BackendClient.__new__(BackendClient)
        client._connection, client._timeout = connection, 5.0
        return client

    def test_it_is_opened_again_once(self) -> None:
        connection = self.Connection(OSError("closed"), 200, opened=True)
        assert self.client(connection)._request("GET", "/", None, {}) == (200, b"read")
        assert (connection.closed, connection.outcomes) == (1, [])

    @pytest.mark.parametrize(("opened", "left"), [(True, 1), (False, 2)])
    def test_a_server_that_is_gone_is_not_tried_for_ever(self, opened: bool, left: int) -> None:
        connection = self.Connection(OSError("1"), OSError("2"), OSError("3"), opened=opened)
        with pytest.raises(OSError, match="2" if opened else "1"):
            self.client(connection)._request("GET", "/", None, {})
        assert len(connection.outcomes) == left


def test_a_response_that_never_ends_is_an_error(api: Api) -> None:
    """A socket's time limit is one between two pieces: a run waited for ever in its end."""
    backend = Backend.model_validate(
        {"lookup": {"path": "/endless/{session}", "method": "GET", "provider": "p"}}
    )
    client = BackendClient(backend.model_copy(update={"url": api.url}), "", lambda: None)
    assert backend.lookup is not None
    answer = client.call(backend.lookup, "s1")
    client.close()
    assert (answer.status, answer.provider) == (0, None)
    assert "had not ended after 4," in answer.error


def test_a_client_that_was_closed_waits_for_its_call_and_makes_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = BackendClient(Backend.model_validate(tomllib.loads(LOOKUP)), "http://127.0.0.1:9/", lambda: None)
    began, go = threading.Event(), threading.Event()
    done: list[str] = []

    def call(_: Any, session: str) -> Any:
        began.set()
        go.wait(10)
        done.append(session)
        return SimpleNamespace(provider=None, status=200, t=1.0)

    monkeypatch.setattr(client, "call", call)
    first, second = client.ask("s-1"), client.ask("s-2")
    assert first is not None
    assert second is not None
    assert began.wait(10)
    threading.Timer(0.05, go.set).start()
    client.close()
    assert (done, first.done(), second.done()) == (["s-1"], True, True)
    with pytest.raises(RuntimeError):
        client.ask("s-3")


LOOKUP = """
lookup = { method = "GET", path = "/sessions/{session}", provider = "provider" }
"""
