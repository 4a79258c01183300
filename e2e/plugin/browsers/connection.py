"""The way to a browser that runs elsewhere: a Playwright server, or a Chromium's debugging port.

An address may hold a token (hosted browsers take it as ``?token=``, Playwright's own servers as a path). No message, record or
traceback has more of it than scheme, host and port.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from e2e.errors import HarnessError
from e2e.plugin.settings.addresses import without_secrets

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType

    from e2e.plugin.browsers.environments import Environment
    from e2e.plugin.settings.settings import Settings

_TIMEOUT_S = 10
_CLOCK_TRIES = 3
_CLOCK_LIMIT_S = 0.1
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ABSENT = re.compile(
    r"Executable doesn't exist|Chromium distribution '([\w-]+)' is not found"
    r"|Cannot find Firefox installation for channel '([\w-]+)'"
)
"""What Playwright writes about a browser that is not there, with its channel if one was named."""
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "Y2hhdC1zZXNzaW9uLWUyZQ==",
}


def check_server(address: str, playwright_version: str) -> None:
    """Whether a Playwright server of this version answers there. Raises `HarnessError` with what it answers instead."""
    status, body = _answer(address, _UPGRADE | {"User-Agent": f"Playwright/{playwright_version}"})
    place = without_secrets(address)
    if status == 101:
        return
    if status == 428:  # a Playwright server of another version states both versions in a box of characters
        versions = [line.strip(" ║╔╗╚╝═-") for line in body.splitlines()]
        found = "; ".join(line for line in versions if "version:" in line.lower())
        raise HarnessError(
            f"the Playwright server at {place} is of another version" + (f" ({found})" if found else ""),
            hint=f"start a server of Playwright {'.'.join(playwright_version.split('.')[:2])} there",
        )
    raise HarnessError(
        f"no Playwright server answers at {place}: status {status} instead of a WebSocket",
        hint="is path or token missing? `playwright run-server --port 3000` is reached at ws://HOST:3000/",
    )


def check_debugging_port(address: str) -> str:
    """Whether a Chromium can be reached there; returns what it calls itself, or ``""``. Raises `HarnessError`."""
    place, parts = without_secrets(address), urlsplit(address)
    if parts.scheme in ("ws", "wss"):
        status, _ = _answer(address, _UPGRADE)
        if status != 101:
            raise HarnessError(
                f"no browser answers at {place}: status {status} instead of a WebSocket",
                hint="is path or token missing? http://HOST:PORT/ finds the path by itself",
            )
        return ""
    status, body = _answer(parts._replace(path=parts.path.rstrip("/") + "/json/version").geturl(), {})
    try:
        found = json.loads(body)
        version, known = str(found.get("Browser", "")), "webSocketDebuggerUrl" in found
    except (ValueError, AttributeError, TypeError, RecursionError):
        version, known = "", False
    if status != 200 or not known:
        raise HarnessError(
            f"no debugging port of a Chromium answers at {place}: status {status}"
            + ("" if known else ", and no /json/version"),
            hint="start the browser with --remote-debugging-port=9222, and name that port",
        )
    return version


def connected_to_server(
    browser_type: BrowserType, address: str, launch_options: Mapping[str, Any], chat: str
) -> Browser:
    """A browser of the Playwright server; it reaches a chat on this machine through the connection. Raises `HarnessError`."""
    import playwright.sync_api

    remote = not _is_loopback(urlsplit(address))
    # A path of this machine's browser means nothing elsewhere; a server here takes it if it was started with --unsafe.
    own = ("executable_path", "channel") if remote and "executable_path" in launch_options else ()
    launch = {_camel(name): value for name, value in launch_options.items() if name not in own}
    options: dict[str, Any] = {"headers": {"x-playwright-launch-options": json.dumps(launch)}}
    if remote and _is_loopback(urlsplit(chat)):
        options["expose_network"] = "<loopback>"
    try:
        browser = browser_type.connect(address, timeout=1000 * 60, **options)
    except playwright.sync_api.Error as error:
        raise HarnessError(
            f"no {browser_type.name} of the Playwright server at {without_secrets(address)}:"
            f" {_reason(error.message, address)}",
            hint=f"on the server: `playwright install {browser_type.name}`, or --browser-channel with an installed one",
        ) from None
    found = browser.browser_type.name
    if (
        found != browser_type.name
    ):  # a server of `launchServer` hands out the one that it has, whatever is asked for
        browser.close()
        raise HarnessError(
            f"the Playwright server at {without_secrets(address)} has {found}, not {browser_type.name}",
            hint=f"--browser {found}, or a server started by `playwright run-server`",
        )
    return browser


def connected_over_cdp(browser_type: BrowserType, address: str) -> Browser:
    """The browser behind the debugging port. Raises `HarnessError`."""
    import playwright.sync_api

    try:
        return browser_type.connect_over_cdp(address, timeout=1000 * 60)
    except playwright.sync_api.Error as error:
        raise HarnessError(
            f"the browser at {without_secrets(address)} could not be used: {_reason(error.message, address)}",
            hint="is it a Chromium that no other debugger holds?",
        ) from None


def check_clock(browser: Browser, now: Callable[[], float] = time.time) -> None:
    """Raise `HarnessError` when the browser's machine has another time: chats are ordered by the clocks of both."""
    context = browser.new_context()
    try:
        page = context.new_page()
        ahead, behind = [], []
        for _ in range(_CLOCK_TRIES):  # the quickest answer bounds the difference best
            before = now()
            there = float(page.evaluate("Date.now()")) / 1000
            ahead.append(there - now())
            behind.append(before - there)
    finally:
        context.close()
    for difference, word in ((max(ahead), "ahead of"), (max(behind), "behind")):
        if difference > _CLOCK_LIMIT_S:
            raise HarnessError(
                f"the clock of the browser's machine is {difference:.1f} s {word} the clock here:"
                " what it reports could not be put in order",
                hint="synchronise both clocks (NTP)",
            )


