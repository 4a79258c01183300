"""Recipes with steps, frames, logins, limits and binary bodies, each run in the browser on a page of its kind, side by side."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Playwright
from websockets.sync.server import ServerConnection, serve

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.run.side_by_side import run_side_by_side
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.framings.decoders.protobuf import message_of
from e2e.profile.profile import Profile
from e2e.records.evidence import read_run
from e2e.selftest.unit.framings.test_binary import field, grpc
from e2e.selftest.unit.profile.recipe_profiles import recipe

BANNER = """<div id="banner" style="position:fixed;inset:0;background:#fff"><button>Accept all</button></div>
<script>banner.onclick = () => banner.remove()</script>"""
MENU = """<nav data-testid="sidebar">Chats<div id="more" hidden><button>More</button></div></nav>
<div role="menu" id="menu" hidden><div role="menuitem" tabindex="0">New chat</div></div>
<div role="dialog" id="sure" hidden><button>Start over</button></div><button>Start over</button>
<script>
  document.querySelector('nav').onmouseenter = () => { more.hidden = false; };
  more.onclick = () => { menu.hidden = false; };
  menu.onclick = () => { sure.hidden = false; };
  sure.onclick = () => { more.hidden = menu.hidden = sure.hidden = true; newChat(); };
</script>"""
TOAST = """<style>.toast { position: fixed; inset: 0; background: #ffe }</style>
<script>
  const cover = () => { const t = document.body.appendChild(document.createElement('div')); t.className = 'toast';
                        setTimeout(() => t.remove(), 200); };
  cover(); addEventListener('new-chat', cover);
</script>"""
FRAMED = """<button id="open">Chat with us</button>
<script>
  const frame = '<iframe id="chat-widget" src="/chat"></iframe>';
  document.querySelector('button').onclick = () => document.body.insertAdjacentHTML('beforeend', frame);
</script>"""
LAUNCHER = """<button class="chat-launcher">Help</button>
<script>
  const chat = document.querySelectorAll('textarea, form, #log');
  const show = (on) => { for (const one of chat) one.hidden = !on; };
  show(false);
  document.querySelector('.chat-launcher').onclick = () => show(true);
</script>"""
LOGIN = """<label>User <input name="user"></label><label>Password <input name="password" type="password"></label>
<script>
  document.onkeydown = async (e) => { if (e.key !== 'Enter') return;
    const [user, password] = [...document.querySelectorAll('input')].map((i) => i.value);
    await fetch('/login', { method: 'POST', body: new URLSearchParams({ user, password }) }); location.href = '/'; };
</script>"""
CHAT = """<textarea aria-label="Message" placeholder="Ask anything"></textarea>
<form class="composer"><button type="submit" aria-hidden="true" id="send">→</button></form><div id="log"></div>
<script>
  const box = document.querySelector('textarea'), key = 'chat_session', menu_only = MENU_ONLY;
  const newChat = () => { localStorage[key] = crypto.randomUUID(); log.textContent = ''; dispatchEvent(new Event('new-chat')); };
  if (!localStorage[key] || location.pathname === '/new') newChat();
  const port = SOCKET, socket = port && new WebSocket(`ws://127.0.0.1:${port}/ws`);
  if (socket) socket.onmessage = () => log.insertAdjacentHTML('beforeend', '<p>Hi</p>');
  let sent = 0;
  const send = async () => { const text = box.value; if (!text) return; box.value = '';
    if (LIMITED && sent++) { log.innerHTML = '<p role="alert">Daily limit reached</p>'; return; }
    if (socket) return socket.send(JSON.stringify({ type: 'chat', session: localStorage[key], text }));
    if (GRPC) {
      const field = (n, s) => { const b = new TextEncoder().encode(s); return [n << 3 | 2, b.length, ...b]; };
      const message = [...field(1, localStorage[key]), ...field(2, text)];
      const grpc = await fetch('/chat.Chat/Send', { method: 'POST', headers: { 'Content-Type': 'application/grpc-web+proto' },
        body: new Uint8Array([0, 0, 0, 0, message.length, ...message]) });
      return log.append(String((await grpc.arrayBuffer()).byteLength));
    }
    const response = await fetch('/api/chat', { method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ session_id: localStorage[key], text }) });
    const reply = await response.json();
    log.insertAdjacentHTML('beforeend', response.ok ? `<p>${reply.text}</p>` : '<p role="alert">Daily limit reached</p>'); };
  document.querySelector('form').onsubmit = (e) => { e.preventDefault(); send(); };
  box.onkeydown = (e) => { if (e.key === 'Enter' && !BY_BUTTON) { e.preventDefault(); send(); } };
  if (!menu_only) {
    const button = document.body.appendChild(document.createElement('button'));
    button.textContent = 'New chat';
    button.onclick = newChat;
  }
