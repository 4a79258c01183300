"""`record` with a script in place of a person: the profile has the locators of what was clicked, and it works."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from e2e.profile.profile import SUITE, Locate, load
from e2e.selftest.lab.app import Lab
from fixtures.reference_chat.launcher import ReferenceChat

STRICT = "script-src 'unsafe-inline'; style-src 'self'; require-trusted-types-for 'script'"
COOKIE = "auth=yes-very-secret"
SIGN_IN = """<!doctype html><title>Sign in</title><form method="post"><label>User <input name="u"></label>
<label>Password <input type="password" name="p"></label><button>Sign in</button></form>"""
LANDING = """<!doctype html><title>Shop</title><h1>Our shop</h1><button id="open">Chat with us</button><script>
document.getElementById("open").addEventListener("click", (e) => {
  e.target.hidden = true;
  const frame = document.createElement("iframe");
  Object.assign(frame, { id: "chat", src: "CHAT", width: 600, height: 500 });
  document.body.append(frame);
});
</script>"""


def record(url: str, file: Path, *more: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "e2e.selftest.browser.scripted_user", url, str(file), *more],
        cwd=SUITE,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    return done.returncode, done.stdout + done.stderr


@contextmanager
def shop(chat: str) -> Iterator[str]:
    """A page behind a sign-in, with a strict policy; its button opens a chat in a frame of another origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            signed_in = COOKIE in self.headers.get("Cookie", "")
            self._page(LANDING.replace("CHAT", chat) if signed_in else SIGN_IN)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(303)
            self.send_header("Location", "/")
            self.send_header("Set-Cookie", f"{COOKIE}; Path=/; HttpOnly")
            self.end_headers()

        def _page(self, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Security-Policy", STRICT)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def test_recorded_profile_has_the_locators_of_what_was_used_and_works(tmp_path: Path) -> None:
    file = tmp_path / "found.toml"
    with ReferenceChat.start(transport="json") as chat:
        code, output = record(chat.url, file)
    assert code == 0, output
    assert "the profile works" in output
    profile = load(str(file))
    assert profile.steps.message_box == Locate(role="textbox", name="Message")
    assert [a.click for a in profile.steps.new_chat] == [Locate(role="button", name="New chat")]
    assert (profile.id_store.store, profile.id_store.key) == ("localStorage", "chat_session")
    assert profile.wire[0].session is not None
    assert profile.wire[0].session.json_ == "session_id"
    assert profile.screen.messages == Locate(test_id="message")
    assert "panel: Now start a new chat." in output


def test_login_launcher_and_frame_become_parts_of_the_profile(tmp_path: Path) -> None:
    file = tmp_path / "found.toml"
    with Lab.start() as lab, shop(lab.url("fetch-json")) as url:
        code, output = record(url, file, "#chat", "Chat with us")
    assert code == 0, output
    profile = load(str(file))
    assert profile.where.frame == ("iframe#chat",)
    assert [a.click for a in profile.steps.open] == [Locate(role="button", name="Chat with us", frame=())]
    assert profile.where.ready.name == "Chat with us"
    assert profile.steps.new_chat[0].click == Locate(role="button", name="New chat")
    assert profile.login is not None
    state = Path(str(profile.login.storage_state)).read_text(encoding="utf-8")
    assert COOKIE.partition("=")[2] in state
    assert "lab_session" not in state, "each context begins with a session of its own"
    written = file.read_text(encoding="utf-8") + output
    assert "hunter2!x" not in written
    assert COOKIE not in written
