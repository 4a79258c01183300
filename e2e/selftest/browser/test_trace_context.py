"""The header ``traceparent`` reaches the page's own backend, chat by chat; a request to another origin stays as it was."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.profile.profile import Profile, load
from e2e.records.evidence import read_run
from e2e.records.records import RunRecords
from e2e.records.trace_ids import traceparent

PAGE = """<!doctype html><title>Chat</title>
<input aria-label="Message"><button>New chat</button><div id="log"></div>
<script>
const api = new URLSearchParams(location.search).get('api') || '';
const fresh = () => localStorage.setItem('chat_session', 'session_' + crypto.randomUUID());
if (!localStorage.getItem('chat_session')) fresh();
document.querySelector('button').onclick = () => { document.querySelector('#log').textContent = ''; fresh(); };
document.querySelector('input').onkeydown = async (event) => {
  if (event.key !== 'Enter') return;
  const message = event.target.value;
  event.target.value = '';
  const body = JSON.stringify({session_id: localStorage.getItem('chat_session'), message});
  const reply = await fetch(api + '/api/chat', {method: 'POST', headers: {'Content-Type': 'application/json'}, body});
  document.querySelector('#log').textContent = (await reply.json()).text;
};
</script>"""

PROFILE = """
name = "traced"
title = "A traced chat"
[where]
url = "http://127.0.0.1/"
ready = { role = "textbox", name = "Message" }
[session]
store = "localStorage"
key = "chat_session"
[steps]
message_box = { role = "textbox", name = "Message" }
new_chat = [{ click = { role = "button", name = "New chat" } }]
send = [{ press = "Enter" }]
[[wire]]
name = "chat"
url = "/api/chat$"
method = "POST"
session = "session_id"
provider = "provider"
"""


class Server:
    """A chat's backend, with the headers of its chat requests."""

    def __init__(self) -> None:
        self.url = ""
        self.allowed = "content-type"
        """What a page of another origin may send."""
        self.traces: list[str | None] = []


@contextmanager
def serving() -> Iterator[Server]:
    class Backend(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply(PAGE if self.path.split("?")[0] == "/" else "", "text/html")

        def do_OPTIONS(self) -> None:
            self._reply("", "text/plain")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            server.traces.append(self.headers.get("traceparent"))
            self._reply(json.dumps({"text": "Hello", "provider": "one"}), "application/json")

        def _reply(self, text: str, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Headers", server.allowed)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep the output free of one line per request."""

    server = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), Backend) as http:
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        threading.Thread(target=http.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            http.shutdown()


@pytest.fixture(scope="module")
def page() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def api() -> Iterator[Server]:
    with serving() as server:
        yield server


IN_FIREFOX = "firefox"
WIRES = ("cdp", "in-page", pytest.param(IN_FIREFOX, marks=pytest.mark.long))
"""The sources of the wire in Chromium, and the one in Firefox."""


@pytest.fixture
def play(
    playwright: Playwright,
    own_browser: Browser,
    tmp_path: Path,
    page: Server,
    api: Server,
    request: pytest.FixtureRequest,
) -> Any:
    path = tmp_path / "traced.toml"
    path.write_text(PROFILE)
    page.traces, api.traces, api.allowed = [], [], "content-type"

    def play(
        url: str, *, origins: tuple[str, ...] = (), wanted: bool = True, wire: str = "auto"
    ) -> RunRecords:
        known: Profile = load(str(path))
        profile = known.model_copy(
            update={"where": known.where.model_copy(update={"trace_origins": origins})}
        )
        browser = request.getfixturevalue("firefox") if wire == IN_FIREFOX else own_browser
        wire = "auto" if wire == IN_FIREFOX else wire
        plan = Plan(profile, url, 3, 1, tmp_path, trace=False, traceparent=wanted, wire=wire)
        return read_run(Runner(plan, playwright, browser, {}).run())

    return play


def expected(run: RunRecords) -> list[str]:
    """The header of each message, in order."""
    return [traceparent(run.meta.run_id, chat.lane, chat.chat) for chat in run.chats for _ in chat.messages]


@pytest.mark.parametrize("wire", WIRES)
def test_each_chat_request_has_the_context_of_its_chat(play: Any, page: Server, wire: str) -> None:
    run = play(page.url, wire=wire)
    assert [chat.status for chat in run.chats] == ["observed"] * 3
    assert page.traces == expected(run)


@pytest.mark.parametrize("wire", ["cdp", pytest.param(IN_FIREFOX, marks=pytest.mark.long)])
def test_without_the_option_nothing_is_added(play: Any, page: Server, wire: str) -> None:
    play(page.url, wanted=False, wire=wire)
    assert set(page.traces) == {None}


@pytest.mark.parametrize("wire", WIRES)
def test_a_request_to_another_origin_stays_as_it_was(play: Any, page: Server, api: Server, wire: str) -> None:
    """Its server allows no such header: with it, every chat would fail."""
    run = play(f"{page.url}/?api={api.url}", wire=wire)
    assert [chat.status for chat in run.chats] == ["observed"] * 3
    assert set(api.traces) == {None}


@pytest.mark.parametrize("wire", ["cdp", pytest.param(IN_FIREFOX, marks=pytest.mark.long)])
def test_the_profile_names_origins_that_allow_it(play: Any, page: Server, api: Server, wire: str) -> None:
    api.allowed = "content-type, traceparent"
    run = play(f"{page.url}/?api={api.url}", origins=(api.url,), wire=wire)
    assert api.traces == expected(run)
