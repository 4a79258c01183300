"""Published means masked: a chat that shows its secrets everywhere, and not one of them in any byte of the site."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import secrets
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from websockets.sync.server import ServerConnection, serve

from e2e.setup.places import REPO
from reports.publish.site import publish

TOKENS = {
    "header": f"hdr-{secrets.token_hex(12)}",
    "query": f"qry-{secrets.token_hex(12)}",
    "body": f"bdy-{secrets.token_hex(12)}",
    "cookie": f"cke-{secrets.token_hex(12)}",
    "hidden cookie": f"hid-{secrets.token_hex(12)}",
    "storage": f"sto-{secrets.token_hex(12)}",
    "console": f"con-{secrets.token_hex(12)}",
    "error": f"err-{secrets.token_hex(12)}",
    "frame sent": f"frs-{secrets.token_hex(12)}",
    "frame received": f"frr-{secrets.token_hex(12)}",
    "reply": f"rep-{secrets.token_hex(12)}",
    "e-mail in the title": f"title.{secrets.token_hex(4)}@people.example.org",
    "e-mail in the page": f"dom.{secrets.token_hex(4)}@people.example.org",
    "e-mail in the body": f"body.{secrets.token_hex(4)}@people.example.org",
}

PAGE = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Chat of {TOKENS["e-mail in the title"]}</title></head>
<body><header>Signed in as {TOKENS["e-mail in the page"]}</header><button id="new">New chat</button><div id="log"></div>
<input aria-label="Message"><script src="/app.js?key={TOKENS["query"]}"></script></body></html>"""

SCRIPT = f"""
const socket = new WebSocket(`ws://127.0.0.1:SOCKET/live?key={TOKENS["query"]}`);
socket.onmessage = (event) => console.log("frame", event.data);
const mint = () => "sess-" + [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("");
let current = null;
function begin() {{
  const id = mint();
  fetch("/made?id=" + id);
  localStorage.setItem("chat", JSON.stringify({{ sessionId: id, token: "{TOKENS["storage"]}", mail: "{TOKENS["e-mail in the page"]}" }}));
  current ??= id;  // the fault: the first ID goes on being sent
}}
document.cookie = "shown={TOKENS["cookie"]}; path=/";
begin();
document.getElementById("new").onclick = () => {{
  document.getElementById("log").replaceChildren();
  begin();
  console.warn("new chat for {TOKENS["console"]}", current);
}};
document.querySelector("input").onkeydown = async (event) => {{
  if (event.key !== "Enter") return;
  const text = event.target.value;
  event.target.value = "";
  console.log("sending", text, current, "{TOKENS["console"]}");
  if (socket.readyState === 1) socket.send(JSON.stringify({{ typing: text, session: current, token: "{TOKENS["frame sent"]}" }}));
  const answer = await fetch("/chat?access_token={TOKENS["query"]}&session=" + current, {{ method: "POST",
    headers: {{ Authorization: "Bearer {TOKENS["header"]}", "X-Api-Key": "{TOKENS["header"]}", "Content-Type": "application/json" }},
    body: JSON.stringify({{ session_id: current, message: text, mail: "{TOKENS["e-mail in the body"]}", secret: "{TOKENS["body"]}" }}) }});
  const reply = await answer.json();
  const line = document.createElement("p");
  line.textContent = text + " " + reply.text;
  document.getElementById("log").append(line);
  setTimeout(() => {{ throw new Error("failed for {TOKENS["error"]} " + current); }}, 0);
}};
"""

PROFILE = """schema = 1
name = "leaky"
title = "Leaky chat"

[where]
url = "http://127.0.0.1:1/"
ready = { role = "textbox", name = "Message" }

[session]
store = "localStorage"
key = "chat"
id = "sessionId"

[steps]
message_box = { role = "textbox", name = "Message" }
new_chat = [{ click = { role = "button", name = "New chat" } }]

[[wire]]
url = "/chat"
session = "session_id"
provider = "provider"
"""


@dataclass
class Leaky:
    """The chat, and the secrets that only come up while it runs."""

    url: str = ""
    frames: int = 0
    ids: set[str] = field(default_factory=set)
    prompts: set[str] = field(default_factory=set)

    @property
    def secrets(self) -> dict[str, str]:
        return {
            **TOKENS,
            **{f"session ID {n}": one for n, one in enumerate(sorted(self.ids))},
            **{f"prompt {n}": one for n, one in enumerate(sorted(self.prompts))},
        }


