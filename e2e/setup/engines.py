"""Finds and installs Firefox and WebKit; `e2e.setup.browser` does it for Chromium.

Firefox: ``FIREFOX_PATH``, Playwright's own, a Firefox of the system. A system's Firefox is driven over WebDriver BiDi
(Playwright's channel ``moz-firefox``). WebKit: Playwright's own only.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from e2e.errors import HarnessError
from e2e.setup import browser as chromium
from e2e.setup.browser import Browser

ENGINES = ("firefox", "webkit")
_FIREFOX = ("firefox-esr", "firefox")
_BIDI = "moz-firefox"
_FRAMES_IN_THE_PAGES_PROCESS = {"fission.webContentIsolationStrategy": 0}
"""Measured with 153: over WebDriver BiDi a click and a key go to the process of the page. A frame of another site has a process of its
own, and never got them."""
_HINTS = {
    "firefox": "one of: `apt-get install firefox-esr`; `.venv/bin/playwright install firefox`; "
    "FIREFOX_PATH=/path/to/firefox",
    "webkit": "`.venv/bin/playwright install webkit`; it exists for no system without Playwright's own build",
}


def find_engine(name: str, env: Mapping[str, str] | None = None) -> Browser:
    """The Firefox or WebKit to drive. Raises `HarnessError` when none is installed, or ``FIREFOX_PATH`` names none."""
    env = os.environ if env is None else env
    found = _chosen(env) if name == "firefox" else None
    found = found or _playwrights_own(name, env) or (_system(env) if name == "firefox" else None)
    if found is None:
        raise HarnessError(f"no {_title(name)} is installed on this machine", hint=_HINTS[name])
    return found


def engine_options(found: Browser) -> dict[str, Any]:
    """The arguments of ``browser_type.launch`` for ``found``."""
    options = {**_over_bidi(found.channel), "executable_path": found.path, "channel": found.channel}
    return {name: value for name, value in options.items() if value is not None}


def channel_options(channel: str | None, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The further arguments of ``browser_type.launch`` that a ``channel`` needs."""
    env = os.environ if env is None else env
    # Playwright looks for it in Ubuntu's snap folder only: Debian's firefox-esr would be missing.
    found = (_chosen(env) or _system(env)) if channel == _BIDI else None
    return {**_over_bidi(channel), **({"executable_path": found.path} if found else {})}


def _over_bidi(channel: str | None) -> dict[str, Any]:
    over_bidi = channel is not None and channel.startswith("moz-")
    return {"firefox_user_prefs": dict(_FRAMES_IN_THE_PAGES_PROCESS)} if over_bidi else {}


def install_engine(name: str, report: Callable[[str], None] = print) -> Browser:
    """Install it: Debian's Firefox where root may do that, else Playwright's own build.

    ``report`` gets one line before each slow step. Raises `HarnessError` when every attempt failed.
    """
    failures = []
    for title, commands in _installations(name):
        report(f"{name:10} none found; installing {title}, which may take a few minutes")
        problem = chromium.run_all(commands)
        if problem is None:
            try:
                return find_engine(name)
            except HarnessError:
                problem = "it was installed, but none was found"
        failures.append(f"{title}: {problem}")
    raise HarnessError(f"no {_title(name)} could be installed", where="; ".join(failures), hint=_HINTS[name])


def _chosen(env: Mapping[str, str]) -> Browser | None:
    path = chromium.path_in_variable("FIREFOX_PATH", env)
    return None if path is None else Browser(path, "system", "named by FIREFOX_PATH", channel=_BIDI)


def _playwrights_own(name: str, env: Mapping[str, str]) -> Browser | None:
    if not chromium.is_playwrights(name, name, env):
        return None
    return Browser(None, "playwright", f"Playwright's own {_title(name)}")


def _system(env: Mapping[str, str]) -> Browser | None:
    for name in _FIREFOX:
        path = shutil.which(name, path=env.get("PATH"))
        if path is not None and not chromium.is_snap_stub(Path(path)):
            return Browser(path, "system", f"{name} of this system, over WebDriver BiDi", channel=_BIDI)
    usual = {
        "darwin": [Path("/Applications/Firefox.app/Contents/MacOS/firefox")],
        "win32": [
            Path(env[name]) / "Mozilla Firefox" / "firefox.exe"
            for name in ("PROGRAMFILES", "PROGRAMFILES(X86)")
            if name in env
        ],
    }
    for place in usual.get(chromium.PLATFORM, ()):
        if place.is_file():
            return Browser(str(place), "system", "Firefox of this system, over WebDriver BiDi", channel=_BIDI)
    return None


def _installations(name: str) -> Iterator[tuple[str, list[list[str]]]]:
    root_on_linux = chromium.PLATFORM == "linux" and chromium.is_root()
    if (
        name == "firefox"
        and root_on_linux
        and Path("/etc/debian_version").exists()
        and shutil.which("apt-get")
    ):
        install = [*chromium.APT_INSTALL, "firefox-esr"]
        yield "Debian's firefox-esr", [chromium.APT_UPDATE, install]
    with_libraries = ["--with-deps"] if root_on_linux else []
    command = [sys.executable, "-m", "playwright", "install", *with_libraries, name]
    yield f"Playwright's {_title(name)}", [command]


def _title(name: str) -> str:
    return {"firefox": "Firefox", "webkit": "WebKit"}[name]