</script>"""
ACCOUNT = "<button>Account</button>"
PASSWORDS = {"ann": "pw-1", "ben": "pw-2"}
LIMIT = 15


class Site:
    """One chat of one kind: its page, its login and its backend, in a thread of this process."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.received: list[tuple[str, str]] = []
        """User and session of each message."""
        self.words: dict[str, str] = {}
        """Session -> the code word that it was given."""
        self.browsers: dict[str, int] = {}
        """Messages of each browser that the site knows by a cookie."""
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.get(self)

            def do_POST(self) -> None:
                site.post(self, self.rfile.read(int(self.headers.get("content-length", 0))))

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        self.sockets = serve(self._converse, "127.0.0.1", 0) if kind == "socket" else None
        if self.sockets is not None:
            threading.Thread(target=self.sockets.serve_forever, daemon=True).start()

    def _converse(self, socket: ServerConnection) -> None:
        for frame in socket:
            self.received.append(("", json.loads(frame)["session"]))
            socket.send('{"provider": "Big hat", "type": "done"}')

    def close(self) -> None:
        if self.sockets is not None:
            self.sockets.shutdown()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def asks_for_login(self) -> bool:
        return self.kind in ("state", "login", "accounts")

    def get(self, request: BaseHTTPRequestHandler) -> None:
        path, user = urlsplit(request.path).path, _cookies(request).get("user", "")
        by_button = "true" if self.kind == "button" else "false"
        limited = "true" if self.kind == "refused" else "false"
        port = self.sockets.socket.getsockname()[1] if self.sockets is not None else 0
        chat = CHAT.replace("BY_BUTTON", by_button).replace("LIMITED", limited).replace("SOCKET", str(port))
        chat = chat.replace("GRPC", "true" if self.kind == "grpc" else "false")
        chat = chat.replace("MENU_ONLY", "true" if self.kind in ("menu", "goto") else "false")
        page = {"banner": BANNER, "menu": MENU, "button": TOAST, "launcher": LAUNCHER}.get(self.kind, "")
        headers = {}
        if self.kind == "frame" and path == "/":
            page, chat = FRAMED, ""
        if self.asks_for_login:
            page, chat = (ACCOUNT, chat) if user else (LOGIN, "")
        if "browser" not in _cookies(request):
            headers["Set-Cookie"] = f"browser=b{len(self.browsers)}; Path=/"
            self.browsers[f"b{len(self.browsers)}"] = 0
        _answer(request, f"<!doctype html><title>{self.kind}</title><body>{chat}{page}", "text/html", headers)

    def post(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        if request.path == "/chat.Chat/Send":
            message = message_of(body[5:])
            assert message is not None
            self.received.append(("", message["1"]))
            framed = grpc(field(2, "Big hat")) + grpc(b"grpc-status:0\r\n", 0x80)
            return _answer(request, framed, "application/grpc-web+proto")
        if request.path == "/login":
            fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            assert PASSWORDS[fields["user"]] == fields["password"]
            return _answer(
                request, "{}", "application/json", {"Set-Cookie": f"user={fields['user']}; Path=/"}
            )
        browser = _cookies(request).get("browser", "")
        self.browsers[browser] = self.browsers.get(browser, 0) + 1
        if self.kind == "limits" and self.browsers[browser] > LIMIT:
            return _answer(request, '{"error": "limit"}', "application/json", status=429)
        message = json.loads(body)
        session, text = message["session_id"], message["text"]
        self.received.append((_cookies(request).get("user", ""), session))
        if given := re.search(r"this code word: (\S+)", text):
            self.words[session] = given[1]
        is_question = "Which code word" in text
        reply = self.words.get(session, "I do not know it") if is_question else "Hi"
        return _answer(request, json.dumps({"provider": "Big hat", "text": reply}), "application/json")


def _cookies(request: BaseHTTPRequestHandler) -> dict[str, str]:
    return {name: one.value for name, one in SimpleCookie(request.headers.get("cookie", "")).items()}


def _answer(
    request: BaseHTTPRequestHandler,
    text: str | bytes,
    kind: str,
    headers: dict[str, str] | None = None,
    status: int = 200,
) -> None:
    content = text.encode() if isinstance(text, str) else text
    request.send_response(status)
    for name, value in {
        "Content-Type": f"{kind}; charset=utf-8",
        "Content-Length": str(len(content)),
        **(headers or {}),
    }.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)