@pytest.fixture(scope="module")
def leaky() -> Iterator[Leaky]:
    chat = Leaky()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/made?id="):
                chat.ids.add(self.path.partition("=")[2])
            body = SCRIPT.replace("SOCKET", str(socket)) if self.path.startswith("/app.js") else PAGE
            kind = "text/javascript" if self.path.startswith("/app.js") else "text/html"
            self._answer(kind, body, f"hidden={TOKENS['hidden cookie']}; HttpOnly; Path=/")

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            chat.prompts.add(sent["message"])
            text = f"for {TOKENS['reply']}: {sent['message']}"
            self._answer("application/json", json.dumps({"provider": "Big hat", "text": text}), "")

        def _answer(self, kind: str, body: str, cookie: str) -> None:
            data = body.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            if cookie:
                self.send_header("Set-Cookie", cookie)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Nobody reads it."""

    def talk(connection: ServerConnection) -> None:
        for frame in connection:
            chat.frames += 1
            connection.send(json.dumps({"seen": str(frame), "token": TOKENS["frame received"]}))

    with (
        serve(talk, "127.0.0.1", 0) as sockets,
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
    ):
        socket = sockets.socket.getsockname()[1]
        threading.Thread(target=sockets.serve_forever, daemon=True).start()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chat.url = f"http://127.0.0.1:{server.server_address[1]}/"
        yield chat
        server.shutdown()
        sockets.shutdown()


@pytest.fixture(scope="module")
def site(leaky: Leaky, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site with one run of the leaky chat."""
    folder = tmp_path_factory.mktemp("published")
    profile = folder / "leaky.toml"
    profile.write_text(PROFILE, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "e2e/specs", "-q", "--target", str(profile), "--base-url", leaky.url,
               "--chats", "6", "--lanes", "2", "--experiments", "off", "--out", str(folder / "out")]  # fmt: skip
    ended = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False, timeout=200)
    assert ended.returncode == 1, ended.stdout[-2000:]
    assert "kept sending an old session ID" in ended.stdout
    publish(folder / "out", folder / "site", url="https://reports.example.org")
    return folder / "site"


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Everything that a file holds: its bytes, and what is packed into them."""
    data = path.read_bytes()
    yield "bytes", data
    if path.suffix == ".parquet":
        yield "table", json.dumps(pq.read_table(io.BytesIO(data)).to_pylist(), ensure_ascii=False).encode()
    if path.suffix == ".png":
        yield from _png_texts(data)
    yield from _unpacked(data)


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    if data[:2] == b"\x1f\x8b":
        yield "gzip", gzip.decompress(data)
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield f"zip: {name}", archive.read(name)
    for packed in re.findall(rb"[A-Za-z0-9+/]{60,}={0,2}", data):
        try:
            inner = base64.b64decode(packed + b"=" * (-len(packed) % 4))
        except ValueError:
            continue
        yield "base64", inner
        if inner[:2] == b"\x1f\x8b" or inner[:4] == b"PK\x03\x04":
            yield from _unpacked(inner)


def _png_texts(data: bytes) -> Iterator[tuple[str, bytes]]:
    at = 8
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        chunk = data[at + 8 : at + 8 + length]
        if kind in (b"tEXt", b"iTXt", b"eXIf"):
            yield kind.decode(), chunk
        if kind == b"zTXt":
            yield "zTXt", zlib.decompress(chunk.partition(b"\0")[2][1:])
        at += 12 + length


def _spellings(text: str) -> set[bytes]:
    plain = text.encode()
    in_json = json.dumps(text)[1:-1].encode()
    return {plain, quote(text, safe="").encode(), base64.b64encode(plain).rstrip(b"=")[:-1], in_json}


def found_in(folder: Path, secret: dict[str, str]) -> list[str]:
    """Where which secret is, in any spelling."""
    spellings = {name: _spellings(text) for name, text in secret.items()}
    return [
        f"{name} in {path.relative_to(folder)} ({how})"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for how, data in contents(path)
        for name, wanted in spellings.items()
        if any(one in data for one in wanted)
    ]


def test_every_secret_came_up(leaky: Leaky, site: Path) -> None:
    assert len(leaky.ids) >= 6
    assert len(leaky.prompts) >= 6
    assert leaky.frames >= 6
    assert all(len(prompt) >= 8 for prompt in leaky.prompts)
    assert (site / "index.html").is_file()


def test_no_secret_is_in_any_published_byte(leaky: Leaky, site: Path) -> None:
    assert found_in(site, leaky.secrets) == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 380)])
def test_everybody_can_use_the_sites_pages(
    browser: Browser, site: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    for file in (site / "index.html", *site.glob("runs/*/index.html")):
        page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
        page.goto(file.as_uri())
        found = Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:120]) for v in found] == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), (
            "the page itself scrolls sideways"
        )
        page.close()


def test_the_text_of_every_picture_is_in_a_drawing_that_was_looked_through(site: Path) -> None:
    pictures = list(site.rglob("*.png"))
    assert pictures
    assert [p.name for p in pictures if not p.with_suffix(".svg").is_file()] == []


@pytest.mark.parametrize("how", ["plain", "base64", "gzip", "zip", "url"])
def test_the_search_finds_what_is_there(tmp_path: Path, how: str) -> None:
    secret = "a secret that is long enough to be found @ once"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trace", secret)
    data = {
        "plain": secret.encode(),
        "base64": b'd("x","' + base64.b64encode(b"before " + secret.encode() + b" and after it") + b'")',
        "gzip": gzip.compress(secret.encode()),
        "zip": packed.getvalue(),
        "url": quote(secret, safe="").encode(),
    }[how]
    (tmp_path / "file.bin").write_bytes(data)
    assert found_in(tmp_path, {"it": secret}) != []
