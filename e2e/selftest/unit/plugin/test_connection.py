"""The way to a browser that runs elsewhere: what answers there, and what a message says when nothing right does."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

import pytest

from e2e.errors import HarnessError
from e2e.plugin.browsers.connection import (
    check_clock,
    check_debugging_port,
    check_server,
    connected_over_cdp,
    connected_to_server,
    not_started,
    notes_of,
)
from e2e.plugin.browsers.environments import Environment

TOKEN = "tok-5f4e3d2c1b"
BOX = """╔════════════════════════════╗
║ Playwright version mismatch: ║
║   - server version: v1.65    ║
║   - client version: v1.64    ║
╚════════════════════════════╝"""


@contextmanager
def server(status: int, body: str = "") -> Iterator[str]:
    """Host and port of a server that answers so to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Connection", "close")
            self.end_headers()
            if status != 101:
                self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{served.server_port}"
        served.shutdown()


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def test_a_server_of_this_version_is_taken() -> None:
    with server(101) as place:
        check_server(f"ws://{place}/{TOKEN}", "1.64.1")


def test_a_server_of_another_version_is_named_with_both_versions() -> None:
    with server(428, BOX) as place, pytest.raises(HarnessError) as error:
        check_server(f"ws://{place}/?token={TOKEN}", "1.64.1")
    assert str(error.value) == (
        f"the Playwright server at ws://{place} is of another version (server version: v1.65; client version: v1.64)"
        "\n  hint: start a server of Playwright 1.64 there"
    )


def test_what_is_no_playwright_server_is_refused_with_its_status() -> None:
    with (
        server(404) as place,
        pytest.raises(HarnessError, match="status 404 instead of a WebSocket") as error,
    ):
        check_server(f"ws://{place}/{TOKEN}", "1.64.1")
    assert TOKEN not in str(error.value)


def test_nothing_at_an_address_is_refused() -> None:
    port = closed_port()
    with pytest.raises(HarnessError, match=f"nothing answers at ws://127.0.0.1:{port}: ") as error:
        check_server(f"ws://127.0.0.1:{port}/{TOKEN}", "1.64.1")
    assert TOKEN not in str(error.value)
    with pytest.raises(HarnessError, match="nothing answers at http://no-such-host"):
        check_debugging_port("http://no-such-host.invalid:9222")


def test_a_debugging_port_names_its_browser() -> None:
    version = {"Browser": "Chrome/150.0", "webSocketDebuggerUrl": "ws://127.0.0.1/devtools"}
    with server(200, json.dumps(version)) as place:
        assert check_debugging_port(f"http://{place}/?token={TOKEN}") == "Chrome/150.0"


@pytest.mark.parametrize("body", ["Running", "[]", "{}", '"text"'])
def test_a_page_that_is_no_debugging_port_is_refused(body: str) -> None:
    with server(200, body) as place, pytest.raises(HarnessError, match="no debugging port of a Chromium"):
        check_debugging_port(f"http://{place}")


def test_an_error_of_playwright_shows_no_secret() -> None:
    from playwright.sync_api import Error

    address = f"wss://me:{TOKEN}@grid.example/{TOKEN}?token={TOKEN}"

    class Type:
        name = "chromium"

        def connect(self, *_: Any, **__: Any) -> None:
            raise Error(f"BrowserType.connect: WebSocket error: {address} 502, again with token={TOKEN}")

        connect_over_cdp = connect

    way: Any = Type()
    attempts: list[Callable[[], object]] = [
        lambda: connected_to_server(way, address, {}, "http://127.0.0.1:8000/"),
        lambda: connected_over_cdp(way, address),
    ]
    for attempt in attempts:
        with pytest.raises(HarnessError) as error:
            attempt()
        assert TOKEN not in str(error.value)
        assert "WebSocket error: wss://grid.example 502" in str(error.value)


def test_a_remote_server_gets_no_path_of_this_machine_and_reaches_its_chat() -> None:
    seen: dict[str, Any] = {}

    class Type:
        name = "chromium"

        def connect(self, address: str, **options: Any) -> Any:
            seen.update(options, launch=json.loads(options["headers"]["x-playwright-launch-options"]))
            return mock.MagicMock(browser_type=self)

    way: Any = Type()
    launch = {"executable_path": "/usr/bin/chromium", "ignore_default_args": ["--x"], "args": []}
    connected_to_server(way, "ws://grid:3000/", launch, "http://127.0.0.1:8000/")
    assert seen["launch"] == {"ignoreDefaultArgs": ["--x"], "args": []}
    assert seen["expose_network"] == "<loopback>"
    seen.clear()
    connected_to_server(way, "ws://127.0.0.1:3000/", launch, "http://127.0.0.1:8000/")
    assert seen["launch"]["executablePath"] == "/usr/bin/chromium"
    assert "expose_network" not in seen


