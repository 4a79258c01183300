"""A page whose script never ends holds no command; a page that floods the console, or throws, holds nothing else up."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page

from e2e.capture.in_page import FLOODS, NATIVES
from e2e.errors import HarnessError
from e2e.explore import discovery, doctor, login, recording
from e2e.profile.profile import load

CHAT = b"""<!doctype html><title>Chat</title><button id=new>New chat</button><textarea placeholder="Message"></textarea>
<button id=send>Send</button><script>
const loops = () => setTimeout(() => { for (;;); }, 100);
document.querySelector("#send").onclick = loops;
document.querySelector("textarea").onkeydown = (event) => event.key === "Enter" && loops();
if (location.search === "?now") for (;;);
</script>"""
PROFILE = """
name = "hangs"
title = "Hangs"
where = {{ url = "{url}", ready = {{ css = "textarea" }} }}
timeouts = {{ ready = 3 }}
login = {{ steps = [{{ click = {{ css = "#send" }} }}], done = {{ css = "#never" }} }}
[steps]
message_box = {{ css = "textarea" }}
send = [{{ press = "Enter" }}]
new_chat = [{{ click = {{ css = "#new" }} }}]
[[wire]]
name = "chat"
direction = "sent"
transport = "http"
url = "/api/chat"
"""
NO_RESPONSE = r"a page did not respond for \d+ s"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(CHAT)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Nothing is printed."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, and short limits of a call."""
    for module in (discovery, doctor, login, recording):
        monkeypatch.setattr(module, "_RETURN", 2.0)
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.mark.long
class TestPagesThatLoopForEver:
    def test_discover_ends(
        self, url: str, tmp_path: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "chat.toml"
        assert discovery.discover_chat(discovery.Options(url, out=out, timeout=3)) == 1
        assert "a page did not respond for 5 s" in capsys.readouterr().out
        assert out.is_file()
        assert list(temporary.iterdir()) == []

    def test_record_ends(self, url: str, tmp_path: Path, temporary: Path) -> None:
        def user(step: str, page: Page) -> None:
            if step == "send":
                page.locator("textarea").fill("Hello there 12345678")
                with contextlib.suppress(Error):
                    page.locator("textarea").press("Enter", timeout=1000)

        options = recording.Options(url, out=tmp_path / "chat.toml", timeout=10)
        with pytest.raises(HarnessError, match=NO_RESPONSE):
            recording.record_chat(options, user)
        assert list(temporary.iterdir()) == []

    def test_login_ends(self, url: str, tmp_path: Path, temporary: Path) -> None:
        profile = tmp_path / "hangs.toml"
        profile.write_text(PROFILE.format(url=url))
        with pytest.raises(HarnessError, match=NO_RESPONSE):
            login.save_login(str(profile), out=tmp_path / "state.json", timeout=20, headless=True)
        assert list(temporary.iterdir()) == []

    def test_doctor_ends(self, url: str, tmp_path: Path, temporary: Path) -> None:
        profile = tmp_path / "hangs.toml"
        profile.write_text(PROFILE.format(url=f"{url}?now"))
        found = {finding.what: finding for finding in doctor.check_target(load(str(profile)), None)}
        assert found["page"].level == "bad"
        assert "a page did not respond for 5 s" in found["page"].result
        assert list(temporary.iterdir()) == []


def test_what_floods_the_protocol_is_held_back(own_browser: Browser) -> None:
    """Each line and each uncaught error is a message to the suite: 5,000 of them kept it from everything else for 15 s."""
    page = own_browser.new_page()
    lines: list[str] = []
    errors: list[str] = []
    page.on("console", lambda message: lines.append(f"{message.text} {message.location['url']}"))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(f"(() => {{ const natives = ({NATIVES})(); ({FLOODS})(natives); }})()")
    page.goto("data:text/html,<p>page")
    page.evaluate("""() => {
      console.log("first");
      for (let n = 0; n < 3000; n++) { console.error("line " + n); setTimeout(() => { throw new Error("error " + n); }, 0); }
      return new Promise((resolve) => setTimeout(resolve, 50));
    }""")
    page.wait_for_timeout(100)  # the last of them are on their way
    assert lines[0].startswith("first")
    assert 250 <= len(lines) <= 700
    assert 250 <= len(errors) <= 700
    own = "() => { const seen = []; console.log = (text) => seen.push(text); console.log('mine'); return seen; }"
    assert page.evaluate(own) == ["mine"]
    assert page.evaluate("() => typeof console.info === 'function' && console.info.name") == "info"
    page.close()