RECIPES: dict[str, tuple[Profile, dict[str, Any]]] = {
    "banner": (recipe("A consent banner"), {}),
    "menu": (recipe("New Chat in a menu that opens on hover, with a dialog to confirm"), {}),
    "button": (recipe("Sending by a button"), {}),
    "frame": (recipe("A chat in an iframe"), {}),
    "launcher": (recipe("A chat behind a launcher"), {}),
    "goto": (recipe("New Chat by a key, or by an address"), {}),
    "socket": (recipe("A page that is ready when its WebSocket is open"), {}),
    "grpc": (recipe("gRPC-Web"), {}),
    "memory": (recipe("What a chat knows of a code word"), {"scenarios": ("memory",)}),
    "state": (recipe("Login by a saved state"), {}),
    "login": (recipe("Login by steps"), {}),
    "accounts": (recipe("Accounts for the lanes"), {"lanes": 2, "chats": 4}),
    "limits": (recipe("Limits: 15 messages in one browser"), {"chats": LIMIT + 2}),
    "refused": (recipe("Limits: 15 messages in one browser"), {}),
}
WHOLE = [kind for kind in RECIPES if kind != "refused"]


@pytest.fixture(scope="module")
def recorded(
    playwright: Playwright, own_browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Run, Site]]]:
    """Each recipe's page, with three chats or more."""
    out = tmp_path_factory.mktemp("recipes")
    waiter = EventWaiter(own_browser)
    sites = {kind: Site(kind) for kind in RECIPES}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"": "ann", "_1": "ann", "_2": "ben"}.items():
            patch.setenv(f"CHAT_USER{name}", value)
            patch.setenv(f"CHAT_PASSWORD{name}", PASSWORDS[value])
        runners = {}
        for kind, (profile, more) in RECIPES.items():
            plan = Plan(
                _at(profile, sites[kind], out), sites[kind].url, more.get("chats", 3), more.get("lanes", 1), out / kind,
                continue_last=False, trace=False,
                scenarios=more.get("scenarios", ()), plays=1,
            )  # fmt: skip
            runners[kind] = Runner(plan, playwright, own_browser, {}, waiter=waiter)
        run_side_by_side(list(runners.values()), waiter, at_once=4)
        yield {kind: (assemble([read_run(runner.folder)]), sites[kind]) for kind, runner in runners.items()}
    for site in sites.values():
        site.close()


def _at(profile: Profile, site: Site, out: Path) -> Profile:
    """The recipe's profile with the addresses and files of the test."""
    login = profile.login
    if login is None:
        return profile
    changes: dict[str, Any] = {}
    if login.url is not None:
        changes["url"] = site.url
    if login.storage_state is not None:
        cookie = {"name": "user", "value": "ann", "url": site.url}
        state = out / "acme.json"
        state.write_text(json.dumps({"cookies": [cookie], "origins": []}), encoding="utf-8")
        changes["storage_state"] = str(state)
    return profile.model_copy(update={"login": login.model_copy(update=changes)})


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", WHOLE)
def test_a_recipe_works_on_a_page_of_its_kind(kind: str, recorded: dict[str, tuple[Run, Site]]) -> None:
    run, site = recorded[kind]
    chats = RECIPES[kind][1].get("chats", 3)
    assert not run.partial, run.partial_reasons
    assert [(v.name, v.actual) for v in judge(run).verdicts if v.outcome == "fail"] == []
    assert len({session for _, session in site.received}) == len(run.chats)
    assert len(run.plain) == chats
    if kind != "socket":  # the recipe reads no provider
        assert set(run.messages["reply_provider"]) == {"Big hat"}


def test_a_login_signs_each_lane_in(recorded: dict[str, tuple[Run, Site]]) -> None:
    assert {user for user, _ in recorded["state"][1].received} == {"ann"}
    assert {user for user, _ in recorded["login"][1].received} == {"ann"}
    assert {user for user, _ in recorded["accounts"][1].received} == {"ann", "ben"}


def test_code_words_are_known_in_their_chat_only(recorded: dict[str, tuple[Run, Site]]) -> None:
    run, site = recorded["memory"]
    assert site.words
    assert [judge(run).verdict(f"chat.{name}").outcome for name in ("remembers", "forgets")] == [
        "pass",
        "pass",
    ]


def test_a_refusal_on_the_screen_is_recognised(recorded: dict[str, tuple[Run, Site]]) -> None:
    run, _ = recorded["refused"]
    assert [v.name for v in judge(run).verdicts if v.outcome == "fail"] == []
    assert any(problem.what.startswith("daily-limit") for problem in run.metas[0].problems)


def test_a_lane_goes_on_in_a_fresh_browser_before_the_limit(recorded: dict[str, tuple[Run, Site]]) -> None:
    run, site = recorded["limits"]
    assert sorted(count for count in site.browsers.values() if count) == [2, LIMIT]
    assert set(run.chats["context"]) == {0, 1}