def test_a_browser_that_is_not_installed_states_it_without_a_path() -> None:
    reason = "BrowserType.launch: Executable doesn't exist at /somewhere/firefox-1555/firefox\nbox"
    error = not_started(Environment("firefox", "firefox"), reason)
    assert (
        str(error)
        == "firefox is not installed on this machine\n  hint: `.venv/bin/playwright install firefox`"
    )
    assert "could not be started: it ended" in str(
        not_started(Environment("chromium"), "BrowserType.launch: it ended")
    )


@pytest.mark.parametrize(
    ("browser", "channel", "reason", "hint"),
    [
        (
            "chromium",
            "msedge",
            "BrowserType.launch: Chromium distribution 'msedge' is not found at /opt/microsoft/msedge/msedge\nRun",
            "`.venv/bin/playwright install msedge`; or leave out --browser-channel msedge",
        ),
        (
            "firefox",
            "moz-firefox-nightly",
            "BrowserType.launch: Cannot find Firefox installation for channel 'moz-firefox-nightly' at the standard",
            "`apt-get install firefox-esr`, or the Firefox of that channel;"
            " or leave out --browser-channel moz-firefox-nightly",
        ),
    ],
)
def test_a_channel_that_is_not_installed_is_named_with_the_way_to_install_it(
    browser: str, channel: str, reason: str, hint: str
) -> None:
    label = f"{browser} ({channel})"
    error = not_started(Environment(label, browser), reason)
    assert str(error) == f"{label} is not installed on this machine\n  hint: {hint}"


@pytest.mark.parametrize(
    ("there", "expected"),
    [(100.0, ""), (100.05, ""), (103.2, "3.1 s ahead of"), (97.0, "3.0 s behind"), (100.3, "0.2 s ahead of")],
)
def test_a_clock_that_differs_is_refused(there: float, expected: str) -> None:
    """The answer takes 0.1 s here, so that much of a difference cannot be distinguished from its way."""
    ticks = iter([100.0, 100.1] * 3)

    class Page:
        def evaluate(self, _: str) -> float:
            return there * 1000

    class Context:
        closed = False

        def new_page(self) -> Page:
            return Page()

        def close(self) -> None:
            self.closed = True

    context = Context()
    browser: Any = type("Browser", (), {"new_context": lambda _: context})()
    if expected:
        with pytest.raises(HarnessError, match=expected):
            check_clock(browser, lambda: next(ticks))
    else:
        check_clock(browser, lambda: next(ticks))
    assert context.closed


def test_a_server_that_hands_out_another_browser_is_refused() -> None:
    found = mock.MagicMock()
    found.browser_type.name = "chromium"
    wanted = mock.MagicMock(**{"connect.return_value": found})
    wanted.name = "firefox"
    with pytest.raises(HarnessError, match="has chromium, not firefox"):
        connected_to_server(wanted, "ws://127.0.0.1:3000/", {}, "http://127.0.0.1:8000/")
    found.close.assert_called_once()


def test_what_a_browser_cannot_show_is_known_before_the_first_chat() -> None:
    browser = mock.MagicMock()
    browser.new_browser_cdp_session().send.return_value = {"arguments": ["--disable-back-forward-cache"]}
    phone = {"default_browser_type": "webkit", "has_touch": True}
    assert notes_of(browser, Environment("chromium (iPhone 15)", "chromium", "iPhone 15"), phone) == [
        "chromium emulates iPhone 15, whose own browser is webkit",
        "this browser has no back/forward cache: Back loads the page again",
    ]
    firefox = notes_of(browser, Environment("firefox (Pixel 7)", "firefox", "Pixel 7"), {})
    assert firefox == [
        "firefox emulates no mobile layout, and clicks instead of taps; viewport and user agent are the device's"
    ]
    browser.new_browser_cdp_session().send.return_value = {"arguments": []}
    assert notes_of(browser, Environment("chromium"), {}) == []
