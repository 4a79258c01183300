"""The options that choose a browser: what does not fit together is refused, and no message has the secret part of an address."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.plugin.browsers.environments import environments_of
from e2e.plugin.settings.addresses import without_secrets
from e2e.selftest.unit.plugin.test_options import read, refused

SECRET = "hunter2-9a8b7c"


def labels(**flags: Any) -> list[str]:
    return [one.label for one in environments_of(read(**flags))]


def test_each_browser_and_device_is_an_environment() -> None:
    assert labels() == ["chromium"]
    assert labels(browser=["chromium", "firefox"]) == ["chromium", "firefox"]
    assert labels(browser_channel="msedge", device="iPhone 15, Pixel 4a (5G)") == [
        "chromium (msedge, iPhone 15)",
        "chromium (msedge, Pixel 4a (5G))",
    ]
    assert [e.browser for e in environments_of(read(browser=["firefox"], device="Pixel 7"))] == ["firefox"]


def test_variables_choose_browsers_as_flags_do() -> None:
    settings = read({"BROWSER": "chromium firefox", "DEVICE": "iPhone 15", "CONNECT": "ws://grid:3000/"})
    assert (settings.browser, settings.device) == (("chromium", "firefox"), ("iPhone 15",))
    assert settings.connect == "ws://grid:3000/"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (
            {"browser_channel": "crome"},
            "--browser-channel crome: expected one of chromium, chrome,",
        ),
        (
            {"browser_channel": "msedge", "browser": ["chromium", "firefox"]},
            "--browser-channel msedge: a channel of chromium, not of firefox",
        ),
        (
            {"browser_channel": "moz-firefox"},
            "--browser-channel moz-firefox: a channel of firefox, not of chromium\n  hint: --browser firefox",
        ),
        (
            {"connect_over_cdp": f"http://u:{SECRET}@grid:9222/", "browser": ["firefox"]},
            "--connect-over-cdp http://grid:9222: only Chromium has a debugging port of this kind, not firefox",
        ),
        (
            {"connect_over_cdp": "http://grid:9222", "connect": f"ws://grid:3000/{SECRET}"},
            "--connect-over-cdp http://grid:9222: --connect names a browser already",
        ),
        (
            {"connect_over_cdp": "http://grid:9222", "browser_channel": "chrome"},
            "--browser-channel chrome: the browser at --connect-over-cdp runs already",
        ),
        (
            {"connect": f"http://grid:3000/?token={SECRET}"},
            "--connect http://grid:3000: expected an address with ws:// or wss://, host and port"
            "\n  hint: --connect ws://127.0.0.1:3000/",
        ),
        ({"connect": f"ws://grid:{SECRET}"}, "--connect ws://"),
        ({"connect": f"{SECRET}"}, "--connect (an address without ://): expected"),
        ({"connect_over_cdp": "9222"}, "expected an address with http:// or https:// or ws:// or wss://"),
    ],
)
def test_what_does_not_fit_together_is_refused(flags: dict[str, Any], expected: str) -> None:
    message = refused(**flags)
    assert expected in message
    if "ws://grid:hunter2" not in str(flags.get("connect")):  # here it stands in the place of the port
        assert SECRET not in message


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (f"wss://user:{SECRET}@grid.example:443/{SECRET}?token={SECRET}#{SECRET}", "wss://grid.example:443"),
        (f"http://grid?token=a@{SECRET}", "http://grid"),
        ("ws://[::1]:3000/", "ws://[::1]:3000"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, shown: str) -> None:
    assert without_secrets(address) == shown
