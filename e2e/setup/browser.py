"""Finds a Chromium to drive, and installs one when the machine has none.

The order: ``CHROME_PATH``, Playwright's own Chromium, a Chromium or Chrome of the system. A browser that was asked
for by name and is not there is an error, never a reason to take another one: the run would be about the wrong browser.

Playwright's own Chromium is looked for on the disk, as its documentation lays the folders out. Asking Playwright
itself would start its driver, which takes most of a second at each start of pytest.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from e2e.errors import HarnessError
from e2e.setup.places import REPO

QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""Keeps the browser's own traffic out of what is recorded."""

PLATFORM: str = sys.platform
"""A plain ``str``, so that the type checker reads the branches of all platforms."""

ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

WAYS_OUT = (
    "one of: install Chromium or Google Chrome; `.venv/bin/playwright install chromium`;"
    " CHROME_PATH=/path/to/chrome make setup"
)


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that can be driven.

    ``path`` is its executable, or None for Playwright's own, which Playwright finds by itself.
    ``channel`` picks the full Chromium where only that one of Playwright's two builds is there.
    """

    path: str | None
    kind: Literal["chrome_path", "playwright", "system"]
    how: str
    channel: str | None = None


def find_browser(env: Mapping[str, str] | None = None) -> Browser:
    """The browser to drive, found in about a millisecond.

    Raises `HarnessError` when ``CHROME_PATH`` names no executable, or when there is no browser at all.
    """
    env = os.environ if env is None else env
    found = _chosen(env) or _playwrights_own(env) or _system(env)
    if found is None:
        raise HarnessError("there is no Chromium or Chrome on this machine", way_out=WAYS_OUT)
    return found


def launch_options(found: Browser) -> dict[str, Any]:
    """What ``browser_type.launch`` needs for ``found``."""
    options: dict[str, Any] = {
        "args": [*QUIET, *(["--no-sandbox"] if _is_root() else [])],
        # Playwright switches the back/forward cache off; people have it on, and so the suite does.
        "ignore_default_args": ["--disable-back-forward-cache"],
    }
    if found.path is not None:
        options["executable_path"] = found.path
    if found.channel is not None:
        options["channel"] = found.channel
    return options


def install_browser(say: Callable[[str], None] = print) -> Browser:
    """Install a Chromium: Playwright's own, else the distribution's when we are root on Debian or Ubuntu.

    ``say`` gets one plain line before each slow step. Raises `HarnessError` with the ways out when nothing worked.
    """
    tried = []
    for name, commands in _ways_to_install():
        say(f"browser    none found; installing {name}, which may take a few minutes")
        problem = _run_all(commands)
        if problem is None:
            try:
                return find_browser()
            except HarnessError:
                problem = "it was installed, but no browser is there"
        tried.append(f"{name}: {problem}")
    raise HarnessError("no browser could be installed", where="; ".join(tried), way_out=WAYS_OUT)


def _chosen(env: Mapping[str, str]) -> Browser | None:
    wanted = env.get("CHROME_PATH", "").strip()
    if not wanted:
        return None
    path = shutil.which(wanted, path=env.get("PATH"))
    if path is None:
        state = "is not executable" if Path(wanted).exists() else "is not there"
        raise HarnessError(
            f"CHROME_PATH names no browser: {wanted} {state}",
            way_out="set CHROME_PATH to the browser's executable file, or unset it to let the suite find one",
        )
    return Browser(path, "chrome_path", "named by CHROME_PATH")


def _playwrights_own(env: Mapping[str, str]) -> Browser | None:
    package = _playwright_package()
    if package is None:
        return None
    folder = _browsers_folder(env, package)
    # Playwright writes the marker last: a folder without it is a download that was broken off.
    headless = (folder / f"chromium_headless_shell-{_revision(package)}" / "INSTALLATION_COMPLETE").is_file()
    full = (folder / f"chromium-{_revision(package)}" / "INSTALLATION_COMPLETE").is_file()
    if headless:
        return Browser(None, "playwright", "Playwright's own Chromium")
    if full:
        return Browser(
            None, "playwright", "Playwright's own Chromium, without the headless build", channel="chromium"
        )
    return None


def _playwright_package() -> Path | None:
    spec = importlib.util.find_spec("playwright")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / "driver" / "package"


def _revision(package: Path) -> str:
    try:
        listed = json.loads((package / "browsers.json").read_text(encoding="utf-8"))["browsers"]
    except (OSError, ValueError, KeyError):
        return "unknown"
    return next((str(b["revision"]) for b in listed if b["name"] == "chromium"), "unknown")


def _browsers_folder(env: Mapping[str, str], package: Path) -> Path:
    chosen = env.get("PLAYWRIGHT_BROWSERS_PATH", "")
    if chosen == "0":
        return package / ".local-browsers"
    if chosen:
        return Path(chosen)
    if PLATFORM == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    if PLATFORM == "win32":
        return Path(env.get("LOCALAPPDATA", str(Path.home() / "AppData" / "Local"))) / "ms-playwright"
    return Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"


def _system(env: Mapping[str, str]) -> Browser | None:
    for name in ON_PATH:
        path = shutil.which(name, path=env.get("PATH"))
        if path is not None and not _only_a_pointer(Path(path)):
            return Browser(path, "system", f"{name} of this system")
    for place in _usual_places(env):
        if place.is_file():
            return Browser(str(place), "system", f"{place.stem} of this system")
    return None


def _usual_places(env: Mapping[str, str]) -> Iterator[Path]:
    if PLATFORM == "darwin":
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            for app in ("Google Chrome", "Chromium"):
                yield folder / f"{app}.app" / "Contents" / "MacOS" / app
    if PLATFORM == "win32":
        for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
            if variable in env:
                yield Path(env[variable]) / "Google" / "Chrome" / "Application" / "chrome.exe"
                yield Path(env[variable]) / "Chromium" / "Application" / "chrome.exe"


def _only_a_pointer(path: Path) -> bool:
    """Ubuntu ships a ``chromium-browser`` that only says that the browser comes as a snap."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return True
    return head.startswith(b"#!") and b"snap install chromium" in head


def _ways_to_install() -> Iterator[tuple[str, list[list[str]]]]:
    playwright = [sys.executable, "-m", "playwright", "install"]
    with_libraries = ["--with-deps"] if PLATFORM == "linux" and _is_root() else []
    yield "Playwright's Chromium", [[*playwright, *with_libraries, "chromium"]]
    if with_libraries and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]
        yield "the distribution's Chromium", [["apt-get", "update", "-q"], install]


def _run_all(commands: list[list[str]]) -> str | None:
    """What went wrong, or None."""
    for command in commands:
        try:
            done = subprocess.run(
                command,
                cwd=REPO,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=900,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode != 0:
            lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
            reason = next(
                (line for line in lines if "error" in line.lower()), lines[-1] if lines else "it said nothing"
            )
            return f"`{Path(command[0]).name} {' '.join(command[1:])}` ended with {done.returncode}: {reason}"
    return None


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