def notes_of(browser: Browser, environment: Environment, context_args: Mapping[str, Any]) -> list[str]:
    """What this browser cannot show, for the user to know before the first chat."""
    notes = []
    own = context_args.get("default_browser_type")
    if environment.device and own and own != environment.browser:
        notes.append(f"{environment.browser} emulates {environment.device}, whose own browser is {own}")
    if environment.device and environment.browser == "firefox":
        clicks = "" if context_args.get("has_touch") else ", and clicks instead of taps"
        notes.append(f"firefox emulates no mobile layout{clicks}; viewport and user agent are the device's")
    if environment.browser == "chromium" and "--disable-back-forward-cache" in _command_line(browser):
        notes.append("this browser has no back/forward cache: Back loads the page again")
    return notes


def _command_line(browser: Browser) -> list[str]:
    """The flags of a Chromium; empty if it does not tell them."""
    import playwright.sync_api

    try:
        session = browser.new_browser_cdp_session()
        flags: list[str] = session.send("Browser.getBrowserCommandLine")["arguments"]
        session.detach()
    except playwright.sync_api.Error:
        return []
    return flags


def connection_facts(settings: Settings, device: str) -> dict[str, str]:
    """Facts of a run about how its browser is reached; the record names nothing more of an address than its host and port."""
    facts = {
        "channel": settings.browser_channel or "",
        "device": device,
        "connection": f"Playwright server at {without_secrets(settings.connect)}" if settings.connect else "",
    }
    if settings.connect_over_cdp:
        facts["connection"] = f"debugging port at {without_secrets(settings.connect_over_cdp)}"
    return {name: fact for name, fact in facts.items() if fact}


def not_started(environment: Environment, reason: str) -> HarnessError:
    """The error of a browser that this machine has not, or that ended at once. It names no folder of this machine."""
    label, browser = environment.label, environment.browser
    if absent := _ABSENT.search(reason):
        install = f"`.venv/bin/playwright install {absent[1] or browser}`"
        if absent[2]:
            install = "`apt-get install firefox-esr`, or the Firefox of that channel"
        other = f"; or leave out --browser-channel {absent[1] or absent[2]}" if absent[1] or absent[2] else ""
        return HarnessError(f"{label} is not installed on this machine", hint=install + other)
    first = reason.splitlines()[0].removeprefix("BrowserType.launch: ")
    return HarnessError(
        f"{label} could not be started: {first}", hint="`make setup` finds or installs a browser"
    )


def _answer(address: str, headers: Mapping[str, str]) -> tuple[int, str]:
    """Status and beginning of the body. Raises `HarnessError` when nothing answers."""
    parts, place = urlsplit(address), without_secrets(address)
    port = parts.port or (443 if parts.scheme in ("https", "wss") else 80)
    connection: http.client.HTTPConnection
    if parts.scheme in ("https", "wss"):
        connection = http.client.HTTPSConnection(
            parts.hostname or "", port, timeout=_TIMEOUT_S, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", port, timeout=_TIMEOUT_S)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", target, headers=dict(headers))
        response = connection.getresponse()
        body = b"" if response.status == 101 else response.read(10_000)
        return response.status, body.decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise HarnessError(
            f"nothing answers at {place}: {reason}",
            hint="is the address right, is the server up, and does a firewall let this machine reach it?",
        ) from None
    finally:
        connection.close()


def _reason(message: str, address: str) -> str:
    """The first lines of Playwright's message that say something, without the address."""
    parts = urlsplit(address)
    clean = message.replace(address, without_secrets(address))
    values = [value for _, value in parse_qsl(parts.query)]
    for secret in (parts.query, *values, parts.password or "", parts.path.strip("/")):
        if len(secret) > 3:
            clean = clean.replace(secret, "…")
    lines = [line.strip(" ║╔╗╚╝═") for line in clean.splitlines()]
    return next(
        (line.partition(": ")[2] if line.startswith("BrowserType.") else line for line in lines if line),
        "no reason given",
    )


def _camel(name: str) -> str:
    """``executablePath``: a server takes the names of JavaScript."""
    first, *more = name.split("_")
    return first + "".join(word.capitalize() for word in more)


def _is_loopback(parts: SplitResult) -> bool:
    return parts.hostname in _LOOPBACK
